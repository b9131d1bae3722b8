import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ensureLauncher } from "../../builder/launchers/cache.ts";
import { parseManifest } from "../../builder/manifest/manifest.ts";
import { packManifest } from "../../builder/pack.ts";
import { findArm64 } from "../support/arm64.ts";
import { compiledLauncher } from "../support/compiled.ts";
import { tempDir } from "../support/temp-dir.ts";

// Real arm64 executables, run by this processor, by the kernel through an emulator, or by the emulator alone.
const arm64 = findArm64();
if (arm64.how === "not at all") process.stderr.write(`skipped: arm64 programs: ${arm64.why}\n`);
// Under an emulator each start takes about a second, on a busy machine some.
setDefaultTimeout(120_000);
const arm64Test = test.skipIf(arm64.how === "not at all");

let dir: ReturnType<typeof tempDir>;
beforeAll(() => {
  dir = tempDir();
});
afterAll(() => dir[Symbol.dispose]());

function run(program: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const command = arm64.how === "not at all" ? [program, ...args] : arm64.command(program, ...args);
  const { stdout, stderr, exitCode } = Bun.spawnSync(command, {
    cwd: dir.path,
    env: { PATH: process.env["PATH"], HOME: dir.path, FLAVOR_CACHE: join(dir.path, "cache"), ...env },
  });
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode };
}

/** A package for linux-arm64 with one file, which `command` is about. */
async function packageOf(name: string, file: string, content: string, command: string): Promise<string> {
  writeFileSync(join(dir.path, file), content);
  chmodSync(join(dir.path, file), 0o755);
  const text = `
    [package]
    name = "${name}"
    version = "1.0.0"
    [execution]
    command = "${command}"
    [[slots]]
    id = "program"
    source = "${file}"
    target = "${file}"`;
  const [packed] = await packManifest(parseManifest(text, join(dir.path, "flavor.toml")), {
    platforms: ["linux-arm64"],
    launcher: (await compiledLauncher("linux-arm64")).path,
    output: join(dir.path, `${name}.psp`),
    keySeed: "test",
  });
  return packed?.path ?? "";
}

arm64Test("a launcher runs, loads late what is loaded late, knows its path", async () => {
  const entry = join(import.meta.dir, "..", "support", "stand-in", "main.ts");
  const { path } = await ensureLauncher("linux-arm64", { cacheDir: join(dir.path, "stand-in"), entry });
  const { stdout, stderr, exitCode } = run(path);
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual({ program: "stand-in", path });
  expect(exitCode).toBe(42);
  expect(run(path, ["late"]).stdout).toBe("loaded late");
});

arm64Test("our launcher without a package says so", async () => {
  const { path } = await compiledLauncher("linux-arm64");
  const { stdout, stderr, exitCode } = run(path);
  expect(stdout).toBe("");
  expect(stderr).toStartWith(`${basename(path)}: Cannot read ${path} as a package: `);
  expect(stderr).toContain("[not-a-package]");
  expect(exitCode).toBe(102);
});

arm64Test("a package becomes its script, with arguments, workenv and exit code, cold and warm", async () => {
  const script = '#!/bin/sh\necho "$0|$FLAVOR_WORKENV|$#|$1"\nexit 7\n';
  const path = await packageOf("script", "hello", script, "{workenv}/hello");
  const cold = run(path, ["two words", "--help"]);
  const workenv = cold.stdout.split("|")[1] ?? "";
  expect(workenv).toStartWith(join(dir.path, "cache"));
  expect(cold).toEqual({
    stdout: `${workenv}/hello|${workenv}|2|two words\n`,
    stderr: "",
    exitCode: 7,
  });
  expect(run(path, ["two words", "--help"])).toEqual(cold);
});

arm64Test("the launcher is the runtime of a package in TypeScript", async () => {
  const program = `
    const said: readonly unknown[] = [process.arch, process.argv.slice(2), process.env.BUN_BE_BUN ?? "not said"];
    process.stdout.write(JSON.stringify(said));
    process.exitCode = 9;`;
  const path = await packageOf("typescript", "app.ts", program, "{bun} {workenv}/app.ts");
  const args = ["two words", "--help"];
  if (arm64.how === "emulator") {
    // There the kernel does not know arm64: the launcher comes as far as becoming Bun, and we do that step for it.
    expect(run(path, args)).toMatchObject({
      exitCode: 104,
      stderr: expect.stringContaining("[start-failed]"),
    });
    const workenv = run(path, ["prepare"], { FLAVOR_LAUNCHER_CLI: "1" }).stdout.trim();
    const { stdout, exitCode } = run(path, [join(workenv, "app.ts"), ...args], { BUN_BE_BUN: "1" });
    expect([JSON.parse(stdout), exitCode]).toEqual([["arm64", args, "1"], 9]);
    return;
  }
  const { stdout, stderr, exitCode } = run(path, args);
  expect(stderr).toBe("");
  expect([JSON.parse(stdout), exitCode]).toEqual([["arm64", args, "not said"], 9]);
});
