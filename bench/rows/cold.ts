import { cpSync } from "node:fs";
import { join } from "node:path";
import { type Lab, removeFolder } from "../lab/lab.ts";
import { type Payload, treePayload } from "../lab/tree.ts";
import { copy, tarZstd, tarZstdSync } from "../peers/baselines.ts";
import { compare } from "../peers/compare.ts";
import { flavor } from "../peers/flavor.ts";
import { type Built, coldStart, type Peer } from "../peers/peer.ts";
import type { Bar, Row } from "../results/results.ts";
import { bytesText } from "../results/tables.ts";
import type { Measurement } from "./measurement.ts";

/**
 * First start of the whole tree, with every check: new cache, new user, nothing known of the signer. What is unpacked or
 * copied lies where users have it, on a disk, all of it in the cache of the system; or in memory as well, which the system
 * copies from faster.
 */
export const cold: Measurement = {
  name: "cold",
  rows: async (lab) => {
    const peers = [tarZstd, copy];
    const kept = await rowOf({ ...lab, dir: lab.disk }, "cold-kept", "from a disk's cache into memory", {
      payload: await payloadOnDisk(lab),
      ...{ parent: lab.dir, peers, limit: 0.8, rounds: 11 },
    });
    const within = await rowOf(lab, "cold", "within memory", {
      payload: await treePayload(lab),
      ...{ parent: lab.dir, peers, limit: 0.8, rounds: 11 },
    });
    return [kept, within];
  },
};

/** The same on a disk, where the workenv is on the disk before the application starts. */
export const coldDisk: Measurement = {
  name: "cold-disk",
  rows: async (lab) => [
    await rowOf(lab, "cold-disk", "on a disk", {
      payload: await treePayload(lab),
      ...{ parent: lab.disk, peers: [tarZstdSync], limit: 1, rounds: 7 },
    }),
  ],
};

/** The tree on the disk. */
const payloadOnDisk = (lab: Lab): Promise<Payload> =>
  lab.once("payload tree on the disk", async () => {
    const tree = await treePayload(lab);
    const dir = join(lab.disk, "payloads", "tree");
    removeFolder(dir);
    cpSync(tree.dir, dir, { recursive: true, verbatimSymlinks: true });
    return { ...tree, name: "tree-on-disk", dir };
  });

interface Start {
  readonly payload: Payload;
  /** Where it is unpacked. */
  readonly parent: string;
  readonly peers: readonly Peer[];
  readonly limit: number;
  readonly rounds: number;
}

async function rowOf(lab: Lab, id: string, where: string, start: Start): Promise<Row> {
  const { payload, parent, peers, limit } = start;
  const contestantOf = (name: string, built: Built) => coldStart(name, built, parent);
  const rounds = lab.rounds(start.rounds);
  const series = await compare(lab, [flavor, ...peers], payload, contestantOf, { rounds });
  const bars = peers.map(({ name: against }): Bar => ({
    kind: "ratio",
    series: flavor.name,
    against,
    limit,
  }));
  const what = `cold start of ${bytesText(payload.bytes)} in ${payload.files} files, ${where}`;
  return { id, what, unit: "ms", series, bars, notes: [] };
}
