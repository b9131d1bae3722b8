import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { collect } from "../format/codecs/streams.ts";
import { zstd } from "../format/codecs/zstd.ts";
import { parseSeekTable, seekTableSize } from "../format/codecs/zstd-seek-table.ts";
import type { ArchivePart } from "../format/tar/archive-part.ts";
import { concat, inPieces, outcome, rawArchive } from "../format/tar/testing.ts";
import { writeParts, writeTar } from "../format/tar/write-tar.ts";
import type { Bytes, ByteStream } from "../format/types.ts";
import { sha256Hex } from "../format/wire/hashes.ts";
import { failureOf } from "../tests/support/failure.ts";
import { tempDir } from "../tests/support/temp-dir.ts";
import { listTree } from "./sources/tree.ts";
import { frameArchive, frameParts } from "./frame-archive.ts";

const MIB = 1024 * 1024;
const file = (name: string, size: number) => ({ name, body: name.repeat(size).slice(0, size) });
/** Several frames, one of them a single long file. */
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
  // nobody has all of a stream in memory
  const long = rawArchive(file("a", MIB), file("long", 40 * MIB), file("b", MIB));
  expect(await made(long, true)).toEqual([["a"], undefined, ["b"]]);
  // what speaks for all that follow says something else to a reader of the part alone
  const global = rawArchive({ name: "g", type: "g", body: "10 path=x\n" }, file("a", 6 * MIB), file("b", 1));
  expect(await made(global, true)).toEqual([undefined, ["b"]]);
});

test("any decoder of zstd reads it, and each frame alone gives what the table says", async () => {
  const stream = await framed(ARCHIVE);
  expect(sha256Hex(await collect(zstd.decode(inPieces(stream))))).toBe(sha256Hex(ARCHIVE));
  const contents: Bytes[] = [];
  let at = 0;
  for (const { compressed, content } of framesIn(stream) ?? []) {
    const bytes = await collect(zstd.decode(inPieces(stream.slice(at, at + compressed))));
    expect(bytes.length).toBe(content);
    contents.push(bytes);
    at += compressed;
  }
  expect(contents).toHaveLength(4);
  expect(sha256Hex(concat(contents))).toBe(sha256Hex(ARCHIVE));
});

test("the same is true of a tree, with files that have memory of their own", async () => {
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
  const contents: number[] = [];
  let at = 0;
  for (const { compressed, content } of framesIn(stream) ?? []) {
    const bytes = await collect(zstd.decode(inPieces(stream.slice(at, at + compressed))));
    expect(bytes.length).toBe(content);
    contents.push(content);
    at += compressed;
  }
  expect(contents.map((size) => Math.floor(size / MIB))).toEqual([3, 9, 33, 6]);
  expect(sha256Hex(await collect(zstd.decode(inPieces(stream))))).toBe(
    sha256Hex(await collect(copied(writeTar(entries)))),
  );
});

test("the same archive makes the same bytes, in whatever pieces it comes", async () => {
  const whole = sha256Hex(await framed(ARCHIVE));
  expect(sha256Hex(await collect(copied(frameArchive(inPieces(ARCHIVE, 700_001)).stored)))).toBe(whole);
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

test("a long entry whose size is known is not held to find out that it is too long", async () => {
  const noise = crypto.getRandomValues(new Uint8Array(65536));
  let drawn = 0;
  const pieces = async function* (): ByteStream {
    for (let i = 0; i < 640; i++) {
      drawn += noise.length;
      yield noise.map((byte) => byte ^ i);
    }
  };
  const parts = async function* (size?: number): AsyncGenerator<ArchivePart> {
    yield { kind: "stream", pieces: pieces(), ...(size !== undefined && { size }) };
  };
  for (const [size, least, most] of [
    [640 * noise.length, 1, 16 * MIB],
    [undefined, 32 * MIB, 48 * MIB],
  ] as const) {
    drawn = 0;
    const stored = frameParts(parts(size)).stored[Symbol.asyncIterator]();
    await stored.next();
    expect(drawn).toBeWithin(least, most);
    await stored.return?.();
  }
});
