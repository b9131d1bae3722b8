import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { environmentIn, type Lab, removeFolder, type Start } from "../lab/lab.ts";
import { milliseconds, said } from "../lab/process.ts";
import { pack, packCall, type Recipe, withoutCache } from "../lab/programs.ts";
import { inTurn } from "../lab/rounds.ts";
import { need } from "../lab/skip.ts";
import { treePayload } from "../lab/tree.ts";
import { coldStart } from "../peers/peer.ts";
import { bytesText } from "../results/tables.ts";
import type { Measurement } from "./measurement.ts";

/** A package whose only slot is one large file, as a model or an image is: packed, and started for the first time. */
export const oneFile: Measurement = {
  name: "one-file",
  rows: async (lab) => {
    for (const program of ["tar", "zstd"]) need(program);
    const file = await largeFile(lab);
    const of = `one file of ${bytesText(statSync(file).size)}`;
    const recipe: Recipe = {
      name: "one-file",
      command: "/bin/true",
      slots: [{ id: "file", source: file, target: "payload/file" }],
    };
    const program = await pack(lab, recipe);
    const compressed = join(lab.dir, "one-file.zst");
    const compress = { command: ["zstd", "-3", "-T0", "-q", "-f", file, "-o", compressed], env: lab.env };
    said(compress);
    const contestant = (name: string, command: (home: string) => readonly string[]) => {
      const start: Start = (home) => ({ command: command(home), env: environmentIn(home) });
      return coldStart(name, { file: program, start }, lab.dir);
    };
    const starts = inTurn({ rounds: lab.rounds(11) }, [
      contestant("flavor", () => [program]),
      contestant("zstd -d", (home) => ["zstd", "-q", "-d", compressed, "-o", join(home, "file")]),
      contestant("cp", (home) => ["cp", file, join(home, "file")]),
    ]);
    const whole = await packCall(lab, { ...recipe, name: "one-file-anew", options: await withoutCache(lab) });
    const packs = inTurn({ rounds: lab.rounds(11) }, [
      {
        name: "flavor pack",
        before: () => removeFolder(whole.path),
        run: () => milliseconds(whole.call),
      },
      {
        name: "zstd -3 -T0",
        before: () => removeFolder(compressed),
        run: () => milliseconds(compress),
      },
    ]);
    const common = { unit: "ms", bars: [], notes: [] } as const;
    return [
      { id: "file-cold", what: `cold start of ${of}, in memory`, series: starts, ...common },
      { id: "file-pack", what: `packing ${of}, level 3`, series: packs, ...common },
    ];
  },
};

/** The whole tree as one file: nobody is told that it is an archive. */
const largeFile = (lab: Lab): Promise<string> =>
  lab.once("one large file", async () => {
    const { dir } = await treePayload(lab);
    const path = join(lab.dir, "payloads", "one-file");
    mkdirSync(join(lab.dir, "payloads"), { recursive: true });
    said({ command: ["tar", "-c", "-f", path, "-C", dir, "."], env: lab.env });
    return path;
  });
