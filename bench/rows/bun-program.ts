import { helloPayload } from "../lab/tree.ts";
import { compare } from "../peers/compare.ts";
import { flavorBun } from "../peers/flavor.ts";
import { bunCompile } from "../peers/javascript.ts";
import { type Built, warmStart } from "../peers/peer.ts";
import type { Measurement } from "./measurement.ts";

/** A program in TypeScript's runtime, packed, against the same program as an executable of Bun's own making. */
export const bunProgram: Measurement = {
  name: "bun-program",
  rows: async (lab) => {
    const contestantOf = (name: string, built: Built) => warmStart(name, built, lab.dir);
    const rounds = { rounds: lab.rounds(100), warmUp: 5 };
    const series = await compare(lab, [flavorBun, bunCompile], await helloPayload(lab), contestantOf, rounds);
    const bars = [
      { kind: "difference", series: flavorBun.name, against: bunCompile.name, limit: 5 } as const,
    ];
    const what = "a program through {bun}, warm";
    return [{ id: "bun-program", what, unit: "ms", series, bars, notes: [] }];
  },
};
