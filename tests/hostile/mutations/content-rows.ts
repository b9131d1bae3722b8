import { gzipSync, zstdCompressSync } from "node:zlib";
import { fromBytes, collect } from "../../../format/codecs/streams.ts";
import { encodeChain } from "../../../format/codecs/chain.ts";
import { encodeBlockHeader, encodeStreamHeader } from "../../../format/codecs/xz-container.ts";
import { paxRecord, rawArchive } from "../../../format/tar/testing.ts";
import type { Bytes } from "../../../format/types.ts";
import { utf8 } from "../../support/packages.ts";
import { all, content, type Document, document } from "../surgery.ts";
import { SLOT } from "../victim.ts";
import type { Row } from "./row.ts";

const MIB = 1024 * 1024;
const zeros = (size: number): Bytes => new Uint8Array(size);
const gzip = (bytes: Bytes): Bytes => new Uint8Array(gzipSync(bytes));
const zstd = (bytes: Bytes): Bytes => new Uint8Array(zstdCompressSync(bytes));
const join = (...pieces: readonly Uint8Array[]): Bytes => new Uint8Array(Buffer.concat([...pieces]));

/** A slot with content that its author signed and should not have. */
const holding = (
  name: string,
  stored: () => Bytes,
  entry: { readonly operations: string; readonly original_size?: number },
  refusal: Pick<Row, "code" | "words" | "start">,
): Row => ({
  name: `a slot with ${name}`,
  change: (victim) =>
    content(SLOT.note, stored(), (json: Document) => {
      json.operations = entry.operations;
      if (entry.original_size === undefined) delete json.original_size;
      else json.original_size = entry.original_size;
    })(victim),
  ...refusal,
});

const grows = (words: string) => ({ code: "archive-invalid", words }) as const;
const broken = (words: string) => ({ code: "codec-failed", words }) as const;

/** An archive that asks for a quarter of a thousand folders with each of its entries. */
const forest = (): Bytes =>
  rawArchive(
    ...Array.from({ length: 4000 }, (_, i) => [
      { name: "x", type: "x", body: paxRecord("path", `${i}/${"d/".repeat(250)}f`) },
      { name: "f" },
    ]).flat(),
  );
const FOREST_SIZE = 4000 * (512 + 1024 + 512) + 1024;

/** One file, and many names of it, each of which becomes a copy. */
const copies = (): Bytes =>
  rawArchive(
    { name: "f", body: "0".repeat(32 * MIB) },
    ...Array.from({ length: 50 }, (_, i) => ({ name: `h${i}`, type: "1", linkName: "f" })),
  );
const COPIES_SIZE = 512 + 32 * MIB + 50 * 512 + 1024;

const BOMBS: readonly Row[] = [
  holding(
    "hard links that would become a gigabyte of copies",
    () => zstd(copies()),
    { operations: "tar|zstd", original_size: COPIES_SIZE },
    {
      ...grows("hard links would become more than"),
      start: { untried: "it would write a gigabyte" },
    },
  ),
  holding(
    "64 MiB where 1000 bytes were signed",
    () => gzip(zeros(64 * MIB)),
    { operations: "gzip", original_size: 1000 },
    grows("it does not have the 1000 bytes that were signed"),
  ),
  holding(
    "64 MiB of zstd where none were signed",
    () => zstd(zeros(64 * MIB)),
    { operations: "zstd", original_size: 0 },
    grows("it does not have the 0 bytes that were signed"),
  ),
  holding(
    "a byte more than was signed",
    () => gzip(zeros(1001)),
    { operations: "gzip", original_size: 1000 },
    grows("it does not have the 1000 bytes that were signed"),
  ),
  holding(
    "a byte less than was signed",
    () => gzip(zeros(999)),
    { operations: "gzip", original_size: 1000 },
    grows("it does not have the 1000 bytes that were signed"),
  ),
  holding(
    "more than any disk has, as its author signed",
    () => gzip(zeros(1000)),
    { operations: "gzip", original_size: Number.MAX_SAFE_INTEGER },
    {
      ...grows("it does not have the 9007199254740991 bytes that were signed"),
      start: { code: "no-workenv-location", words: "Cannot find a place to unpack to" },
    },
  ),
  holding(
    "an archive larger than was signed",
    () => zstd(rawArchive({ name: "big", body: "0".repeat(MIB) })),
    { operations: "tar|zstd", original_size: 2048 },
    grows("it does not have the 2048 bytes that were signed"),
  ),
  holding(
    "far more than nobody signed",
    () => repeated(zstd(zeros(64 * MIB)), 18),
    { operations: "zstd" },
    { ...grows("and no size of it was signed"), start: { untried: "it would write a gigabyte" } },
  ),
  holding(
    "a bomb between two operations",
    () => gzip(repeated(gzip(zeros(0)), 60_000)),
    { operations: "gzip|gzip", original_size: 0 },
    broken("more than 1048576 bytes are between two of them"),
  ),
  holding(
    "a million folders",
    () => zstd(forest()),
    { operations: "tar|zstd", original_size: FOREST_SIZE },
    {
      ...grows("it would be more than 1000000 files and folders"),
      start: { untried: "it would make all of them" },
    },
  ),
  holding(
    "a dictionary of 4 GiB",
    () => join(encodeStreamHeader(4), encodeBlockHeader(40), zeros(64)),
    { operations: "xz", original_size: 64 },
    broken("it needs a dictionary of 4096 MiB, at most 256 MiB are allowed"),
  ),
  holding(
    "a window of 2 GiB",
    () => zstdFrame([0x00, 21 << 3]),
    { operations: "zstd", original_size: 3 },
    broken("Cannot decode zstd"),
  ),
  holding(
    "a frame that claims to hold 2^62 bytes",
    () => zstdFrame([0xe0, 0, 0, 0, 0, 0, 0, 0, 0x40]),
    { operations: "zstd", original_size: 3 },
    broken("Cannot decode zstd"),
  ),
];

/** The start of a zstd frame (RFC 8878, section 3.1.1) and one raw block of three bytes. */
const zstdFrame = (header: readonly number[]): Bytes =>
  Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, ...header, (3 << 3) | 1, 0, 0, 1, 2, 3);

const repeated = (bytes: Bytes, times: number): Bytes => join(...Array.from({ length: times }, () => bytes));

const TEXT = utf8("some text that is long enough to be compressed\n".repeat(40));
const packed = new Map<string, Bytes>();
for (const codec of ["GZIP", "BZIP2", "XZ", "ZSTD"] as const)
  packed.set(codec.toLowerCase(), await collect(encodeChain([codec], fromBytes(TEXT))));

const changedAt = (bytes: Bytes, at: number): Bytes => bytes.with(at, (bytes[at] as number) ^ 0xff) as Bytes;

/** What its author signed, but did not make with the codec that they name. */
const DAMAGED: readonly Row[] = [...packed].flatMap(([codec, good]) =>
  (
    [
      ["nothing", zeros(0)],
      ["what breaks off", good.slice(0, -1)],
      ["what breaks off early", good.slice(0, 8)],
      ["damage in its head", changedAt(good, 2)],
      ["damage in its middle", changedAt(good, Math.floor(good.length / 2))],
      ["damage at its end", changedAt(good, good.length - 2)],
      ["something behind it", join(good, utf8("and more"))],
      ["something else", TEXT],
    ] as const
  ).map(([what, stored]) =>
    holding(
      `${codec} that is ${what}`,
      () => stored,
      { operations: codec },
      broken(`Cannot decode ${codec}`),
    ),
  ),
);

const CHAINS: readonly Row[] = (
  [
    ["gzip|tar", "operation-unsupported", "tar is not the first operation"],
    ["tar|tar", "operation-unsupported", "tar is not the first operation"],
    ["aes256_gcm", "operation-unsupported", "the operation aes256_gcm (0x31) is not implemented"],
    ["gzip_fast", "operation-unsupported", "the operation gzip_fast (0x11) is not implemented"],
    [
      "gzip|gzip|gzip|gzip|gzip|gzip|gzip|gzip|gzip",
      "metadata-invalid",
      "there are 9 operations, at most 8 fit",
    ],
    ["gzip||gzip", "metadata-invalid", 'the operation "" is not in the registry'],
    ["constructor", "metadata-invalid", 'the operation "constructor" is not in the registry'],
    ["tar", "archive-invalid", "Cannot read the archive"],
  ] as const
).map(([operations, code, words]) =>
  holding(
    `the operations ${operations}`,
    () => TEXT,
    { operations, original_size: TEXT.length },
    { code, words },
  ),
);

const setup = (name: string, edit: (json: Document) => void): Row => ({
  name: `setup that ${name}`,
  change: document("the author", edit),
  code: "path-escapes",
  words: "it leads outside the workenv",
  verify: { passes: "what placeholders mean is known at a start only" },
  leaves: "what was unpacked",
});

const SETUPS: readonly Row[] = [
  setup("writes to a folder above", ({ setup_commands }) => {
    setup_commands[0].path = "{workenv}/../witness";
  }),
  setup("writes to an absolute path", ({ setup_commands }) => {
    setup_commands[0].path = "/tmp/../tmp/witness";
  }),
  setup("writes through a placeholder", (json) => {
    json.package.version = "../../witness";
    json.setup_commands[0].path = "{workenv}/{version}";
  }),
  setup("changes the mode of something outside", ({ setup_commands }) => {
    setup_commands[1].path = "{workenv}/../../*";
  }),
  setup("lists a folder outside", ({ setup_commands }) => {
    setup_commands[3].enumerate.path = "/etc";
  }),
];

/** A link in an archive, and what else the package puts behind it. */
const linked = (name: string, edit: (json: Document) => void, refusal: Pick<Row, "code" | "words">): Row => ({
  name,
  change: all(
    content(SLOT.note, rawArchive({ name: "l", type: "2", linkName: "bin" }), (entry: Document) => {
      entry.operations = "tar";
      entry.target = "{workenv}";
      entry.original_size = 1536;
    }),
    document("the author", edit),
  ),
  ...refusal,
});

const THROUGH = { code: "path-escapes", words: "it is a symlink, a folder was expected" } as const;

const TOGETHER: readonly Row[] = [
  linked(
    "a slot that writes through a link of another",
    ({ slots }) => {
      slots[SLOT.conf].target = "l/evil";
    },
    THROUGH,
  ),
  linked(
    "a folder of the workenv behind a link of a slot",
    ({ workenv }) => {
      workenv.directories[0].path = "{workenv}/l/evil";
    },
    THROUGH,
  ),
  linked(
    "a folder of the workenv where a slot has a link",
    ({ workenv }) => {
      workenv.directories[0].path = "{workenv}/l";
    },
    THROUGH,
  ),
  linked(
    "a slot where another has a folder",
    ({ slots }) => {
      slots[SLOT.conf].target = "bin";
    },
    { code: "archive-invalid", words: "a folder is where another entry was expected" },
  ),
  linked(
    "a slot below the file of another",
    ({ slots }) => {
      slots[SLOT.conf].target = "bin/run.sh/x";
    },
    { code: "archive-invalid", words: "a file is where a folder was expected" },
  ),
];

/** What slots hold and what setup does, all of it rightly signed by a hostile author. */
export const CONTENT_ROWS: readonly Row[] = [...BOMBS, ...DAMAGED, ...CHAINS, ...TOGETHER, ...SETUPS];
