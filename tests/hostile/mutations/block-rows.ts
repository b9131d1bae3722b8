import { deflateRawSync, gzipSync } from "node:zlib";
import { TRAILER_SIZE } from "../../../format/spec.ts";
import type { Bytes } from "../../../format/types.ts";
import { utf8 } from "../../support/packages.ts";
import { all, block, bytes, flip, hidden, index, type Surgery } from "../surgery.ts";
import type { Row } from "./row.ts";

const join = (...pieces: readonly Uint8Array[]): Bytes => new Uint8Array(Buffer.concat([...pieces]));
const gzip = (content: Bytes | string): Bytes => new Uint8Array(gzipSync(content, { level: 9 }));
const with10 = (head: readonly number[], stored: Bytes): Bytes =>
  join(Uint8Array.from(head), stored.slice(10));

const invalid = (name: string, words: string, make: (json: Bytes, stored: Bytes) => Bytes): Row => ({
  name: `a metadata block ${name}`,
  change: block(make),
  code: "metadata-invalid",
  words,
});

const HEAD = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff];
const flagged = (flags: number) => HEAD.with(3, flags);

/** Compressions of the metadata that readers disagree on, or that are none. Their checksum is always right. */
export const BLOCK_ROWS: readonly Row[] = [
  invalid("of two gzip members", "something follows its gzip member", (_, stored) => join(stored, gzip(" "))),
  invalid("of two members, the first one empty", "something follows its gzip member", (_, stored) =>
    join(gzip(""), stored),
  ),
  invalid("with a byte behind its member", "something follows", (_, stored) =>
    join(stored, Uint8Array.of(0)),
  ),
  invalid("with a file name in its header", "its gzip header has optional fields", (_, stored) =>
    join(Uint8Array.from(flagged(8)), utf8("evil\0"), stored.slice(10)),
  ),
  invalid("with an extra field", "its gzip header has optional fields", (_, stored) =>
    join(Uint8Array.from(flagged(4)), Uint8Array.of(1, 0, 7), stored.slice(10)),
  ),
  invalid("with a reserved flag", "its gzip header has optional fields", (_, stored) =>
    with10(flagged(0x80), stored),
  ),
  invalid("of another method", "it is not gzip", (_, stored) => with10(HEAD.with(2, 7), stored)),
  invalid("that is plain JSON", "it is not gzip", (json) => json),
  invalid(
    "that is deflate without a frame",
    "it is not gzip",
    (json) => new Uint8Array(deflateRawSync(json)),
  ),
  invalid("that breaks off", "it is cut short", (_, stored) => stored.slice(0, -1)),
  invalid("that breaks off in its data", "Cannot unpack the metadata", (_, stored) => stored.slice(0, 100)),
  invalid(
    "with a wrong checksum of its text",
    "its gzip checksum does not match",
    (_, stored) => stored.with(-8, (stored.at(-8) as number) ^ 1) as Bytes,
  ),
  invalid(
    "with a wrong length of its text",
    "its gzip checksum does not match",
    (_, stored) => stored.with(-1, 1) as Bytes,
  ),
  invalid("with damaged data", "Cannot unpack the metadata", (_, stored) => stored.with(12, 0xff) as Bytes),
  invalid("that becomes 32 MiB", "it is larger than 1048576 bytes", () =>
    gzip(new Uint8Array(32 * 1024 * 1024)),
  ),
  {
    name: "a metadata block that is larger than any could be",
    change: block((_, stored) => join(stored, new Uint8Array(1024 * 1024 + 1024))),
    code: "layout-invalid",
    words: "too many",
  },
  {
    name: "a metadata block with one changed byte",
    change: flip(({ metadataOffset }) => Number(metadataOffset) + 40),
    code: "metadata-checksum-mismatch",
    words: "its SHA-256 is not the one in the index",
  },
];

/** Cuts so many bytes off the end of the file, or out of it. */
const without = (from: (sizes: Sizes) => number, to: (sizes: Sizes) => number): Surgery =>
  bytes((tail, raw, { launcherSize }) => {
    const sizes = {
      table: Number(raw.slotTableOffset) - launcherSize,
      slots: Number(raw.slotTableOffset + raw.slotTableSize) - launcherSize,
      trailer: tail.length - TRAILER_SIZE,
      end: tail.length,
    };
    return join(tail.slice(0, from(sizes)), tail.slice(to(sizes)));
  });

interface Sizes {
  readonly table: number;
  readonly slots: number;
  readonly trailer: number;
  readonly end: number;
}

const NO_PACKAGE = "not-a-package";
const NO_TRAILER = { code: NO_PACKAGE, words: "as a package: it" } as const;
/** A launcher that finds no package behind itself says so in its own words. */
const cut = (name: string, from: (sizes: Sizes) => number): Row => ({
  name: `the file ends ${name}`,
  change: without(from, ({ end }) => end),
  ...NO_TRAILER,
});
const outOf = (name: string, from: (sizes: Sizes) => number, to: (sizes: Sizes) => number): Row => ({
  name: `${name} cut out, the size repaired`,
  change: all(
    without(from, to),
    index((_, { launcherSize, tail }) => ({ packageSize: BigInt(launcherSize + tail.length) })),
  ),
  code: "slot-table-mismatch",
  words: "Cannot trust the slot table",
});

/** Less than the package, and more. */
export const FILE_ROWS: readonly Row[] = [
  cut("behind the launcher", () => 0),
  cut("in the metadata", () => 50),
  cut("in the slot table", ({ table }) => table + 70),
  cut("in the slots", ({ slots }) => slots + 10),
  cut("in front of the trailer", ({ trailer }) => trailer),
  cut("in the trailer", ({ trailer }) => trailer + 4000),
  cut("one byte early", ({ end }) => end - 1),
  {
    name: "a byte cut out in front of the trailer",
    change: without(
      ({ trailer }) => trailer - 1,
      ({ trailer }) => trailer,
    ),
    code: "layout-invalid",
    words: "the index says the package has",
  },
  outOf(
    "eight bytes of the slot table",
    ({ table }) => table,
    ({ table }) => table + 8,
  ),
  {
    ...outOf(
      "the first slot",
      ({ slots }) => slots,
      ({ slots }) => slots + 24,
    ),
    code: "layout-invalid",
    words: "would lie at",
  },
  {
    name: "a byte behind the trailer",
    change: bytes((tail) => join(tail, Uint8Array.of(0))),
    code: NO_PACKAGE,
    words: "1 bytes follow its PSPF trailer",
  },
  {
    name: "a page behind the trailer",
    change: bytes((tail) => join(tail, new Uint8Array(4096).fill(7))),
    code: NO_PACKAGE,
    words: "4096 bytes follow its PSPF trailer",
  },
  {
    name: "a second trailer behind the first",
    change: bytes((tail) => join(tail, tail.slice(-TRAILER_SIZE))),
    code: "layout-invalid",
    words: "the index says the package has",
  },
  {
    name: "the whole package twice",
    change: bytes((tail) => join(tail, tail)),
    code: "layout-invalid",
    words: "the index says the package has",
  },
  {
    name: "a byte in front of the metadata",
    change: bytes((tail) => join(Uint8Array.of(0), tail)),
    code: "layout-invalid",
    words: "the index says the package has",
  },
  {
    name: "no first marker",
    change: flip(({ packageSize }) => Number(packageSize) - TRAILER_SIZE),
    ...NO_TRAILER,
  },
  { name: "no last marker", change: flip(({ packageSize }) => Number(packageSize) - 1), ...NO_TRAILER },
  {
    name: "something hidden in a gap",
    change: flip(({ metadataOffset, metadataSize }) => Number(metadataOffset + metadataSize)),
    code: "layout-invalid",
    words: "that belongs to no part",
    start: { runs: "nothing reads what is in a gap" },
  },
  {
    name: "something hidden behind the last slot",
    change: hidden(utf8("not in the metadata")),
    code: "layout-invalid",
    words: "that belongs to no part",
    start: { runs: "nothing reads what is in a gap" },
  },
];
