import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { letters } from "../lab/content.ts";
import { type Lab, removeFolder } from "../lab/lab.ts";
import { cpuMilliseconds, milliseconds } from "../lab/process.ts";
import { flavorEnvironment, flavorProgram, pack } from "../lab/programs.ts";
import { inTurn } from "../lab/rounds.ts";
import { need } from "../lab/skip.ts";
import type { Row } from "../results/results.ts";
import { bytesText } from "../results/tables.ts";
import type { Measurement } from "./measurement.ts";

/** What lies in a package besides its launcher, in bytes; they shrink to about six tenths. The first one has the bar. */
const PACKAGES = [
  { id: "zstd", what: "no launcher, tar|zstd", launcher: "shebang", operations: "tar|zstd", size: 1700e6 },
  {
    id: "launcher",
    what: "our launcher, 2 MB tar|zstd",
    launcher: undefined,
    operations: "tar|zstd",
    size: 3e6,
  },
  { id: "tar", what: "no launcher, tar", launcher: "shebang", operations: "tar", size: 100e6 },
  { id: "gzip", what: "no launcher, tar|gzip", launcher: "shebang", operations: "tar|gzip", size: 168e6 },
] as const;

const OURS = "flavor verify";
const BASELINE = "sha256sum";

/** Every check of a package against one digest of the same file: the time, and the work of all cores. */
export const verifying: Measurement = {
  name: "verify",
  rows: async (lab) => {
    const rows: Row[] = [];
    for (const recipe of PACKAGES) {
      const path = await packLetters(lab, recipe);
      rows.push(await rowOf(lab, recipe, path));
      if (recipe.id === "zstd") rows.push(await rowOf(lab, recipe, path, "of all cores"));
    }
    return rows;
  },
};

async function rowOf(
  lab: Lab,
  { id, what }: (typeof PACKAGES)[number],
  path: string,
  cores?: "of all cores",
): Promise<Row> {
  const flavor = await flavorProgram(lab);
  const measure = cores === undefined ? milliseconds : cpuMilliseconds;
  const contestant = (name: string, command: readonly string[]) => ({
    name,
    run: () => measure({ command, env: flavorEnvironment(lab) }),
  });
  const series = inTurn({ rounds: lab.rounds(cores === undefined ? 9 : 3) }, [
    contestant(OURS, [flavor, "verify", path]),
    contestant(BASELINE, [need("sha256sum"), path]),
  ]);
  const hasBar = id === "zstd" && cores === undefined;
  return {
    id: `verify-${id}${cores === undefined ? "" : "-cpu"}`,
    what: `${cores === undefined ? "verifying" : "processor time of verifying"} ${bytesText(statSync(path).size)}: ${what}`,
    unit: "ms",
    series,
    bars: hasBar ? [{ kind: "ratio", series: OURS, against: BASELINE, limit: 1.2 }] : [],
    notes: [],
  };
}

/** Looking into a package may take no longer because it is large. */
export const inspecting: Measurement = {
  name: "inspect",
  rows: async (lab) => {
    const flavor = await flavorProgram(lab);
    const [large, small] = [await packLetters(lab, PACKAGES[0]), await packLetters(lab, PACKAGES[2], 1000)];
    const contestant = (path: string) => ({
      name: bytesText(statSync(path).size),
      run: () => milliseconds({ command: [flavor, "inspect", path], env: flavorEnvironment(lab) }),
    });
    const contestants = [contestant(large), contestant(small)] as const;
    const series = inTurn({ rounds: lab.rounds(50), warmUp: 3 }, contestants);
    const [{ name: ours }, { name: against }] = contestants;
    const bars = [
      { kind: "value", series: ours, limit: 60 },
      { kind: "ratio", series: ours, against, limit: 1.05 },
    ] as const;
    return [{ id: "inspect", what: "flavor inspect", unit: "ms", series, bars, notes: [] }];
  },
};

/** A package of random letters, made once; `divisor` times smaller than its recipe says. */
function packLetters(
  lab: Lab,
  { id, launcher, operations, size }: (typeof PACKAGES)[number],
  divisor = lab.quick ? 50 : 1,
): Promise<string> {
  const name = `letters-${id}-${divisor}`;
  return lab.once(name, async () => {
    const source = join(lab.dir, name);
    mkdirSync(source, { recursive: true });
    for (let file = 0; file < 100; file++)
      writeFileSync(join(source, String(file)), letters(Math.ceil(size / divisor / 100)));
    const slots = [{ id: "files", source, operations }];
    const path = await pack(lab, {
      name,
      command: "/bin/true",
      slots,
      ...(launcher === undefined ? {} : { launcher }),
    });
    removeFolder(source);
    return path;
  });
}
