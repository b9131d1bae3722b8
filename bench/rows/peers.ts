import type { Lab } from "../lab/lab.ts";
import { fileMegabytes } from "../lab/programs.ts";
import { helloPayload, type Payload, treePayload } from "../lab/tree.ts";
import { nativeFloor } from "../peers/baselines.ts";
import { compare } from "../peers/compare.ts";
import { flavor, flavorBun } from "../peers/flavor.ts";
import { bunCompile, nodeSea } from "../peers/javascript.ts";
import { coldStart, type Peer, warmStart } from "../peers/peer.ts";
import { pex, pyapp, pyinstaller, shiv } from "../peers/python.ts";
import { caxa, dotslash, makeself, squashfuse } from "../peers/self-extracting.ts";
import type { Row, Unit } from "../results/results.ts";
import type { Measurement } from "./measurement.ts";

const HELLO_PEERS = [
  ...[flavor, flavorBun, nativeFloor, dotslash, bunCompile, nodeSea],
  ...[caxa, makeself, squashfuse, pyinstaller, pex, shiv, pyapp],
];
const TREE_PEERS = [flavor, caxa, makeself, squashfuse, pyinstaller, pex, shiv];

/** A program that says hello, in everything that makes one file of a program. */
export const peersHello: Measurement = {
  name: "peers-hello",
  rows: async (lab) => rowsOf(lab, "hello", await helloPayload(lab), HELLO_PEERS, { warm: 40, cold: 9 }),
};

/** The same program with the whole tree beside it. */
export const peersTree: Measurement = {
  name: "peers-tree",
  rows: async (lab) => rowsOf(lab, "tree", await treePayload(lab), TREE_PEERS, { warm: 5, cold: 3 }),
};

async function rowsOf(
  lab: Lab,
  name: string,
  payload: Payload,
  peers: readonly Peer[],
  rounds: { readonly warm: number; readonly cold: number },
): Promise<readonly Row[]> {
  const rowOf = async (
    id: string,
    what: string,
    unit: Unit,
    contestantOf: Parameters<typeof compare>[3],
    count: number,
    warmUp = 1,
  ): Promise<Row> => {
    const series = await compare(lab, peers, payload, contestantOf, { rounds: count, warmUp });
    return { id: `${id}-${name}`, what: `${what}, ${name}`, unit, series, bars: [], notes: [] };
  };
  return [
    await rowOf(
      "warm",
      "warm start",
      "ms",
      (peer, it) => warmStart(peer, it, lab.dir),
      lab.rounds(rounds.warm),
    ),
    await rowOf(
      "cold",
      "first start",
      "ms",
      (peer, it) => coldStart(peer, it, lab.dir),
      lab.rounds(rounds.cold),
    ),
    await rowOf(
      "peak",
      "peak memory of a first start",
      "MB",
      (peer, it) => coldStart(peer, it, lab.dir, "MB"),
      2,
      0,
    ),
    await rowOf(
      "size",
      "size of the file",
      "MB",
      (peer, it) => ({ name: peer, run: () => fileMegabytes(it.file) }),
      1,
      0,
    ),
  ];
}
