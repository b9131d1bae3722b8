import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Bytes } from "../types.ts";
import { extensions } from "./extensions.ts";
import { parseHeader } from "./header.ts";
import { plainHeader } from "./plain-header.ts";
import { rawEntry } from "./testing.ts";

/** The header alone, somewhere in a larger piece. */
const headerOf = (entry: Parameters<typeof rawEntry>[0]): Bytes => {
  const piece = new Uint8Array(700);
  piece.set(rawEntry(entry).subarray(0, 512), 100);
  return piece;
};

/** What the long way makes of it; undefined where it throws. */
function inFull(piece: Bytes): unknown {
  try {
    const raw = parseHeader(piece.subarray(100, 612));
    return raw && extensions().apply(raw, 7);
  } catch {
    return undefined;
  }
}

/** Byte by byte and four at a time, which make no difference. */
function plain(piece: Bytes) {
  const entry = plainHeader(piece, 100, 7);
  expect(plainHeader(piece, 100, 7, new Int32Array(piece.buffer))).toEqual(entry as never);
  return entry;
}

describe("plain ones", () => {
  test.each<[string, Parameters<typeof rawEntry>[0]]>([
    ["a file", { name: "a/b", body: "x", mode: 0o644, mtime: 12345 }],
    ["an empty file", { name: "a" }],
    ["a folder", { name: "a/", type: "5", mode: 0o755 }],
    ["a name as long as its field", { name: "n".repeat(100) }],
    ["a file that only its owner reads", { name: "x", mode: 0o400 }],
  ])("%s", (_, entry) => {
    const piece = headerOf(entry);
    expect(plain(piece)).toBeDefined();
    expect(plain(piece)).toEqual(inFull(piece) as never);
  });
});

describe("left to the long way", () => {
  test.each<[string, Parameters<typeof rawEntry>[0]]>([
    ["a link", { name: "a", type: "2", linkName: "b" }],
    ["a hard link", { name: "a", type: "1", linkName: "b" }],
    ["an extended header", { name: "a", type: "x", body: "9 path=b\n" }],
    ["a name that is not ASCII", { name: "\u00e4" }],
    ["no name", { name: "" }],
    ["GNU's magic", { name: "a", magic: "ustar  \0" }],
    ["a magic with one letter wrong, and a prefix", { name: "a", magic: "us\0ar\u000000", prefix: "p" }],
    ["a folder by its name only", { name: "a/" }],
    ["a folder with a size", { name: "a/", type: "5", size: 512 }],
  ])("%s", (_, entry) => {
    expect(plain(headerOf(entry))).toBeUndefined();
  });
});

test("property: what is called plain is what the long way makes of it, whatever the bytes are", () => {
  const seeds = [
    headerOf({ name: "some/where", body: "x", mode: 0o755 }),
    headerOf({ name: "some/where/", type: "5", mode: 0o755 }),
  ];
  let found = 0;
  const change = fc.record({
    at: fc.nat(511),
    value: fc.oneof(fc.nat(255), fc.constantFrom(0, 0x20, 0x2f, 0x30, 0x37, 0x38, 0x80)),
  });
  fc.assert(
    fc.property(
      fc.constantFrom(...seeds),
      fc.array(change, { maxLength: 4 }),
      fc.boolean(),
      (seed, changes, fits) => {
        const piece = seed.slice();
        for (const { at, value } of changes) piece[100 + at] = value;
        if (fits) setChecksum(piece);
        const entry = plain(piece);
        if (entry === undefined) return;
        found++;
        expect(entry).toEqual(inFull(piece) as never);
      },
    ),
    { numRuns: 3000 },
  );
  expect(found).toBeGreaterThan(500);
});

function setChecksum(piece: Bytes): void {
  const header = piece.subarray(100, 612);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
}
