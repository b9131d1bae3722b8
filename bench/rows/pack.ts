import { join } from "node:path";
import type { Lab } from "../lab/lab.ts";
import { removeFolder } from "../lab/lab.ts";
import { peakMegabytes } from "../lab/peak.ts";
import { type Call, milliseconds } from "../lab/process.ts";
import { packCall, type Recipe, withoutCache } from "../lab/programs.ts";
import { type Contestant, inTurn } from "../lab/rounds.ts";
import { need } from "../lab/skip.ts";
import { type Payload, treePayload } from "../lab/tree.ts";
import type { Row, Unit } from "../results/results.ts";
import { bytesText } from "../results/tables.ts";
import type { Measurement } from "./measurement.ts";

const OURS = "flavor pack";
const BASELINE = "tar -c | zstd -3 -T0";

/** Packing the whole tree at level 3, from nothing, and what it needs of memory. */
export const packing: Measurement = {
  name: "pack",
  rows: async (lab) => {
    const payload = await treePayload(lab);
    const of = `${bytesText(payload.bytes)} in ${payload.files} files, level 3`;
    const time = inTurn({ rounds: lab.rounds(21) }, await contestantsOf(lab, payload, "ms"));
    const memory = inTurn(
      { rounds: Math.min(3, lab.rounds(3)), warmUp: 0 },
      await contestantsOf(lab, payload, "MB"),
    );
    return [
      rowOf("pack", `packing ${of}`, "ms", time, [
        { kind: "ratio", series: OURS, against: BASELINE, limit: 1 },
      ]),
      rowOf("pack-memory", `peak memory of packing ${of}`, "MB", memory, [
        { kind: "value", series: OURS, limit: 250 },
      ]),
    ];
  },
};

const rowOf = (id: string, what: string, unit: Unit, series: Row["series"], bars: Row["bars"]): Row => {
  return { id, what, unit, series, bars, notes: [] };
};

async function contestantsOf(lab: Lab, payload: Payload, unit: Unit): Promise<readonly Contestant[]> {
  const recipe: Recipe = {
    name: "pack",
    command: "/bin/true",
    slots: [{ id: "tree", source: payload.dir, operations: "tar|zstd" }],
  };
  const cold = await withoutCache(lab);
  const whole = await packCall(lab, { ...recipe, options: cold });
  const unverified = await packCall(lab, { ...recipe, options: [...cold, "--no-verify"] });
  const contestant = (name: string, call: Call, output: string): Contestant => ({
    name,
    before: () => removeFolder(output),
    run: () => (unit === "ms" ? milliseconds : peakMegabytes)(call),
  });
  return [
    contestant(OURS, whole.call, whole.path),
    contestant(BASELINE, archiveCall(lab, payload), join(lab.dir, "pack.tar.zst")),
    contestant(`${OURS} --no-verify`, unverified.call, unverified.path),
  ];
}

function archiveCall(lab: Lab, payload: Payload): Call {
  for (const program of ["tar", "zstd"]) need(program);
  const script = 'tar -c -C "$1" . | zstd -3 -T0 -q -o "$2"';
  return { command: ["sh", "-c", script, "sh", payload.dir, join(lab.dir, "pack.tar.zst")], env: lab.env };
}
