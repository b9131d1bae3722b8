import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TARGET_NAMES } from "../../format/platform.ts";
import { FORMAT_VERSION, TRAILER_SIZE } from "../../format/spec.ts";
import { encodeIndex } from "../../format/wire/index-block.ts";
import { frameIndex } from "../../format/wire/trailer.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { downloadEnvironment, ownBase, withoutPackage } from "./base.ts";
import { hostTarget } from "./host.ts";

test("only for our own platform we are the base", async () => {
  using dir = tempDir();
  for (const target of TARGET_NAMES)
    expect(await ownBase(target, dir.path)).toBe(target === hostTarget() ? process.execPath : undefined);
});

test("of a package, the launcher alone is the base", async () => {
  using dir = tempDir();
  const [launcher, metadata] = [Buffer.from("launcher bytes"), Buffer.from("metadata")];
  const index = encodeIndex({
    formatVersion: FORMAT_VERSION,
    packageSize: BigInt(launcher.length + metadata.length + TRAILER_SIZE),
    launcherSize: BigInt(launcher.length),
    metadataOffset: BigInt(launcher.length),
    metadataSize: BigInt(metadata.length),
  });
  const path = join(dir.path, "app.psp");
  writeFileSync(path, Buffer.concat([launcher, metadata, frameIndex(index)]));
  const scratch = join(dir.path, "scratch");
  mkdirSync(scratch);
  const base = await withoutPackage(path, scratch);
  expect(base).toStartWith(scratch);
  expect(readFileSync(base, "utf8")).toBe("launcher bytes");
});

test.each(["", "short", "x".repeat(TRAILER_SIZE + 1)])(
  "a file that is no package is the base itself",
  async (text) => {
    using dir = tempDir();
    const path = join(dir.path, "program");
    writeFileSync(path, text);
    expect(await withoutPackage(path, dir.path)).toBe(path);
  },
);

const tarball = "BUN_COMPILE_TARGET_TARBALL_URL";
const V = Bun.version;

test.each([
  [{}, undefined],
  [{ npm_config_registry: "" }, undefined],
  [
    { npm_config_registry: "http://mirror/npm/" },
    `http://mirror/npm/@oven/bun-linux-aarch64-musl/-/bun-linux-aarch64-musl-${V}.tgz`,
  ],
  [
    { NPM_CONFIG_REGISTRY: "http://mirror" },
    `http://mirror/@oven/bun-linux-aarch64-musl/-/bun-linux-aarch64-musl-${V}.tgz`,
  ],
  [{ npm_config_registry: "http://mirror", [tarball]: "http://own/x.tgz" }, "http://own/x.tgz"],
] as const)("the environment %j names the tarball %p", (env, url) => {
  expect(downloadEnvironment("linux-arm64-musl", env)[tarball]).toBe(url as string);
});

test("the x64 build without a package of its own is taken from the common one", () => {
  const env = downloadEnvironment("linux-x64-baseline", { npm_config_registry: "http://mirror" });
  expect(env[tarball]).toBe(`http://mirror/@oven/bun-linux-x64/-/bun-linux-x64-${V}.tgz`);
});
