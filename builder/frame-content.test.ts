import { expect, test } from "bun:test";
import { randomFillSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { collect } from "../format/codecs/streams.ts";
import { zstd } from "../format/codecs/zstd.ts";
import { parseSeekTable, seekTableSize } from "../format/codecs/zstd-seek-table.ts";
import { concat, inPieces, outcome, rawArchive, rawEntry } from "../format/tar/testing.ts";
import { writeParts, writeTar } from "../format/tar/write-tar.ts";
import type { Bytes, ByteStream } from "../format/types.ts";
import { sha256Hex } from "../format/wire/hashes.ts";
import { failureOf } from "../tests/support/failure.ts";
import { tempDir } from "../tests/support/temp-dir.ts";
import { listTree } from "./sources/tree.ts";
import { frameArchive, frameFile, frameParts } from "./frame-content.ts";

const MIB = 1024 * 1024;
const file = (name: string, size: number) => ({ name, body: name.repeat(size).slice(0, size) });
/** Several frames, three of them for a long file. */
const ARCHIVE = rawArchive(
  ...["a", "b", "c"].map((name) => file(name, 3 * MIB)),
  file("long", 9 * MIB),
  ...["d", "e"].map((name) => file(name, 3 * MIB)),
);

/** Pieces last only until the next one comes. */
async function* copied(stream: ByteStream): ByteStream {
  for await (const piece of stream) yield piece.slice();
}

const framed = (archive: Bytes, level?: number) =>
  collect(copied(frameArchive(inPieces(archive), { level }).stored));

function framesIn(stream: Bytes) {
  const size = seekTableSize(stream.slice(-9), stream.length) ?? 0;
  return parseSeekTable(stream.slice(-size), stream.length);
}

/** What each frame decodes to alone, which must be as long as the table says. */
async function contentsIn(stream: Bytes): Promise<readonly Bytes[]> {
  const contents: Bytes[] = [];
  let at = 0;
  for (const { compressed, content } of framesIn(stream) ?? []) {
    const bytes = await collect(zstd.decode(inPieces(stream.slice(at, at + compressed))));
    expect(bytes.length).toBe(content);
    contents.push(bytes);
    at += compressed;
  }
  return contents;
}

test("what was made is told: frames, and on request the entries in them", async () => {
  const made = async (archive: Bytes, noteEntries?: boolean) => {
    const framed = frameArchive(inPieces(archive), { noteEntries });
    const stored = await collect(copied(framed.stored));
    const frames = framed.made();
    const sizes = frames.map(({ compressed, content }) => ({ compressed, content }));
    expect(sizes).toEqual([...(framesIn(stored) ?? [])]);
    return frames.map(({ entries }) => entries?.map(({ name }) => name));
  };
  const small = rawArchive(...["a", "b", "c"].map((name) => file(name, 3 * MIB)));
  expect(await made(small, true)).toEqual([["a", "b"], ["c"]]);
  expect(await made(small)).toEqual([undefined, undefined]);
  // nobody has all of a long entry in memory
  const long = rawArchive(file("a", MIB), file("long", 17 * MIB), file("b", MIB));
  expect(await made(long, true)).toEqual([["a"], ...Array.from({ length: 5 }, () => undefined), ["b"]]);
  // what a long entry holds is none, whatever it looks like
  const within = new TextDecoder("latin1").decode(rawEntry(file("no", 4 * MIB - 512)));
  const body = "x".repeat(4 * MIB + 256 - 512) + within + "x".repeat(MIB);
  expect(await made(rawArchive({ name: "long", body }), true)).toEqual([undefined, undefined, undefined]);
  // what speaks for all that follow says something else to a reader of the part alone
  const global = rawArchive({ name: "g", type: "g", body: "10 path=x\n" }, file("a", 6 * MIB), file("b", 1));
  expect(await made(global, true)).toEqual([undefined, ["b"]]);
});

test("any decoder of zstd reads it, and each frame alone gives what the table says", async () => {
  const stream = await framed(ARCHIVE);
  expect(sha256Hex(await collect(zstd.decode(inPieces(stream))))).toBe(sha256Hex(ARCHIVE));
  const contents = await contentsIn(stream);
  expect(contents).toHaveLength(6);
  expect(sha256Hex(concat(contents))).toBe(sha256Hex(ARCHIVE));
});

test("the same is true of a tree, which makes the same frames", async () => {
  using dir = tempDir();
  for (const [name, size] of [
    ["a", 3],
    ["b", 9],
    ["c", 33],
    ["d", 6],
  ] as const)
    writeFileSync(join(dir.path, name), new Uint8Array(size * MIB).fill(size));
  const entries = listTree(dir.path);
  const stream = await collect(copied(frameParts(writeParts(entries)).stored));
  const sizes = (await contentsIn(stream)).map(({ length }) => length);
  expect(sizes.map((size) => Math.floor(size / MIB))).toEqual([3, 4, 4, 1, 4, 4, 4, 4, 4, 4, 4, 4, 1, 6]);
  const archive = await collect(writeTar(entries));
  expect(sha256Hex(await collect(zstd.decode(inPieces(stream))))).toBe(sha256Hex(archive));
  expect(sha256Hex(await framed(archive))).toBe(sha256Hex(stream));
});

test("the same archive makes the same bytes, in whatever pieces it comes", async () => {
  const whole = sha256Hex(await framed(ARCHIVE));
  expect(sha256Hex(await collect(copied(frameArchive(inPieces(ARCHIVE, 700_001)).stored)))).toBe(whole);
});

test.each([
  ["nothing", 0, [0]],
  ["a small one", 1000, [1000]],
  ["one of a whole part", 4 * MIB, [4 * MIB]],
  ["one of several", 9 * MIB + 1, [4 * MIB, 4 * MIB, MIB + 1]],
] as const)("a file is cut wherever it is long: %s", async (_, size, contents) => {
  const content = new Uint8Array(size).map((_, i) => i >> 12);
  const { stored, originalSize, made } = frameFile(inPieces(content, 700_001), { noteEntries: true });
  const stream = await collect(copied(stored));
  expect(framesIn(stream)?.map((frame) => frame.content)).toEqual([...contents]);
  expect(sha256Hex(await collect(zstd.decode(inPieces(stream))))).toBe(sha256Hex(content));
  expect(originalSize()).toBe(size);
  expect(made().map(({ entries }) => entries)).toEqual(contents.map(() => []));
  const large = frameFile(inPieces(content, 700_001), { level: 4 });
  expect((framesIn(await collect(copied(large.stored))) ?? []).map((frame) => frame.content)).toEqual([size]);
  const inOnePiece = frameFile(inPieces(content, size + 1));
  expect(sha256Hex(await collect(copied(inOnePiece.stored)))).toBe(sha256Hex(stream));
});

test("levels are those of zstd", async () => {
  const small = await framed(ARCHIVE, 12);
  expect(small.length).toBeLessThan((await framed(ARCHIVE, 1)).length);
  expect(await failureOf(() => framed(ARCHIVE, 23))).toMatchObject({ code: "bad-arguments" });
});

test("an archive that breaks off is refused, and an input that fails fails so", async () => {
  expect(await outcome(() => framed(ARCHIVE.slice(0, 7 * MIB)))).toBe("archive-invalid");
  const failing = async function* (): ByteStream {
    yield* inPieces(ARCHIVE.slice(0, 7 * MIB));
    throw new Error("the disk is gone");
  };
  await expect(collect(frameArchive(failing()).stored)).rejects.toThrow("the disk is gone");
});

test("who stops reading closes the input", async () => {
  let isClosed = false;
  const watched = async function* (): ByteStream {
    try {
      yield* inPieces(ARCHIVE);
    } finally {
      isClosed = true;
    }
  };
  for await (const _ of frameArchive(watched()).stored) break;
  expect(isClosed).toBe(true);
});

test("of a long entry, no more is held than of short ones", async () => {
  let drawn = 0;
  const contents = () => ({
    read(into: Bytes) {
      randomFillSync(into);
      drawn += into.length;
      return into.length;
    },
    [Symbol.dispose]() {},
  });
  const size = 400 * MIB;
  const entry = { path: "long", kind: "file", mode: 0o644, size, mtime: 0, absolute: "" } as const;
  const stored = frameParts(writeParts([entry], { contents })).stored[Symbol.asyncIterator]();
  await stored.next();
  await Bun.sleep(500); // what is not taken is not made, but so much
  expect(drawn).toBeWithin(16 * MIB, 100 * MIB);
  await stored.return?.();
});
