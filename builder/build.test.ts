import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash, createPrivateKey, sign } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { PspfError } from "../format/errors.ts";
import { type ByteSource, memorySource } from "../format/io/byte-source.ts";
import { keyPairFromText } from "../format/seal/keys.ts";
import type { Bytes, ByteStream } from "../format/types.ts";
import { isValid, verifyPackage } from "../format/verify.ts";
import { rawArchive } from "../format/tar/testing.ts";
import { failureOf } from "../tests/support/failure.ts";
import { fileSlot, selfSlot, smallRequest, treeSlot, utf8 } from "../tests/support/packages.ts";
import { failingAt } from "../tests/support/sources.ts";
import { tempDir } from "../tests/support/temp-dir.ts";
import { type BuildRequest, build } from "./build.ts";
import type { SlotInput } from "./slot-input.ts";

const PAIR = keyPairFromText("test");
const { seed, publicKey } = PAIR;
const LAUNCHER = utf8("#!/bin/sh\nexit 0\n");

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
});
afterEach(() => dir[Symbol.dispose]());
const at = (name: string) => join(dir.path, name);

/** The smallest package that there is, with something else in places. */
const request = (more: Partial<BuildRequest> = {}): BuildRequest => smallRequest(at("small.psp"), more);

async function built(more: Partial<BuildRequest> = {}) {
  const result = await build(request(more));
  return { result, file: new Uint8Array(readFileSync(result.path)) };
}

const raw = (id: string, content: Bytes | string, rest: Partial<SlotInput> = {}): SlotInput =>
  fileSlot(id, content, { operations: [], ...rest });

const digest = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

/** What the layout says, read from the file by hand: offsets of the specification, byte layout. */
function layoutOf(file: Bytes) {
  const block = file.slice(-8196, -4);
  const view = new DataView(block.buffer);
  const u64 = (offset: number) => Number(view.getBigUint64(offset, true));
  const metadata = { offset: u64(24), size: u64(32) };
  const stored = file.slice(metadata.offset, metadata.offset + metadata.size);
  const table = { offset: u64(40), size: u64(48) };
  const descriptors = Array.from({ length: table.size / 64 }, (_, i) =>
    file.slice(table.offset + i * 64, table.offset + (i + 1) * 64),
  );
  const spans = descriptors.map((descriptor) => {
    const slot = new DataView(descriptor.buffer);
    return { offset: Number(slot.getBigUint64(16, true)), size: Number(slot.getBigUint64(24, true)) };
  });
  return { block, metadata, stored, json: new Uint8Array(gunzipSync(stored)), table, descriptors, spans };
}

/** Adler-32 (RFC 1950) as its definition has it. */
function adler(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b * 65536 + a;
}

const signed = (bytes: Uint8Array): Buffer => {
  const key = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  return sign(null, bytes, createPrivateKey({ key, format: "der", type: "pkcs8" }));
};

/** The whole index block, made anew without the program's own tables. */
function indexFor(file: Bytes, launcherSize: number): Bytes {
  const { metadata, stored, json, table } = layoutOf(file);
  const block = Buffer.alloc(8192);
  block.writeUInt32LE(0x20250001, 0);
  const sizes = [file.length, launcherSize, metadata.offset, metadata.size, table.offset, table.size];
  for (const [i, size] of sizes.entries()) block.writeBigUInt64LE(BigInt(size), 8 + 8 * i);
  block.writeUInt32LE(table.size / 64, 56);
  block.set(publicKey, 64);
  block.set(digest(stored), 96);
  block.set(signed(json), 128);
  block.writeUInt32LE(4096, 644);
  block.writeBigUInt64LE(0x81n, 832);
  block.writeUInt32LE(0x20250001, 856);
  block.writeUInt32LE(1, 860);
  const { name, version } = JSON.parse(new TextDecoder().decode(json)).package as Record<string, string>;
  block.set(digest(utf8(`${name}:${version}:${digest(json).toString("hex")}`)).subarray(0, 8), 1376);
  block.writeUInt32LE(adler(block), 4);
  return new Uint8Array(block);
}

/** Everything that the specification says of where things are, for a package of launcher and stored slots. */
function expectLayout(file: Bytes, launcher: Bytes, stored: readonly Bytes[]): void {
  const { block, metadata, table, spans } = layoutOf(file);
  expect(file.slice(0, launcher.length)).toEqual(launcher);
  expect(metadata.offset).toBe(launcher.length);
  expect(table.offset % 8).toBe(0);
  expect(table.offset).toBeGreaterThanOrEqual(metadata.offset + metadata.size);
  expect(table.size).toBe(64 * stored.length);
  let end = table.offset + table.size;
  const used = [{ offset: 0, size: launcher.length }, metadata, table];
  for (const [i, content] of stored.entries()) {
    const { offset, size } = spans[i]!;
    expect(offset).toBe(Math.ceil(end / 8) * 8);
    expect(file.slice(offset, offset + size)).toEqual(content);
    end = offset + size;
    used.push({ offset, size });
  }
  expect(file.length).toBe(end + 8200);
  const gaps = file.slice(0, end);
  for (const { offset, size } of used) gaps.fill(0, offset, offset + size);
  expect(gaps.every((byte) => byte === 0)).toBe(true);
  expect(Buffer.from(file.slice(-8200, -8196)).toString()).toBe("📦");
  expect(Buffer.from(file.slice(-4)).toString()).toBe("🪄");
  expect(block).toEqual(indexFor(file, launcher.length));
}

describe("the file", () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 4097])(
    "has its parts where they belong, behind a launcher of %d bytes",
    async (size) => {
      const launcher = new Uint8Array(size).fill(0x41);
      const contents = ["", "1", "seven..", "eight...", "nine....."].map(utf8);
      const slots = contents.map((content, i) => raw(`s${i}`, content));
      const { file } = await built({ launcher: memorySource(launcher), slots });
      expectLayout(file, launcher, contents);
    },
  );

  test("has the same rules for any slots", async () => {
    const bytes = fc.uint8Array({ maxLength: 40 }).map((value) => new Uint8Array(value));
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(bytes, { maxLength: 6 }), async (launcher, contents) => {
        const slots = contents.map((content, i) => raw(`s${i}`, content));
        const { file } = await built({ launcher: memorySource(launcher), slots });
        expectLayout(file, launcher, contents);
      }),
      { numRuns: 25 },
    );
  });

  test("without slots ends behind an empty table", async () => {
    const { file, result } = await built();
    expectLayout(file, LAUNCHER, []);
    expect(result.slots).toEqual([]);
  });

  test("with 200 slots, one of them empty", async () => {
    const contents = Array.from({ length: 200 }, (_, i) => utf8("x".repeat(i)));
    const { file } = await built({ slots: contents.map((content, i) => raw(`s${i}`, content)) });
    expectLayout(file, LAUNCHER, contents);
  });

  test("a launcher and a slot larger than a piece are copied whole", async () => {
    const launcher = crypto.getRandomValues(new Uint8Array(65536)).toHex().repeat(20);
    const large = utf8(launcher.slice(1).repeat(2));
    const { file } = await built({ launcher: memorySource(utf8(launcher)), slots: [raw("large", large)] });
    expectLayout(file, utf8(launcher), [large]);
  });

  test("can be run by everybody", async () => {
    const { result } = await built();
    if (process.platform !== "win32") expect(statSync(result.path).mode & 0o777).toBe(0o755);
    expect(readdirSync(dir.path)).toEqual(["small.psp"]);
  });

  test("is what the result says", async () => {
    const { file, result } = await built({ slots: [fileSlot("a", "text"), selfSlot("self")] });
    const { spans } = layoutOf(file);
    expect<string>(await result.sha256()).toBe(digest(file).toString("hex"));
    expect(result).toMatchObject({
      path: at("small.psp"),
      size: file.length,
      metadata: { launcher: { size: LAUNCHER.length, checksum: digest(LAUNCHER).toString("hex") } },
    });
    expect(result.slots.map(({ offset, size }) => ({ offset, size }))).toEqual(spans);
    expect(result.slots.map(({ entry }) => entry)).toEqual([...result.metadata.slots]);
  });
});

describe("a slot's descriptor", () => {
  const ROWS: readonly [string, Partial<SlotInput>, { readonly ops: bigint; readonly tail: string }][] = [
    // tail: purpose, lifecycle, priority, platform, two reserved bytes, permissions little-endian
    ["as plain as can be", {}, { ops: 0n, tail: "00020100" + "0000a401" }],
    [
      "of code that starts",
      { purpose: "code", lifecycle: "init", permissions: 0o755 },
      { ops: 0n, tail: "01000100" + "0000ed01" },
    ],
    [
      "of settings for a while",
      { purpose: "config", lifecycle: "temp", permissions: 0o600 },
      { ops: 0n, tail: "02050100" + "00008001" },
    ],
    [
      "with words of others",
      { purpose: "constructor", lifecycle: "persistent", permissions: 0o7777 },
      { ops: 0n, tail: "00020100" + "0000ff0f" },
    ],
    [
      "that is compressed",
      { purpose: "media", operations: ["GZIP"], lifecycle: "cached" },
      { ops: 0x10n, tail: "03040100" + "0000a401" },
    ],
    [
      "compressed three times",
      { operations: ["XZ", "BZIP2", "ZSTD"] },
      { ops: 0x1b1316n, tail: "00020100" + "0000a401" },
    ],
  ];

  test.each(ROWS)("%s", async (_, rest, { ops, tail }) => {
    const { file } = await built({ slots: [raw("first", "x"), raw("second é", "some text", rest)] });
    const { descriptors, spans } = layoutOf(file);
    const { offset, size } = spans[1]!;
    const expected = Buffer.alloc(64);
    expected.writeBigUInt64LE(1n, 0);
    expected.set(digest(utf8("second é")).subarray(0, 8), 8);
    expected.writeBigUInt64LE(BigInt(offset), 16);
    expected.writeBigUInt64LE(BigInt(size), 24);
    expected.writeBigUInt64LE(9n, 32);
    expected.writeBigUInt64LE(ops, 40);
    expected.set(digest(file.slice(offset, offset + size)).subarray(0, 8), 48);
    expected.set(Buffer.from(tail, "hex"), 56);
    expect(Buffer.from(descriptors[1]!)).toEqual(expected);
  });

  test("that stands for the package itself has neither place nor size nor checksum", async () => {
    const { file } = await built({ slots: [selfSlot("self", { permissions: 0o755 }), raw("next", "x")] });
    const { descriptors, json } = layoutOf(file);
    const expected = Buffer.alloc(64);
    expected.set(digest(utf8("self")).subarray(0, 8), 8);
    expected.set(Buffer.from("00020100" + "0000ed01", "hex"), 56);
    expect(Buffer.from(descriptors[0]!)).toEqual(expected);
    expect(JSON.parse(new TextDecoder().decode(json)).slots[0]).toMatchObject({
      source: "$SELF",
      size: 0,
      checksum: "",
      self_ref: true,
    });
  });
});

describe("the signed metadata", () => {
  test("binds slots and launcher", async () => {
    mkdirSync(at("tree"));
    writeFileSync(join(at("tree"), "f"), "content");
    const { file, result } = await built({
      slots: [fileSlot("a", "text", { platform: "linux", resolution: "lazy" }), treeSlot("tree", at("tree"))],
    });
    const { json, spans } = layoutOf(file);
    const document = JSON.parse(new TextDecoder().decode(json));
    const sums = spans.map(
      ({ offset, size }) => `sha256:${digest(file.slice(offset, offset + size)).toString("hex")}`,
    );
    expect(document.slots).toMatchObject([
      {
        slot: 0,
        id: "a",
        source: "src/a",
        target: "share/a",
        size: spans[0]!.size,
        original_size: 4,
        checksum: sums[0],
        operations: "zstd",
        permissions: "0644",
        platform: "linux",
        resolution: "lazy",
      },
      { slot: 1, id: "tree", operations: "tar|zstd", checksum: sums[1], resolution: "build" },
    ]);
    expect(document.launcher).toMatchObject({
      tool: "stub",
      size: LAUNCHER.length,
      checksum: `sha256:${digest(LAUNCHER).toString("hex")}`,
    });
    const verification = await verifyPackage(memorySource(file));
    expect([isValid(verification), verification.signer]).toEqual([true, publicKey.toHex()]);
    expect(verification.package?.metadata).toMatchObject(result.metadata);
  });

  test("may have one MiB and no byte more", async () => {
    const about = (description: string) => ({
      about: { ...request().about, package: { name: "small", version: "1", description } },
    });
    const { file } = await built(about(""));
    const rest = 1024 * 1024 - layoutOf(file).json.length;
    const largest = await built(about("x".repeat(rest)));
    expect(layoutOf(largest.file).json.length).toBe(1024 * 1024);
    rmSync(at("small.psp"));
    const error = await failureOf(() => build(request(about("x".repeat(rest + 1)))));
    expect([error.code, error.message]).toEqual([
      "build-failed",
      `Cannot build the package: its metadata could have ${1024 * 1024 + 1} bytes, at most 1048576 are read`,
    ]);
    expect(error.hint).toBeString();
    expect(readdirSync(dir.path)).toEqual([]);
  });
});

/** 512 bytes that begin like an archive and are none. */
/** An archive that no tree can be made of. */
const EVIL_TAR = rawArchive({ name: "../out", body: "x" });

async function* breaking(pieces: number, error: unknown): ByteStream {
  for (let i = 0; i < pieces; i++) yield new Uint8Array(1024 * 1024);
  throw error;
}
async function* slow(pieces: number): ByteStream {
  for (let i = 0; i < pieces; i++) {
    await Bun.sleep(1);
    yield new Uint8Array(1024);
  }
}
const streamSlot = (stream: ByteStream, rest: Partial<SlotInput> = {}) =>
  fileSlot("stream", "", { data: { kind: "stream", stream }, ...rest });
const GONE = new PspfError("io-failed", "Cannot read it: it is gone");

describe("a build that fails", () => {
  const threeMiB = (): ByteSource => memorySource(new Uint8Array(3 * 1024 * 1024));
  const FAILURES: readonly [string, () => Partial<BuildRequest>, string, string][] = [
    [
      "a stream that breaks at once",
      () => ({ slots: [streamSlot(breaking(0, GONE))] }),
      "io-failed",
      GONE.message,
    ],
    [
      "a stream that breaks later",
      () => ({ slots: [streamSlot(breaking(3, GONE))] }),
      "io-failed",
      GONE.message,
    ],
    [
      "the same, stored as it is",
      () => ({ slots: [streamSlot(breaking(3, GONE), { operations: [] })] }),
      "io-failed",
      GONE.message,
    ],
    [
      "a later slot that breaks",
      () => ({ slots: [raw("a", "a"), streamSlot(breaking(1, GONE))] }),
      "io-failed",
      GONE.message,
    ],
    [
      "a missing file",
      () => ({ slots: [fileSlot("a", "", { data: { kind: "file", path: at("no") } })] }),
      "io-failed",
      "Cannot look at ",
    ],
    ["a missing folder", () => ({ slots: [treeSlot("a", at("no"))] }), "io-failed", "Cannot list "],
    [
      "a missing folder, found while another slot is written",
      () => ({ slots: [streamSlot(slow(30)), treeSlot("a", at("no")), treeSlot("b", at("nor"))] }),
      "io-failed",
      "Cannot list ",
    ],
    [
      "a launcher that cannot be read",
      () => ({ launcher: failingAt(1, threeMiB()) }),
      "io-failed",
      "injected failure",
    ],
    [
      "an operation that is not there",
      () => ({ slots: [raw("a", "a", { operations: ["LZ4"] })] }),
      "operation-unsupported",
      "lz4",
    ],
    [
      "a level that the codec lacks",
      () => ({ slots: [fileSlot("a", "a")], level: 99 }),
      "bad-arguments",
      "level 99",
    ],
    ["a folder in the place of the output", () => ({ output: dir.path }), "io-failed", "Cannot write "],
    [
      "what does not verify",
      () => ({ slots: [raw("a", EVIL_TAR, { operations: ["TAR", "GZIP"] })] }),
      "build-failed",
      "does not verify",
    ],
  ];

  test.each(FAILURES)("by %s leaves the former package, and nothing else", async (_, more, code, words) => {
    mkdirSync(at("out"));
    const output = join(at("out"), "small.psp");
    writeFileSync(output, "former");
    const error = await failureOf(() => build(request({ output, ...more() })));
    expect([error.code, error.message]).toEqual([code as never, expect.stringContaining(words)]);
    expect(readdirSync(dir.path)).toEqual(["out"]);
    expect(readdirSync(at("out"))).toEqual(["small.psp"]);
    expect(readFileSync(output, "utf8")).toBe("former");
  });

  test("verification names what is wrong", async () => {
    const slots = [raw("a", EVIL_TAR, { operations: ["TAR", "GZIP"] })];
    const { problems } = await failureOf(() => build(request({ slots })));
    expect(problems).toEqual([expect.stringMatching(/^slot 0: /)]);
    expect((await built({ slots, verify: false })).result.slots).toHaveLength(1);
  });

  test("by an error that is not ours throws that very error", async () => {
    const bug = new RangeError("bug");
    const attempt = build(request({ slots: [streamSlot(breaking(1, bug))] }));
    expect(await attempt.catch((error: unknown) => error)).toBe(bug);
    expect(readdirSync(dir.path)).toEqual([]);
  });
});

test("the former package stays until the new one is whole, which nobody else can read before", async () => {
  writeFileSync(at("small.psp"), "former");
  const seen: unknown[] = [];
  const watching = async function* (): ByteStream {
    yield utf8("x");
    const [part = "", former = ""] = readdirSync(dir.path).sort();
    const mode = process.platform === "win32" ? 0o600 : statSync(at(part)).mode & 0o777;
    seen.push(part.replace(/[0-9a-f]{8}/, "ID"), former, readFileSync(at(former), "utf8"), mode);
  };
  const { file } = await built({ slots: [streamSlot(watching())] });
  expect(seen).toEqual([".small.psp.ID.part", "small.psp", "former", 0o600]);
  expect(readdirSync(dir.path)).toEqual(["small.psp"]);
  expect(isValid(await verifyPackage(memorySource(file)))).toBe(true);
});

const DISK = mkdtempSync(join(tmpdir(), "flavor-full-"));
const mounted =
  process.platform === "linux" &&
  Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=1m", "flavor", DISK]).exitCode === 0;
if (!mounted) process.stderr.write("skipped: building on a full disk, only root may mount one\n");
afterAll(() => {
  // Lazily: a build that failed its test may still have a file open there.
  if (mounted) Bun.spawnSync(["umount", "-l", DISK]);
  rmSync(DISK, { recursive: true, force: true });
});

test.skipIf(!mounted)("a full disk leaves what was there", async () => {
  const output = join(DISK, "small.psp");
  await built({ output });
  const before = readFileSync(output);
  const slots = [raw("large", new Uint8Array(3 * 1024 * 1024).fill(7))];
  const error = await failureOf(() => build(request({ output, slots })));
  expect(error).toMatchObject({
    code: "io-failed",
    message: `Cannot write ${output}`,
    hint: "free some space on that disk, or choose another place",
  });
  expect(readdirSync(DISK)).toEqual(["small.psp"]);
  expect(readFileSync(output)).toEqual(before);
});

const MIB = 1024 * 1024;

const hasProc = process.platform === "linux";
if (!hasProc) process.stderr.write("skipped: the memory that a build needs, only Linux tells it\n");

/**
 * Builds in a process of its own and says how much memory that ever had, in bytes. Not by its resource usage: there a
 * process begins with what the one had that started it.
 */
function peakMemory(operations: string, pieces: number): number {
  const part = (name: string) => JSON.stringify(join(import.meta.dir, name));
  const script = `
    const { build } = await import(${part("build.ts")});
    const { signerOfPair } = await import(${part("signing/signer.ts")});
    const { keyPairFromText } = await import(${part("../format/seal/keys.ts")});
    const { memorySource } = await import(${part("../format/io/byte-source.ts")});
    const { about, ...rest } = ${JSON.stringify({ about: request().about, output: at("large.psp") })};
    const piece = new Uint8Array(${MIB});
    async function* stream() {
      for (let i = 0; i < ${pieces}; i++) { piece[i % 4096] = i; yield piece.slice(); }
    }
    const slot = { id: "s", source: "s", target: "s", purpose: "data", lifecycle: "runtime" };
    const { slots } = await build({
      ...rest, about, launcher: memorySource(piece), launcherTool: { tool: "", toolVersion: "" },
      signer: signerOfPair(keyPairFromText("test"), "seed"), json: { operations: "own" }, verify: true,
      slots: [{ ...slot, data: { kind: "stream", stream: stream() }, operations: ${operations} }],
    });
    if (slots[0].originalSize !== ${pieces * MIB}) throw new Error("not all was packed");
    process.stdout.write(await Bun.file("/proc/self/status").text());`;
  const { stdout, stderr } = Bun.spawnSync([process.execPath, "-e", script], { cwd: dir.path });
  expect(stderr.toString()).toBe("");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(stdout.toString())?.[1]) * 1024;
}

test.skipIf(!hasProc).each(["[]", '["ZSTD"]'])(
  "600 MiB with the operations %s are packed and verified in less than 300 MiB of memory",
  (operations) => {
    const peak = peakMemory(operations, 600);
    expect(peak).toBeGreaterThan(10 * MIB);
    expect(peak).toBeLessThan(300 * MIB);
  },
  120_000,
);
