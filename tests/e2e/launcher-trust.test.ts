import { afterAll, beforeAll, expect, test } from "bun:test";
import { closeSync, copyFileSync, existsSync, openSync, readdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openFileSource } from "../../format/io/byte-source.ts";
import { openPackage, type Package } from "../../format/reader.ts";
import { signerOf } from "../../format/seal/package-seal.ts";
import { TRAILER_SIZE } from "../../format/spec.ts";
import type { Bytes } from "../../format/types.ts";
import { encodeIndex, type RawIndex } from "../../format/wire/index-block.ts";
import { frameIndex } from "../../format/wire/trailer.ts";
import { oneFolder, packApp, type Ran, runPackage } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

// Packages that are not what their author signed.

let dir: ReturnType<typeof tempDir>;
let app: string;
let pkg: Package;
/** A copy of the package that tests damage and repair. */
let victim: string;
beforeAll(async () => {
  dir = tempDir();
  app = await packApp(dir.path, oneFolder("honest", "{workenv}/app/run.sh"), {
    "app/run.sh": "#!/bin/sh\necho it runs\n",
    "app/more": Buffer.alloc(200_000, "some text that compresses"),
  });
  using source = openFileSource(app);
  pkg = await openPackage(source);
  victim = join(dir.path, "victim.psp");
  copyFileSync(app, victim);
});
afterAll(() => dir[Symbol.dispose]());

let homes = 0;
const RUNS = { stdout: "it runs\n", exitCode: 0 };

/** Runs the victim in a new home; says also which files the run left in the cache, lock files aside. */
async function runVictim(validation?: string, home = join(dir.path, `home-${homes++}`)) {
  // At "strict" only listed signers are started.
  const keys = validation === "strict" ? signerOf(pkg) : undefined;
  const env = { FLAVOR_VALIDATION: validation, FLAVOR_TRUSTED_KEYS: keys };
  const ran: Ran = await runPackage(victim, [], { home, env });
  const cache = join(home, "cache");
  const left = existsSync(cache) ? readdirSync(cache, { recursive: true, withFileTypes: true }) : [];
  const locks = join(cache, ".store", "v1", "locks");
  const files = left.filter((entry) => !entry.isDirectory() && entry.parentPath !== locks);
  return { ...ran, left: files.map(({ name }) => name) };
}

/** Something that is wrong with the victim until the scope ends. */
async function written(at: number, bytes: Bytes): Promise<Disposable> {
  using source = openFileSource(victim);
  const old = await source.read(at, bytes.length);
  const put = (piece: Bytes) => {
    const fd = openSync(victim, "r+");
    writeSync(fd, piece, 0, piece.length, at);
    closeSync(fd);
  };
  put(bytes);
  return { [Symbol.dispose]: () => put(old) };
}

async function flipped(at: number): Promise<Disposable> {
  using source = openFileSource(victim);
  const [byte = 0] = await source.read(at, 1);
  return written(at, Uint8Array.of(byte ^ 0x40));
}

const withIndex = (change: Partial<RawIndex>) =>
  written(pkg.index.fileSize - TRAILER_SIZE, frameIndex(encodeIndex({ ...pkg.index.raw, ...change })));

/** Every level, and a value that nobody set. */
const LEVELS = [undefined, "", "strict", "STANDARD", "standard", "relaxed", "minimal", "none"] as const;

test.each(LEVELS)("an honest package runs at level %p and says nothing", async (level) => {
  expect(await runVictim(level)).toMatchObject({ ...RUNS, stderr: "" });
});

test.each(LEVELS)("a slot with one changed bit is refused at level %p and leaves nothing", async (level) => {
  const { offset, size } = pkg.slots[0]?.stored ?? { offset: 0, size: 0 };
  for (const at of [offset, offset + Math.floor(size / 2), offset + size - 1]) {
    using _damage = await flipped(at);
    const { stdout, stderr, exitCode, left } = await runVictim(level);
    expect(stdout).toBe("");
    expect(stderr).toContain("[slot-checksum-mismatch]");
    expect(left).toEqual([]);
    expect(exitCode).toBe(107);
  }
  expect(await runVictim(level)).toMatchObject(RUNS);
});

const unsigned = { publicKey: new Uint8Array(32), signature: new Uint8Array(64) };
const tampered = () => ({
  signature: Uint8Array.from(pkg.index.raw.signature, (byte, i) => (i === 5 ? byte ^ 1 : byte)),
});

test.each([
  [undefined, "refuse"],
  ["strict", "refuse"],
  ["standard", "refuse"],
  ["relaxed", "warn"],
  ["minimal", "run"],
  ["none", "run"],
] as const)("a wrong signature, and none at all, at level %p: %s", async (level, verdict) => {
  for (const { change, code, words } of [
    { change: tampered(), code: "signature-invalid", words: "its signature does not match its metadata" },
    { change: unsigned, code: "signature-missing", words: "it is not signed" },
  ]) {
    using _damage = await withIndex(change);
    const { stdout, stderr, exitCode, left } = await runVictim(level);
    if (verdict === "refuse") {
      expect(stdout).toBe("");
      expect(stderr).toContain(`Cannot trust this package: ${words} [${code}]`);
      expect(left).toEqual([]);
      expect(exitCode).toBe(107);
    } else {
      const warning = `victim.psp: warning: ${words}; it runs because FLAVOR_VALIDATION=relaxed\n`;
      expect(stderr).toBe(verdict === "warn" ? warning : "");
      expect({ stdout, exitCode }).toEqual(RUNS);
    }
  }
});

test("what was unpacked without a check is not good enough for a later start that wants one", async () => {
  const home = join(dir.path, "home-lowered");
  using _damage = await withIndex(tampered());
  expect(await runVictim("none", home)).toMatchObject(RUNS);
  expect(await runVictim("none", home)).toMatchObject(RUNS);
  expect(await runVictim("standard", home)).toMatchObject({ stdout: "", exitCode: 107 });
});

test("a package that runs with a warning warns each time", async () => {
  const home = join(dir.path, "home-relaxed");
  using _damage = await withIndex(tampered());
  for (let i = 0; i < 3; i++) expect((await runVictim("relaxed", home)).stderr).toContain("warning: ");
});

test("an honest package that was unpacked without a check may be asked for one later", async () => {
  const home = join(dir.path, "home-raised");
  expect(await runVictim("none", home)).toMatchObject(RUNS);
  expect(await runVictim("strict", home)).toMatchObject({ ...RUNS, stderr: "" });
});

test("a package that was changed after its first start is another package", async () => {
  const home = join(dir.path, "home-changed");
  expect(await runVictim(undefined, home)).toMatchObject(RUNS);
  using _damage = await withIndex(tampered());
  expect(await runVictim(undefined, home)).toMatchObject({ stdout: "", exitCode: 107 });
});

test("changed metadata is refused at every level, before anything is written", async () => {
  for (const level of LEVELS) {
    using _damage = await flipped(pkg.index.metadata.offset + 40);
    const { stderr, exitCode, left } = await runVictim(level);
    expect(stderr).toContain("[metadata-checksum-mismatch]");
    expect(left).toEqual([]);
    expect(exitCode).toBe(107);
  }
});

test.each(["yes", "Strict!", "0", " none"])(
  "FLAVOR_VALIDATION=%j is refused with the levels that there are",
  async (level) => {
    const { stdout, stderr, exitCode, left } = await runVictim(level);
    expect(stdout).toBe("");
    expect(stderr).toContain("[bad-arguments]");
    expect(stderr).toContain("hint: use one of: strict, standard, relaxed, minimal, none");
    expect(left).toEqual([]);
    expect(exitCode).toBe(105);
  },
);
