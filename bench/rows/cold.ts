import type { Lab } from "../lab/lab.ts";
import { treePayload } from "../lab/tree.ts";
import { copy, tarZstd, tarZstdSync } from "../peers/baselines.ts";
import { compare } from "../peers/compare.ts";
import { flavor } from "../peers/flavor.ts";
import { type Built, coldStart, type Peer } from "../peers/peer.ts";
import type { Bar, Row } from "../results/results.ts";
import { bytesText } from "../results/tables.ts";
import type { Measurement } from "./measurement.ts";

/** First start of the whole tree, with every check: new cache, new user, nothing known of the signer. */
export const cold: Measurement = {
  name: "cold",
  rows: async (lab) => [await rowOf(lab, "cold", "in memory", lab.dir, [tarZstd, copy], 0.8, 11)],
};

/** The same on a disk, where the workenv is on the disk before the application starts. */
export const coldDisk: Measurement = {
  name: "cold-disk",
  rows: async (lab) => [await rowOf(lab, "cold-disk", "on a disk", lab.disk, [tarZstdSync], 1, 7)],
};

async function rowOf(
  lab: Lab,
  id: string,
  where: string,
  parent: string,
  baselines: readonly Peer[],
  limit: number,
  rounds: number,
): Promise<Row> {
  const payload = await treePayload(lab);
  const contestantOf = (name: string, built: Built) => coldStart(name, built, parent);
  const series = await compare(lab, [flavor, ...baselines], payload, contestantOf, {
    rounds: lab.rounds(rounds),
  });
  const bars = baselines.map(({ name }): Bar => ({
    kind: "ratio",
    series: flavor.name,
    against: name,
    limit,
  }));
  const what = `cold start of ${bytesText(payload.bytes)} in ${payload.files} files, ${where}`;
  return { id, what, unit: "ms", series, bars, notes: [] };
}
