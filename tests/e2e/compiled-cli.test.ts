import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launcherBundle } from "../../builder/launchers/bundle.ts";
import { compileCli } from "../../builder/launchers/compile-cli.ts";
import { EXECUTABLE_HEAD_SIZE, executableKind, runsOn } from "../../builder/launchers/executable-kind.ts";
import { hostTarget } from "../../builder/launchers/host.ts";
import type { Target } from "../../format/platform.ts";
import { FLAVOR_VERSION } from "../../format/spec.ts";
import { tempDir } from "../support/temp-dir.ts";

const own = hostTarget();
const foreign: Target = own === "linux-arm64" ? "linux-x64" : "linux-arm64";

// Compilers and downloads may be slow on a busy machine.
setDefaultTimeout(120_000);

// `flavor` as its users have it: one file, in a folder where nothing else of the project is.
let dir: ReturnType<typeof tempDir>;
let flavor: string;
beforeAll(async () => {
  dir = tempDir();
  const entry = join(import.meta.dir, "..", "..", "builder", "cli", "main.ts");
  flavor = await compileCli({ entry, outfile: join(dir.path, "flavor"), bundle: await launcherBundle() });
});
afterAll(() => dir[Symbol.dispose]());

/** Runs a program that finds no other: there is no PATH. An executable that Bun has downloaded before may be used. */
function run(program: string, args: readonly string[], cwd = dir.path) {
  const { stdout, stderr, exitCode } = Bun.spawnSync([program, ...args], {
    cwd,
    env: {
      ...process.env,
      PATH: "",
      FLAVOR_CACHE: join(dir.path, "cache"),
      FLAVOR_LAUNCHERS: join(dir.path, "launchers"),
    },
  });
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode };
}

test("without Bun, sources and PATH it packs for two platforms, and the package for this one runs", async () => {
  const project = join(dir.path, "project");
  mkdirSync(project);
  writeFileSync(join(project, "app.ts"), "process.stdout.write(process.argv.slice(2).join('|'));");
  writeFileSync(
    join(project, "flavor.toml"),
    `[package]
     name = "app"
     version = "1.0.0"
     [execution]
     command = "{bun} {workenv}/app.ts"
     [[slots]]
     id = "app"
     source = "app.ts"
     target = "app.ts"`,
  );
  const packed = run(flavor, ["pack", "--platform", `${foreign},${own}`, "--output", "../out/"], project);
  expect(packed).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining("error") });

  const out = join(dir.path, "out");
  const pathFor = (target: Target) => join(out, `app-${target}.psp`);
  expect(readdirSync(out).length).toBe(2);
  for (const target of [foreign, own]) {
    const head = await Bun.file(pathFor(target)).slice(0, EXECUTABLE_HEAD_SIZE).bytes();
    expect(runsOn(executableKind(head), target)).toBe(true);
    expect(run(flavor, ["verify", pathFor(target)])).toMatchObject({ exitCode: 0 });
  }
  expect(run(pathFor(own), ["two words", "--version"])).toEqual({
    stdout: "two words|--version",
    stderr: "",
    exitCode: 0,
  });
});

test("files of the folder where it is started do not reach it", () => {
  const hostile = join(dir.path, "hostile");
  mkdirSync(hostile);
  writeFileSync(join(hostile, "bunfig.toml"), 'preload = ["./evil.ts"]');
  writeFileSync(join(hostile, "evil.ts"), 'process.stdout.write("EVIL")');
  writeFileSync(join(hostile, "package.json"), "not even JSON");
  writeFileSync(join(hostile, "tsconfig.json"), "neither");
  const line = `flavor ${FLAVOR_VERSION} (Bun ${Bun.version}, ${own})\n`;
  expect(run(flavor, ["--version"], hostile)).toEqual({ stdout: line, stderr: "", exitCode: 0 });
});

test("options that are for other Buns are not for it", () => {
  const evil = join(dir.path, "planted.ts");
  writeFileSync(evil, "process.stdout.write('EVIL');");
  const env = { PATH: "", HOME: dir.path, BUN_OPTIONS: `--preload=${evil}` };
  const { stdout, stderr } = Bun.spawnSync([flavor, "--version"], { env });
  expect(stdout.toString()).toContain(FLAVOR_VERSION);
  expect(stdout.toString() + stderr.toString()).not.toContain("EVIL");
});
