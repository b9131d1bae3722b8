import type { Lab } from "../lab/lab.ts";
import { inTurn } from "../lab/rounds.ts";
import { treePayload } from "../lab/tree.ts";
import { copy, tarZstd, tarZstdSync } from "../peers/baselines.ts";
import { flavor } from "../peers/flavor.ts";
import { builtBy, coldStart, type Peer } from "../peers/peer.ts";
import type { Bar, Row } from "../results/results.ts";
import { bytesText } from "../results/tables.ts";
import type { Measurement } from "./measurement.ts";

/** First start of the whole tree, with every check: new cache, new user, nothing known of the signer. */
export const cold: Measurement = {
  name: "cold",
  rows: (lab) => coldRow(lab, "in memory", lab.dir, [tarZstd, copy], 0.8),
};

/** The same on a disk, where the workenv is on the disk before the application starts. */
export const coldDisk: Measurement = {
  name: "cold-disk",
  rows: (lab) => coldRow(lab, "on a disk", lab.disk, [tarZstdSync], 1),
};

async function coldRow(
  lab: Lab,
  where: string,
  parent: string,
  baselines: readonly Peer[],
  limit: number,
): Promise<readonly Row[]> {
  const payload = await treePayload(lab);
  const contestants = [];
  for (const peer of [flavor, ...baselines])
    contestants.push(coldStart(peer.name, await builtBy(lab, peer, payload), parent));
  const series = inTurn({ rounds: lab.rounds(parent === lab.dir ? 11 : 7) }, contestants);
  const bars = baselines.map(({ name }): Bar => ({
    kind: "ratio",
    series: flavor.name,
    against: name,
    limit,
  }));
  const what = `cold start of ${bytesText(payload.bytes)} in ${payload.files} files, ${where}`;
  return [{ id: parent === lab.dir ? "cold" : "cold-disk", what, unit: "ms", series, bars, notes: [] }];
}
