import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { closeSync, mkdirSync, openSync, readdirSync, readSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import * as codec from "../format/codecs/zstd-sync.ts";
import { memorySource, openFileSource } from "../format/io/byte-source.ts";
import { keyPairFromText } from "../format/seal/keys.ts";
import type { Bytes, Sha256 } from "../format/types.ts";
import { sha256Hex } from "../format/wire/hashes.ts";
import { rawArchive, type rawEntry } from "../format/tar/testing.ts";
import { verifyPackage } from "../format/verify.ts";
import { failureOf } from "../tests/support/failure.ts";
import { fileSlot, smallRequest, treeSlot, utf8 } from "../tests/support/packages.ts";
import { tempDir } from "../tests/support/temp-dir.ts";
import { type BuildRequest, build } from "./build.ts";
import { printsOf } from "./prints.ts";
import { signerOfPair } from "./signing/signer.ts";
import type { SlotInput } from "./slot-input.ts";

// What a build has seen when it wrote is no reason to believe that it is there: faults are planted behind its back.

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
  mkdirSync(at("tree"));
  for (let i = 0; i < 40; i++) writeFileSync(at(`tree/file${i}`), `${i}`.repeat(5000 + i));
});
afterEach(() => dir[Symbol.dispose]());
const at = (name: string) => join(dir.path, name);

const LAUNCHER = utf8("#!/bin/sh\nexit 0\n".repeat(1000));
const SIGNER = signerOfPair(keyPairFromText("test"), "seed");

const request = (more: Partial<BuildRequest>): BuildRequest =>
  smallRequest(at("small.psp"), { launcher: memorySource(LAUNCHER), ...more });

const tree = (rest: Partial<SlotInput> = {}) => treeSlot("tree", at("tree"), rest);

/** Changes one byte of what is being written, when all is there but the head: a negative offset counts from the end. */
const damaging = (offset: number): BuildRequest["signer"] => ({
  publicKey: SIGNER.publicKey,
  sign(message) {
    const name = readdirSync(dir.path).find((file) => file.endsWith(".part")) as string;
    const fd = openSync(at(name), "r+");
    const byte = new Uint8Array(1);
    const position = offset < 0 ? Bun.file(at(name)).size + offset : offset;
    readSync(fd, byte, 0, 1, position);
    writeSync(
      fd,
      byte.map((value) => value ^ 1),
      0,
      1,
      position,
    );
    closeSync(fd);
    return SIGNER.sign(message);
  },
});

const problemsOf = async (more: Partial<BuildRequest>) =>
  (await failureOf(() => build(request(more)))).problems;

describe("a byte that changed after it was written is found", () => {
  test("in the launcher", async () => {
    expect(await problemsOf({ slots: [tree()], signer: damaging(5) })).toEqual([
      "launcher: its SHA-256 is not the signed one",
    ]);
  });

  test.each<[string, () => readonly SlotInput[], number, RegExp]>([
    ["an archive in frames", () => [tree()], -500, /^slot 0: .*SHA-256/],
    ["its seek table", () => [tree()], -12, /^slot 0: .*SHA-256/],
    [
      "an archive that shares its folder with another slot",
      () => [fileSlot("a", "x", { target: "app/x" }), tree({ target: "app" })],
      -500,
      /^slot 1: .*SHA-256/,
    ],
    ["a file", () => [fileSlot("a", "text ".repeat(1000), { operations: [] })], -3, /^slot 0: .*SHA-256/],
    ["a file in frames", () => [fileSlot("a", "text ".repeat(1000))], -40, /^slot 0: .*SHA-256/],
  ])("in %s", async (_, slots, offset, problem) => {
    expect(await problemsOf({ slots: slots(), signer: damaging(offset) })).toEqual([
      expect.stringMatching(problem),
    ]);
    expect(readdirSync(dir.path)).toEqual(["tree"]);
  });

  test("and nothing is found where nothing changed", async () => {
    const slots = [fileSlot("a", "x", { target: "app/x" }), tree({ target: "app" }), tree({ target: "b" })];
    expect((await build(request({ slots }))).slots).toHaveLength(3);
  });
});

test("a frame that was compressed wrongly is not looked into, and does not verify", async () => {
  const compress = Bun.zstdCompress;
  const spy = spyOn(Bun, "zstdCompress").mockImplementation(async (content, options) => {
    const other = new Uint8Array(content as Bytes);
    other[1100]! ^= 1;
    return compress(other, options);
  });
  try {
    const { path } = await build(request({ slots: [tree()] }));
    using source = openFileSource(path);
    const { checks } = await verifyPackage(source);
    expect(checks.filter(({ ok }) => !ok)).toMatchObject([
      { name: "slot 0", detail: expect.stringContaining("checksum") },
    ]);
  } finally {
    spy.mockRestore();
  }
});

test("a frame that says another size than the seek table is found", async () => {
  const compress = Bun.zstdCompress;
  const spy = spyOn(Bun, "zstdCompress").mockImplementation((content, options) =>
    compress((content as Bytes).subarray(512), options),
  );
  try {
    expect(await problemsOf({ slots: [tree()] })).toEqual([expect.stringMatching(/^slot 0: /)]);
  } finally {
    spy.mockRestore();
  }
});

const MIB = 1024 * 1024;
const LONG = new Uint8Array(9 * MIB).fill(7);

describe.each<[string, () => SlotInput]>([
  ["in a folder", () => tree()],
  ["alone", () => fileSlot("long", LONG)],
])("a long file, which has several frames: %s", (_, slot) => {
  const isLastOfIt = (content: Bytes) => content.length >= MIB && content.length < 2 * MIB;
  beforeEach(() => writeFileSync(at("tree/long"), LONG));

  test("is not decoded", async () => {
    const decoders = [spyOn(codec, "openSyncDecoder"), spyOn(Bun, "zstdDecompress")];
    try {
      expect((await build(request({ slots: [slot()] }))).slots).toHaveLength(1);
      for (const decoder of decoders) expect(decoder).not.toHaveBeenCalled();
    } finally {
      for (const decoder of decoders) decoder.mockRestore();
    }
  });

  test("must say of each of them what was put there", async () => {
    const compress = Bun.zstdCompress;
    const spy = spyOn(Bun, "zstdCompress").mockImplementation((content, options) =>
      compress(isLastOfIt(content as Bytes) ? (content as Bytes).subarray(512) : (content as Bytes), options),
    );
    try {
      expect(await problemsOf({ slots: [slot()] })).toEqual([expect.stringMatching(/^slot 0: /)]);
    } finally {
      spy.mockRestore();
    }
  });
});

describe("entries that make no tree are found", () => {
  type Entry = Parameters<typeof rawEntry>[0];

  test.each<[string, readonly Entry[], RegExp]>([
    ["a file and a folder of one name", [{ name: "a" }, { name: "a/b" }], /a file is where a folder/],
    ["a way out", [{ name: "../x" }], /contains '\.\.'/],
    ["a link that leads out", [{ name: "l", type: "2", linkName: "../x" }], /leads outside/],
    ["a device", [{ name: "x", type: "3" }], /neither a file/],
    ["a way out for a long one", [{ name: "../x", body: "x".repeat(9_000_000) }], /contains '\.\.'/],
  ])("in an archive: %s", async (_, entries, problem) => {
    const slot = fileSlot("a", rawArchive(...entries), { target: "", operations: ["TAR", "ZSTD"] });
    expect(await problemsOf({ slots: [slot] })).toEqual([expect.stringMatching(problem)]);
    expect(readdirSync(dir.path)).toEqual(["tree"]);
  });

  test.each<[string, readonly string[], RegExp]>([
    ["a name that the system has not", ["nul"], /Windows reserves/],
    ["two names that it takes for one", ["A", "a"], /is the same name/],
    ["one too long for a plain header", [`${"é".repeat(120)}.`], /ends with a dot/],
  ])("in a tree, by the rules of its system: %s", async (_, names, problem) => {
    for (const name of names) writeFileSync(at(`tree/${name}`), "");
    const { about } = request({});
    const platform = { os: "windows", arch: "amd64" };
    const forWindows = { ...about, build: { ...about.build, platform } } as BuildRequest["about"];
    expect(await problemsOf({ slots: [tree()], about: forWindows })).toEqual([
      expect.stringMatching(problem),
    ]);
    expect((await build(request({ slots: [tree()] }))).slots).toHaveLength(1);
  });
});

test("slots that are good alone, but not together, are found", async () => {
  writeFileSync(at("tree/x"), "");
  const slots = [tree({ target: "app" }), fileSlot("inside", "y", { target: "app/x/y" })];
  expect(await problemsOf({ slots })).toEqual([expect.stringMatching(/^slot 1: /)]);
});

describe("our launcher, of which digest and prints were noted", () => {
  const launch = (sha256: Sha256, more: Partial<BuildRequest> = {}) => {
    writeFileSync(at("launcher"), LAUNCHER);
    const launcherFile = { path: at("launcher"), sha256, prints: printsOf(LAUNCHER) };
    return build(request({ slots: [tree()], launcherFile, ...more }));
  };
  const changed = LAUNCHER.map((byte, i) => (i === 100 ? byte ^ 1 : byte));

  test("is what was noted", async () => {
    const { metadata } = await launch(sha256Hex(LAUNCHER));
    expect(metadata.launcher?.checksum).toBe(sha256Hex(LAUNCHER));
  });

  test.each([true, false])("is refused when it is another now, verifying: %p", async (verify) => {
    const path = at("launcher");
    writeFileSync(path, changed);
    const launcherFile = { path, sha256: sha256Hex(LAUNCHER), prints: printsOf(LAUNCHER) };
    const more = { launcher: memorySource(changed), launcherFile, verify };
    expect((await failureOf(() => build(request({ slots: [tree()], ...more })))).code).toBe(
      "launcher-checksum-mismatch",
    );
    expect(readdirSync(dir.path).toSorted()).toEqual(["launcher", "tree"]);
  });

  test("is no launcher to be made again when a slot is what is wrong", async () => {
    const { code, problems } = await failureOf(() => launch(sha256Hex(LAUNCHER), { signer: damaging(-500) }));
    expect([code, problems]).toEqual(["build-failed", [expect.stringMatching(/^slot 0: .*SHA-256/)]]);
  });
});
