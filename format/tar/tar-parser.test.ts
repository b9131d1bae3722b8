import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Bytes } from "../types.ts";
import type { TarHeader, TarLimits } from "./tar-entry.ts";
import { tarParser } from "./tar-parser.ts";
import { concat, END, outcome, paxRecord, rawArchive, rawEntry } from "./testing.ts";

interface Seen extends TarHeader {
  readonly content: string;
}

function parse(pieces: readonly Bytes[], limits?: TarLimits): readonly Seen[] {
  const seen: Seen[] = [];
  const parser = tarParser(
    {
      entry(header) {
        const parts: Buffer[] = [];
        const done = () => seen.push({ ...header, content: Buffer.concat(parts).toString() });
        return { write: (piece) => parts.push(Buffer.from(piece)), close: done };
      },
    },
    limits,
  );
  for (const piece of pieces) parser.push(piece);
  parser.end();
  return seen;
}

const invalid = async (bytes: Bytes, limits?: TarLimits) =>
  expect(await outcome(() => parse([bytes], limits))).toBe("archive-invalid");

const LONG = "long/".repeat(60);

const MIXED = rawArchive(
  { name: "./", type: "5", mode: 0o755 },
  { name: "a", body: "1".repeat(700) },
  { name: "x", type: "g", body: paxRecord("mtime", "5") },
  { name: "x", type: "x", body: paxRecord("path", `${LONG}b`) + paxRecord("mtime", "6") },
  { name: "cut off", body: "2".repeat(512) },
  { name: "././@LongLink", type: "L", body: `${LONG}c\0` },
  { name: "././@LongLink", type: "K", body: `${LONG}d\0` },
  { name: "cut off", type: "2", linkName: "cut off" },
  { name: "e", type: "1", linkName: "a" },
  { name: "fifo", type: "6" },
  { name: "old/", type: "\0" },
);

test("entries carry everything that was said about them", () => {
  const facts = { mode: 0o644, mtime: 5, linkName: "", content: "", size: 0 };
  expect(parse([MIXED])).toEqual([
    { ...facts, name: "./", kind: "directory", mode: 0o755, mtime: 0, offset: 0 },
    { ...facts, name: "a", kind: "file", size: 700, mtime: 0, offset: 512, content: "1".repeat(700) },
    { ...facts, name: `${LONG}b`, kind: "file", size: 512, mtime: 6, offset: 2048, content: "2".repeat(512) },
    { ...facts, name: `${LONG}c`, kind: "symlink", linkName: `${LONG}d`, offset: 5120 },
    { ...facts, name: "e", kind: "hardlink", linkName: "a", offset: 7680 },
    { ...facts, name: "fifo", kind: "other", offset: 8192 },
    { ...facts, name: "old/", kind: "directory", offset: 8704 },
  ]);
});

test("the sizes of the pieces make no difference", () => {
  const whole = parse([MIXED]);
  fc.assert(
    fc.property(fc.array(fc.nat(MIXED.length), { maxLength: 40 }), (cuts) => {
      const edges = [0, ...cuts.toSorted((a, b) => a - b), MIXED.length];
      expect(parse(edges.slice(1).map((edge, i) => MIXED.slice(edges[i], edge)))).toEqual(whole);
    }),
    { numRuns: 50 },
  );
  expect(parse([...MIXED].map((byte) => Uint8Array.of(byte)))).toEqual(whole);
});

test("an offset is a place to cut: what follows is an archive", () => {
  const plain = rawArchive(
    { name: "a", body: "1" },
    { name: "x", type: "x", body: paxRecord("path", "b") },
    { name: "y" },
  );
  const cut = parse([plain])[1]?.offset as number;
  expect(parse([plain.slice(cut)]).map((entry) => entry.name)).toEqual(["b"]);
  expect(parse([plain.slice(0, cut)], { ending: "open" }).map((entry) => entry.name)).toEqual(["a"]);
});

describe("the end", () => {
  test.each(Array.from({ length: MIXED.length / 512 - 1 }, (_, block) => [block]))(
    "an archive that breaks off after %d blocks is refused",
    async (blocks) => {
      await invalid(MIXED.slice(0, blocks * 512));
      await invalid(MIXED.slice(0, blocks * 512 + 100));
    },
  );

  test("a piece may only end between entries", async () => {
    const entry = rawEntry({ name: "a", body: "1".repeat(600) });
    const extension = rawEntry({ name: "x", type: "x", body: paxRecord("path", "b") });
    const piece = { ending: "open" } as const;
    expect(parse([entry], piece)).toHaveLength(1);
    expect(parse([], piece)).toHaveLength(0);
    for (const length of [1, 511, 512, 1024, 1112, 1535]) await invalid(entry.slice(0, length), piece);
    await invalid(extension, piece);
    const full = rawEntry({ name: "a", body: "1".repeat(1024) });
    for (const length of [512, 1024]) await invalid(full.slice(0, length), piece);
    await invalid(concat([entry, new Uint8Array(512)]), piece);
  });

  test("zeros may follow, up to a record", async () => {
    expect(parse([MIXED, new Uint8Array(1024 * 1024)])).toEqual(parse([MIXED]));
    await invalid(concat([MIXED, new Uint8Array(1024 * 1024 + 1)]));
  });

  test.each([
    ["a byte", Uint8Array.of(1)],
    ["another archive", MIXED],
    ["zeros and a byte", concat([new Uint8Array(9000), Uint8Array.of(1)])],
  ])("%s may not", async (_, rest) => {
    await invalid(concat([MIXED, rest]));
  });
});

test.each([
  ["an entry after one block of zeros", [new Uint8Array(512), rawEntry({ name: "a" }), END]],
  ["an extension without an entry", [rawEntry({ name: "x", type: "x", body: paxRecord("path", "b") }), END]],
  ["an entry without a name", [rawEntry({ name: "" }), END]],
  [
    "a name that a pax header empties",
    [rawEntry({ name: "x", type: "L", body: "\0" }), rawEntry({ name: "a" }), END],
  ],
  ["a directory with a size", [rawEntry({ name: "a", type: "5", body: "1" }), END]],
  ["a symlink with a size", [rawEntry({ name: "a", type: "2", linkName: "b", body: "1" }), END]],
  ["a hard link with a size", [rawEntry({ name: "a", type: "1", linkName: "b", body: "1" }), END]],
  ["a fifo with a size", [rawEntry({ name: "a", type: "6", body: "1" }), END]],
  ["an old directory with a size", [rawEntry({ name: "a/", body: "1" }), END]],
  ["an old sparse file", [rawEntry({ name: "a", type: "S", body: "1" }), END]],
  [
    "a pax sparse file",
    [
      rawEntry({ name: "x", type: "x", body: paxRecord("GNU.sparse.size", "9") }),
      rawEntry({ name: "a" }),
      END,
    ],
  ],
  ["text", [new Uint8Array(Buffer.from("not an archive ".repeat(100)))]],
] as const)("%s is refused", async (_, pieces) => {
  await invalid(concat(pieces));
});

test("a pax header's size is the size of the body", () => {
  const archive = concat([
    rawEntry({ name: "x", type: "x", body: paxRecord("size", "600") }),
    rawEntry({ name: "a", size: 0, body: "1".repeat(600) }),
    rawEntry({ name: "b" }),
    END,
  ]);
  expect(parse([archive]).map(({ name, size }) => [name, size])).toEqual([
    ["a", 600],
    ["b", 0],
  ]);
});

test("what is said for one entry does not reach the next, what is said for all does", () => {
  const archive = rawArchive(
    { name: "x", type: "g", body: paxRecord("mtime", "5") },
    { name: "x", type: "x", body: paxRecord("path", "b") + paxRecord("mtime", "") },
    { name: "a", mtime: 9 },
    { name: "c", mtime: 9 },
  );
  expect(parse([archive]).map(({ name, mtime }) => [name, mtime])).toEqual([
    ["b", 9],
    ["c", 5],
  ]);
});

test("what is said for all adds up", () => {
  const archive = rawArchive(
    { name: "x", type: "g", body: paxRecord("mtime", "5") },
    { name: "x", type: "g", body: paxRecord("SCHILY.x", "6") },
    { name: "a" },
  );
  expect(parse([archive])[0]?.mtime).toBe(5);
});

test("only what means something is passed on", () => {
  const archive = rawArchive({ name: "a", type: "7", mode: 0o104755, linkName: "left over", body: "1" });
  expect(parse([archive])).toMatchObject([{ kind: "file", mode: 0o4755, linkName: "", content: "1" }]);
});

test("limits hold", async () => {
  const long = rawArchive({ name: "x", type: "L", body: "n".repeat(2000) }, { name: "a" });
  expect(parse([long], { maxExtension: 2000 })).toHaveLength(1);
  await invalid(long, { maxExtension: 1999 });
  expect(() => parse([rawEntry({ name: "x", type: "x", size: 1024 * 1024 + 1 })])).toThrow(
    "1048576 are allowed",
  );
  const three = rawArchive({ name: "a" }, { name: "b" }, { name: "c" });
  expect(parse([three], { maxEntries: 3 })).toHaveLength(3);
  await invalid(three, { maxEntries: 2 });
});

test("without a sink a body is skipped", () => {
  const names: string[] = [];
  const parser = tarParser({ entry: (header) => void names.push(header.name) });
  parser.push(MIXED);
  parser.end();
  expect(names).toHaveLength(7);
});

test("damage never makes it fail in another way", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(MIXED.length - 1),
      fc.uint8Array({ minLength: 1, maxLength: 20 }),
      async (at, bytes) => {
        const damaged = MIXED.slice();
        damaged.set(bytes.slice(0, MIXED.length - at), at);
        expect(await outcome(() => parse([damaged]))).toBeOneOf(["ok", "archive-invalid"]);
      },
    ),
  );
});
