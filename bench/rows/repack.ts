import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Lab, removeFolder } from "../lab/lab.ts";
import { sharesOf } from "../lab/part.ts";
import { type Call, milliseconds } from "../lab/process.ts";
import { packCall, type SlotRecipe, withoutCache } from "../lab/programs.ts";
import { type Contestant, inTurn } from "../lab/rounds.ts";
import { copyFiles, filesOf, treePayload } from "../lab/tree.ts";
import type { Measurement } from "./measurement.ts";

const OURS = "three slots, one changed";
const BASELINE = "that slot alone";

/** So long after a change, a file's time shows that nothing has changed since. */
const SETTLED_MS = 150;

/**
 * Packing again when one slot of three has changed, against packing that slot alone; both with the build cache on. In each
 * round it is another of the three.
 */
export const repacking: Measurement = {
  name: "repack",
  rows: async (lab) => {
    const slots = await thirdsOfTree(lab);
    const all = await packCall(lab, { name: "three", command: "/bin/true", slots });
    const alone = await Promise.all(
      slots.map((slot) => packCall(lab, { name: `alone-${slot.id}`, command: "/bin/true", slots: [slot] })),
    );
    const contestant = (name: string, packing: (changed: number) => Packing): Contestant => ({
      name,
      before: (round) => {
        const changed = round % slots.length;
        removeFolder(packing(changed).path);
        // what no cache has seen
        writeFileSync(join(slots[changed]?.source as string, "changed"), `${name} ${round} ${Date.now()}`);
        Bun.sleepSync(SETTLED_MS);
      },
      run: (round) => milliseconds(packing(round % slots.length).call),
    });
    const series = inTurn({ rounds: lab.rounds(12), warmUp: slots.length }, [
      contestant(OURS, () => all),
      contestant(BASELINE, (changed) => alone[changed] as Packing),
    ]);
    const notes = (await withoutCache(lab)).length === 0 ? ["this flavor has no build cache"] : [];
    const bars = [{ kind: "ratio", series: OURS, against: BASELINE, limit: 1.15 } as const];
    return [{ id: "repack", what: "packing again, level 3", unit: "ms", series, bars, notes }];
  },
};

interface Packing {
  readonly call: Call;
  readonly path: string;
}

/** Three slots of about the same size, each with whole packages of the tree. */
const thirdsOfTree = (lab: Lab): Promise<readonly SlotRecipe[]> =>
  lab.once("thirds", async () => {
    const { dir } = await treePayload(lab);
    return sharesOf(filesOf(dir), 3).map((share, third) => {
      const source = join(lab.dir, "thirds", String(third));
      removeFolder(source);
      copyFiles(
        dir,
        source,
        share.map(([path]) => path),
      );
      return { id: `third${third}`, source, target: `third${third}`, operations: "tar|zstd" };
    });
  });
