import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { writeEqual } from "../lab/content.ts";
import { type Lab, removeFolder } from "../lab/lab.ts";
import { pack } from "../lab/programs.ts";
import { inTurn } from "../lab/rounds.ts";
import { need } from "../lab/skip.ts";
import { warmStart } from "../peers/peer.ts";
import type { Measurement } from "./measurement.ts";
import { packTrue, program } from "./warm.ts";

const SLOTS = 10;

/** A warm start may not cost more because there is more. */
export const growth: Measurement = {
  name: "warm-growth",
  rows: async (lab) => {
    const { files, bytes } = lab.quick ? { files: 1000, bytes: 20e6 } : { files: 50_000, bytes: 1e9 };
    const [large, small] = [await packLarge(lab, files, bytes), await packTrue(lab)];
    const names = [`${SLOTS} slots, ${files} files, ${bytes / 1e6} MB`, "1 slot, 1 file"] as const;
    const series = inTurn({ rounds: lab.rounds(200), warmUp: 5 }, [
      warmStart(names[0], program(large), lab.dir),
      warmStart(names[1], program(small), lab.dir),
    ]);
    const bars = [{ kind: "ratio", series: names[0], against: names[1], limit: 1.03 } as const];
    return [
      { id: "warm-growth", what: "warm start of large and small", unit: "ms", series, bars, notes: [] },
    ];
  },
};

async function packLarge(lab: Lab, files: number, bytes: number): Promise<string> {
  const dir = join(lab.dir, "growth");
  const slots = Array.from({ length: SLOTS }, (_, i) => ({
    id: `s${i}`,
    source: join(dir, `s${i}`),
    target: `s${i}`,
  }));
  for (const [i, { source }] of slots.entries()) writeEqual(source, files / SLOTS, bytes / SLOTS, i * files);
  copyFileSync(need("true"), join(dir, "s0", "true"));
  const path = await pack(lab, { name: "growth", command: "{workenv}/s0/true", slots });
  removeFolder(dir);
  return path;
}
