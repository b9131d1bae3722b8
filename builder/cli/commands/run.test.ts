import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { compiledLauncher } from "../../../tests/support/compiled.ts";
import { goldenPath } from "../../../tests/golden/golden.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { runCli } from "../testing.ts";

/** Launchers are taken from where the tests share them. */
const setting = async () => {
  const { path } = await compiledLauncher();
  return { launcher: path, env: { ...process.env, FLAVOR_LAUNCHERS: dirname(path), MARK: "kept" } };
};
const pkg = goldenPath("go");

test.each([
  [["a", "b"]],
  [["--help", "-V", "--json", "--version"]],
  [["--", "x", "--"]],
  [["-o", "extract", "run"]],
  [[]],
])("run gives %p to the application untouched", async (args) => {
  const { launcher, env } = await setting();
  const { became, exitCode, out, err } = await runCli(["run", pkg, ...args], { env });
  expect(became?.program).toBe(launcher);
  expect(became?.args).toEqual(["--package", pkg, "run", ...args]);
  expect(became?.env).toMatchObject({ FLAVOR_LAUNCHER_CLI: "1", MARK: "kept" });
  expect({ out, err, exitCode }).toEqual({ out: "", err: "", exitCode: 42 });
});

test("extract without a slot prepares the workenv", async () => {
  const { launcher, env } = await setting();
  const { became } = await runCli(["extract", pkg], { env });
  expect(became).toMatchObject({ program: launcher, args: ["--package", pkg, "prepare"] });
});

test("what is no package starts nothing, and no launcher is made for it", async () => {
  using dir = tempDir();
  const file = join(dir.path, "file");
  writeFileSync(file, "no package");
  const launchers = join(dir.path, "launchers");
  const { became, exitCode } = await runCli(["run", file], {
    env: { ...process.env, FLAVOR_LAUNCHERS: launchers },
  });
  expect(became).toBeUndefined();
  expect(exitCode).toBe(102);
  expect(existsSync(launchers)).toBe(false);
});
