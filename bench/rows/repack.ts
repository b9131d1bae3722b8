import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Lab, removeFolder } from "../lab/lab.ts";
import { milliseconds } from "../lab/process.ts";
import { packCall, withoutCache } from "../lab/programs.ts";
import { type Contestant, inTurn } from "../lab/rounds.ts";
import { copyFiles, filesOf, treePayload } from "../lab/tree.ts";
import type { Measurement } from "./measurement.ts";

const OURS = "three slots, one changed";
const BASELINE = "that slot alone";

/** Packing again when one slot of three has changed, against packing that slot alone; both with the build cache on. */
export const repacking: Measurement = {
  name: "repack",
  rows: async (lab) => {
    const slots = await thirdsOfTree(lab);
    const [changed] = slots;
    const contestant = async (name: string, file: string, of: typeof slots): Promise<Contestant> => {
      const { call, path } = await packCall(lab, { name: file, command: "/bin/true", slots: of });
      return {
        name,
        before: (round) => {
          removeFolder(path);
          // what no cache has seen
          writeFileSync(
            join((changed as (typeof slots)[number]).source, "changed"),
            `${name} ${round} ${Date.now()}`,
          );
        },
        run: () => milliseconds(call),
      };
    };
    const series = inTurn({ rounds: lab.rounds(7) }, [
      await contestant(OURS, "three", slots),
      await contestant(BASELINE, "alone", slots.slice(0, 1)),
    ]);
    const notes = (await withoutCache(lab)).length === 0 ? ["this flavor has no build cache"] : [];
    const bars = [{ kind: "ratio", series: OURS, against: BASELINE, limit: 1.15 } as const];
    return [{ id: "repack", what: "packing again, level 3", unit: "ms", series, bars, notes }];
  },
};

/** Three slots of about the same size: every third file of the tree. */
const thirdsOfTree = (lab: Lab) =>
  lab.once("thirds", async () => {
    const { dir } = await treePayload(lab);
    const paths = filesOf(dir).map(([path]) => path);
    return [0, 1, 2].map((third) => {
      const source = join(lab.dir, "thirds", String(third));
      removeFolder(source);
      copyFiles(
        dir,
        source,
        paths.filter((_, i) => i % 3 === third),
      );
      return { id: `third${third}`, source, target: `third${third}`, operations: "tar|zstd" };
    });
  });
