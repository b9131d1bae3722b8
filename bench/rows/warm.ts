import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { environmentIn, freshHome, type Lab, removeFolder } from "../lab/lab.ts";
import { said } from "../lab/process.ts";
import { bareProgram, pack } from "../lab/programs.ts";
import { inTurn } from "../lab/rounds.ts";
import { need, shortPaths } from "../lab/skip.ts";
import { type Built, warmStart } from "../peers/peer.ts";
import { median } from "../results/stats.ts";
import type { Measurement } from "./measurement.ts";

/** A start whose workenv is ready, against a compiled Bun program that does nothing but become the same program. */
export const warm: Measurement = {
  name: "warm",
  rows: async (lab) => {
    const [ours, bare] = [program(await packTrue(lab)), program(await bareProgram(lab))];
    const against = "bare Bun that becomes /bin/true";
    const series = inTurn({ rounds: lab.rounds(200), warmUp: 5 }, [
      warmStart("flavor", ours, lab.dir),
      warmStart(against, bare, lab.dir),
      warmStart("/bin/true", program("/bin/true"), lab.dir),
    ]);
    const bars = [{ kind: "ratio", series: "flavor", against, limit: 1.25 } as const];
    return [
      { id: "warm", what: "warm start of /bin/true", unit: "ms", series, bars, notes: phasesOf(lab, ours) },
    ];
  },
};

/** A program that is started as it is. */
export const program = (file: string): Built => ({
  file,
  start: (home) => ({ command: [file], env: environmentIn(home) }),
});

/** A package of a copy of `true`, which it becomes. */
export async function packTrue(lab: Lab): Promise<string> {
  const source = join(lab.dir, "true");
  mkdirSync(source, { recursive: true });
  copyFileSync(need("true"), join(source, "true"));
  return pack(lab, {
    name: "true",
    command: "{workenv}/bin/true",
    slots: [{ id: "bin", source, target: "bin" }],
  });
}

/** What the launcher says of its own time when it is asked, medians of a few starts. */
function phasesOf(lab: Lab, { start }: Built): readonly string[] {
  const home = freshHome(lab.dir);
  said(start(home));
  const call = start(home);
  const env = { ...call.env, FLAVOR_LOG_LEVEL: "debug" };
  const starts = Array.from({ length: lab.rounds(21) }, () => debugLines(said({ ...call, env }).err));
  removeFolder(home);
  const texts = starts[0]?.map(({ text }) => text) ?? [];
  return texts.map((text, i) => {
    const times = starts.flatMap((lines) => (lines[i] === undefined ? [] : [lines[i].ms]));
    return `after ${median(times).toFixed(1)} ms: ${text}`;
  });
}

/** The lines "<name>: debug <ms> ms: <text>" of a launcher; paths of this machine are made short. */
export const debugLines = (text: string): readonly { readonly ms: number; readonly text: string }[] =>
  [...text.matchAll(/^[^\n]*?: debug ([\d.]+) ms: (.*)$/gm)].map(([, ms = "", said = ""]) => ({
    ms: Number(ms),
    text: shortPaths(said),
  }));
