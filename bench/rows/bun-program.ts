import { inTurn } from "../lab/rounds.ts";
import { helloPayload } from "../lab/tree.ts";
import { flavorBun } from "../peers/flavor.ts";
import { bunCompile } from "../peers/javascript.ts";
import { builtBy, warmStart } from "../peers/peer.ts";
import type { Measurement } from "./measurement.ts";

/** A program in TypeScript's runtime, packed, against the same program as an executable of Bun's own making. */
export const bunProgram: Measurement = {
  name: "bun-program",
  rows: async (lab) => {
    const payload = await helloPayload(lab);
    const contestants = [];
    for (const peer of [flavorBun, bunCompile])
      contestants.push(warmStart(peer.name, await builtBy(lab, peer, payload), lab.dir));
    const series = inTurn({ rounds: lab.rounds(100), warmUp: 5 }, contestants);
    const bars = [
      { kind: "difference", series: flavorBun.name, against: bunCompile.name, limit: 5 } as const,
    ];
    const what = "a program through {bun}, warm";
    return [{ id: "bun-program", what, unit: "ms", series, bars, notes: [] }];
  },
};
