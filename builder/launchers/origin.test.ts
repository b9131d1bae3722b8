import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { testLauncher } from "../../tests/support/compiled.ts";
import { packageBytes, type Recipe, utf8 } from "../../tests/support/packages.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { memorySource } from "../../format/io/byte-source.ts";
import type { Target } from "../../format/platform.ts";
import { FLAVOR_VERSION } from "../../format/spec.ts";
import type { Bytes } from "../../format/types.ts";
import { verifyPackage } from "../../format/verify.ts";
import { sha256Hex } from "../../format/wire/hashes.ts";
import { SHEBANG } from "../launcher-choice.ts";
import { listLaunchers } from "./cache.ts";
import { hostTarget } from "./host.ts";
import { launcherOrigin } from "./origin.ts";

const SUPPORT = join(import.meta.dir, "..", "..", "tests", "support");
const STAND_IN = join(SUPPORT, "stand-in", "main.ts");

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
});
afterEach(() => dir[Symbol.dispose]());

/** The beginning of an ELF executable without a loader, and some text that makes it another one. */
function elf(machine: number, text = ""): Bytes {
  const head = new Uint8Array(64);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  new DataView(head.buffer).setUint16(18, machine, true);
  return new Uint8Array([...head, ...utf8(text)]);
}
const X64 = elf(0x3e);
const ARM64 = elf(0xb7);

const saysOf = (target: string, toolVersion = FLAVOR_VERSION): NonNullable<Recipe["launcherTool"]> => ({
  tool: `flavor-launcher-${target}`,
  toolVersion,
});

/** What is said of a package, where launchers with these bytes have been built. */
async function originOf(recipe: Recipe, built: Partial<Record<Target, Bytes>> = {}) {
  const options = { cacheDir: dir.path, entry: STAND_IN };
  for (const { target, path } of await listLaunchers(options)) {
    const bytes = built[target];
    if (bytes === undefined) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${sha256Hex(bytes)}  ${target}\n`);
  }
  return launcherOrigin(await verifyPackage(memorySource(await packageBytes(recipe))), options);
}

test("a launcher with the bytes of one that was built is that one, whatever the package says", async () => {
  const built = { "linux-x64": elf(0x3e, "other"), "linux-x64-baseline": X64 } as const;
  const baseline = { origin: "this version", target: "linux-x64-baseline" } as const;
  expect(await originOf({ launcher: X64 }, built)).toEqual(baseline);
  expect(await originOf({ launcher: X64, launcherTool: saysOf("linux-x64") }, built)).toEqual(baseline);
  expect(await originOf({ launcher: X64, launcherTool: saysOf("linux-x64", "0.0.1") }, built)).toEqual(
    baseline,
  );
});

test("one that is none of those that were built is another one", async () => {
  const built = { "linux-x64": elf(0x3e, "a"), "linux-x64-baseline": elf(0x3e, "b") } as const;
  expect(await originOf({ launcher: X64 }, built)).toEqual({ origin: "other" });
});

test("one that is not what its package says it is, is another one, and what it says is told", async () => {
  const built = { "linux-arm64": elf(0xb7, "ours") } as const;
  const recipe = { launcher: ARM64, launcherTool: saysOf("linux-arm64") };
  expect(await originOf(recipe, built)).toEqual({ origin: "other", claimed: "linux-arm64" });
});

test("without a launcher to compare it with, nothing is said, but which one is wanted", async () => {
  const wanted = { origin: "unknown", target: "linux-arm64" } as const;
  expect(await originOf({ launcher: ARM64 })).toEqual(wanted);
  expect(await originOf({ launcher: ARM64, launcherTool: saysOf("linux-arm64") })).toEqual(wanted);
});

test("what runs nowhere is another one, and the line for machines that have flavor is ours", async () => {
  expect(await originOf({ launcher: utf8("#!/bin/sh\n") })).toEqual({ origin: "other" });
  expect(await originOf({ launcher: utf8("") })).toEqual({ origin: "other" });
  expect(await originOf({ launcher: utf8(SHEBANG) })).toEqual({ origin: "this version", target: "shebang" });
  expect(await launcherOrigin(await verifyPackage(memorySource(utf8("none"))))).toBeUndefined();
});

test("one for this machine is made to compare it with", async () => {
  const target = hostTarget();
  const launcher = new Uint8Array(readFileSync((await testLauncher()).path));
  const options = { cacheDir: dir.path, entry: join(SUPPORT, "test-launcher", "main.ts") };
  const ask = async (bytes: Bytes) => {
    const pkg = await packageBytes({ launcher: bytes, launcherTool: saysOf(target) });
    return launcherOrigin(await verifyPackage(memorySource(pkg)), options);
  };
  expect(await ask(launcher)).toEqual({ origin: "this version", target });
  launcher[launcher.length >> 1] = (launcher[launcher.length >> 1] as number) ^ 1;
  expect(await ask(launcher)).toEqual({ origin: "other", claimed: target });
}, 60_000);
