import { afterAll, beforeAll, expect, test } from "bun:test";
import { appendFileSync, cpSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FORMAT_VERSION, TRAILER_SIZE } from "../../format/spec.ts";
import { encodeIndex } from "../../format/wire/index-block.ts";
import { frameIndex } from "../../format/wire/trailer.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { bundleFrom } from "./bundle.ts";
import type { EnsuredLauncher } from "./cache.ts";
import { compileCli } from "./compile-cli.ts";
import { hostTarget } from "./host.ts";

const support = join(import.meta.dir, "..", "..", "tests", "support");

// A compiled program that makes launchers, as the compiled `flavor` is one, with the stand-in inside.
let dir: ReturnType<typeof tempDir>;
let program: string;
beforeAll(async () => {
  dir = tempDir();
  program = await compileCli({
    entry: join(support, "launcher-maker.ts"),
    outfile: join(dir.path, "maker"),
    bundle: await bundleFrom(join(support, "stand-in", "main.ts")),
  });
});
afterAll(() => dir[Symbol.dispose]());

/** Runs it on a machine without network, Bun's cache or sources. */
function make(executable: string, cacheDir: string) {
  const { stdout, stderr, exitCode } = Bun.spawnSync([executable, hostTarget(), cacheDir], {
    cwd: cacheDir,
    env: { HOME: cacheDir, USERPROFILE: cacheDir, NPM_CONFIG_REGISTRY: "http://127.0.0.1:9/" },
  });
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode };
}

test("a compiled program makes of itself a launcher that runs the launcher's program, not its own", async () => {
  using cache = tempDir();
  const { stdout, stderr, exitCode } = make(program, cache.path);
  expect(stderr).toBe("");
  const launcher: EnsuredLauncher = JSON.parse(stdout);
  expect(exitCode).toBe(0);
  const run = Bun.spawnSync([launcher.path], { cwd: cache.path });
  expect(JSON.parse(run.stdout.toString())).toEqual({ program: "stand-in", path: launcher.path });
  expect(run.exitCode).toBe(42);
  expect(Bun.spawnSync([launcher.path, "late"]).stdout.toString()).toBe("loaded late");
  expect(JSON.parse(make(program, cache.path).stdout)).toEqual({ ...launcher, built: false });
});

test("a program that is itself a package makes the same launcher: its slots are not carried along", async () => {
  using cache = tempDir();
  using other = tempDir();
  const plain: EnsuredLauncher = JSON.parse(make(program, cache.path).stdout);
  const packed = join(other.path, "maker.psp");
  cpSync(program, packed);
  const launcherSize = Bun.file(packed).size;
  appendFileSync(packed, Buffer.alloc(1000, "metadata and slots"));
  const index = encodeIndex({
    formatVersion: FORMAT_VERSION,
    packageSize: BigInt(launcherSize + 1000 + TRAILER_SIZE),
    launcherSize: BigInt(launcherSize),
    metadataOffset: BigInt(launcherSize),
    metadataSize: 1000n,
  });
  appendFileSync(packed, frameIndex(index));
  const made: EnsuredLauncher = JSON.parse(make(packed, other.path).stdout);
  expect({ size: made.size, sha256: made.sha256 }).toEqual({ size: plain.size, sha256: plain.sha256 });
});

test("a program that does not compile is an error that says so", async () => {
  using broken = tempDir();
  writeFileSync(join(broken.path, "broken.ts"), "import './nowhere.ts'");
  const failed = compileCli({
    entry: join(broken.path, "broken.ts"),
    outfile: join(broken.path, "out"),
    bundle: [{ name: "main.js", bytes: new Uint8Array(1) }],
  });
  await expect(failed).rejects.toMatchObject({
    code: "build-failed",
    exitCode: 108,
    problems: [expect.stringContaining("nowhere.ts")],
  });
  expect(readdirSync(broken.path)).toEqual(["broken.ts"]);
});
