/**
 * `npm run bench -- [--quick] [--only ROW…] [--rounds N] [--dir FOLDER] [--disk FOLDER] [--out FILE] [--keep]`: measures
 * everything in bench/measurements.ts, prints tables, and writes what was found.
 *
 * A whole run writes bench/results.json and what docs/performance.md has of it. A run of some rows, and a quick one, which
 * only shows that everything works, write nothing unless --out names a file. --dir is the folder to work in: it
 * must be empty or of an earlier run with --keep, whose tree and peers are then used again.
 */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exitCodeOf, renderError } from "../format/errors.ts";
import { diskParent, memoryParent, openWorkFolder } from "./lab/folders.ts";
import { type Lab, openLab } from "./lab/lab.ts";
import { commitOf, loadNow, machineWith, versionsOf } from "./lab/machine.ts";
import { said } from "./lab/process.ts";
import { reasonOf, Skip } from "./lab/skip.ts";
import { MEASUREMENTS } from "./measurements.ts";
import { type Options, outputOf, parseOptions } from "./options.ts";
import { RESULTS_FILE } from "./page.ts";
import { hasFailed } from "./results/judge.ts";
import { type Measured, renderResults, type Results, SCHEMA } from "./results/results.ts";
import { headerText, measuredText } from "./results/text.ts";
import type { Measurement } from "./rows/measurement.ts";

async function bench(options: Options): Promise<void> {
  const work = openWorkFolder(options.dir, memoryParent(), options.keep);
  const disk = openWorkFolder(options.disk, diskParent(), options.keep);
  try {
    const lab = openLab({ ...options, dir: work.path, disk: disk.path, env: process.env, say });
    const results = await measureAll(lab, options);
    write(results, options);
    if (results.measurements.some(hasFailed)) process.exitCode = 1;
  } finally {
    for (const { path, remove } of [work, disk]) {
      await remove();
      if (options.keep) say(`kept ${path}\n`);
    }
  }
}

async function measureAll(lab: Lab, { only, quick }: Options): Promise<Results> {
  const before = machineWith(lab.dir, lab.disk);
  const wanted = MEASUREMENTS.filter(({ name }) => only.length === 0 || only.includes(name));
  const facts = {
    schema: SCHEMA,
    mode: quick ? "quick" : "full",
    date: new Date().toISOString(),
    commit: commitOf(lab.env),
  } as const;
  Object.assign(lab.versions, versionsOf(lab.env));
  const measurements: Measured[] = [];
  for (const measurement of wanted) {
    const measured = await measure(lab, measurement);
    measurements.push(measured);
    lab.say(`\n${measuredText(measured)}`);
  }
  const { tree = "none", ...versions } = lab.versions;
  const machine = { ...before, load: [before.load[0], loadNow()] as const };
  const results = { ...facts, machine, versions, tree, measurements };
  lab.say(`\n${headerText(results)}`);
  return results;
}

async function measure(lab: Lab, { name, rows }: Measurement): Promise<Measured> {
  const start = Bun.nanoseconds();
  const seconds = () => (Bun.nanoseconds() - start) / 1e9;
  try {
    const found = await rows(lab);
    return { name, seconds: seconds(), outcome: "measured", rows: found };
  } catch (error) {
    const outcome = error instanceof Skip ? "skipped" : "failed";
    return { name, seconds: seconds(), outcome, reason: reasonOf(error), rows: [] };
  }
}

/** Into the named file; a whole run also into the repository, with the documents that follow from it. */
function write(results: Results, options: Options): void {
  const path = outputOf(options, RESULTS_FILE);
  if (path === undefined) return;
  writeFileSync(`${path}.new`, renderResults(results));
  renameSync(`${path}.new`, path);
  say(`wrote ${path}\n`);
  if (path !== RESULTS_FILE) return;
  const docs = join(import.meta.dir, "..", "scripts", "docs.ts");
  say(said({ command: [process.execPath, docs], env: process.env }).out);
}

const say = (text: string): void => void process.stdout.write(text);

try {
  await bench(
    parseOptions(
      process.argv.slice(2),
      MEASUREMENTS.map(({ name }) => name),
    ),
  );
} catch (error) {
  process.stderr.write(`${renderError(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
