import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MEASUREMENTS } from "../../bench/measurements.ts";
import { RESULTS_FILE } from "../../bench/page.ts";
import { hasFailed } from "../../bench/results/judge.ts";
import { parseResults } from "../../bench/results/results.ts";
import { tempDir } from "../support/temp-dir.ts";

const MAIN = join(import.meta.dir, "..", "..", "bench", "main.ts");

function bench(folder: string, args: readonly string[], env = process.env) {
  const [work, disk, out] = ["work", "disk", "results.json"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const command = [process.execPath, MAIN, ...args, "--dir", work, "--disk", disk, "--out", out];
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { env, cwd: folder });
  return {
    exitCode,
    stdout: `${stdout}`,
    stderr: `${stderr}`,
    out,
    left: [work, disk].map((path) => readdirSync(path)),
  };
}

test("a quick run of the benchmark measures all that can be measured here, and leaves nothing behind", () => {
  using dir = tempDir();
  const committed = readFileSync(RESULTS_FILE);
  const { exitCode, stderr, out, left } = bench(dir.path, ["--quick"]);
  expect(stderr).toBe("");
  const { mode, measurements } = parseResults(readFileSync(out, "utf8"));
  expect(measurements.filter(hasFailed)).toEqual([]);
  expect({ mode, names: measurements.map(({ name }) => name) }).toEqual({
    mode: "quick",
    names: MEASUREMENTS.map(({ name }) => name),
  });
  const rows = measurements.flatMap((measured) => measured.rows);
  expect(rows.length).toBeGreaterThan(10);
  const missing = rows.flatMap(({ id, series: [ours] }) =>
    ours?.missing === undefined ? [] : [`${id}: ${ours.missing.reason}`],
  );
  const skipped = measurements.flatMap(({ name, reason }) =>
    reason === undefined ? [] : [`${name}: ${reason}`],
  );
  process.stderr.write([...skipped, ...missing].map((line) => `not measured: ${line}\n`).join(""));
  expect(
    rows.filter(({ series: [ours] }) => ours?.samples.length === 0 && ours.missing === undefined),
  ).toEqual([]);
  expect(left).toEqual([[], []]);
  expect(readFileSync(RESULTS_FILE).equals(committed)).toBe(true);
  expect(exitCode).toBe(0);
}, 300_000);

test("a baseline that fails is named with what it said, the other rows go on, and the exit code is 1", () => {
  using dir = tempDir();
  const bin = join(dir.path, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "sha256sum"), "#!/bin/sh\necho no digests today >&2\nexit 3\n");
  chmodSync(join(bin, "sha256sum"), 0o755);
  const env = { ...process.env, PATH: `${bin}:${process.env["PATH"]}` };
  const { exitCode, stdout, out, left } = bench(dir.path, ["--quick", "--only", "verify", "inspect"], env);
  expect(stdout).toMatch(/sha256sum +failed: .*sha256sum .* ended with 3: no digests today/);
  const { measurements } = parseResults(readFileSync(out, "utf8"));
  expect(measurements.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
    "verify measured",
    "inspect measured",
  ]);
  expect(left).toEqual([[], []]);
  expect(exitCode).toBe(1);
}, 120_000);
