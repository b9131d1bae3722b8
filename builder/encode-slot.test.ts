import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { decodeChain, encodeChain } from "../format/codecs/chain.ts";
import { collect, concat } from "../format/codecs/streams.ts";
import { PspfError } from "../format/errors.ts";
import { readTar } from "../format/tar/read-tar.ts";
import { rawArchive } from "../format/tar/testing.ts";
import type { Bytes, ByteStream } from "../format/types.ts";
import { formatOperations, type OperationName, parseOperations } from "../format/wire/operations.ts";
import { failureOf } from "../tests/support/failure.ts";
import { fileSlot, selfSlot, treeSlot, utf8 } from "../tests/support/packages.ts";
import { tempDir } from "../tests/support/temp-dir.ts";
import { encodeSlot, operationsOf } from "./encode-slot.ts";
import type { SlotInput } from "./slot-input.ts";

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
});
afterEach(() => dir[Symbol.dispose]());
const at = (name: string) => join(dir.path, name);

async function* inPieces(bytes: Bytes, size: number): ByteStream {
  for (let start = 0; start < bytes.length; start += size) yield bytes.slice(start, start + size);
}

/** A stream that knows whether it was closed, by its end or by who read it. */
function watched(bytes: Bytes, size = 65536) {
  const state = { isClosed: false, drawn: 0 };
  const stream = async function* (): ByteStream {
    try {
      for await (const piece of inPieces(bytes, size)) {
        state.drawn += piece.length;
        yield piece;
      }
    } finally {
      state.isClosed = true;
    }
  };
  return { state, stream: stream() };
}

type Kind = "bytes" | "stream" | "file";
const KINDS: readonly Kind[] = ["bytes", "stream", "file"];

/** The same content as each kind of data; streams come in odd pieces. */
function dataOf(kind: Kind, bytes: Bytes): SlotInput["data"] {
  if (kind === "bytes") return { kind, bytes };
  if (kind === "stream") return { kind, stream: inPieces(bytes, 101) };
  writeFileSync(at("source"), bytes);
  return { kind, path: at("source") };
}

const slotOf = (data: SlotInput["data"], operations?: string, rest: Partial<SlotInput> = {}): SlotInput =>
  fileSlot("it", "", {
    data,
    ...(operations === undefined ? {} : { operations: parseOperations(operations) }),
    ...rest,
  });
const ofBytes = (bytes: Bytes, operations?: string) => slotOf({ kind: "bytes", bytes }, operations);

async function encoded(slot: SlotInput, level?: number) {
  const { stored, originalSize, ...facts } = await encodeSlot(slot, { level });
  const bytes = await collect(stored);
  return { ...facts, bytes, originalSize: originalSize() };
}

/** What a launcher would make of stored bytes, before it looks into an archive. */
const decoded = (bytes: Bytes, operations: readonly OperationName[]): Promise<Bytes> =>
  collect(
    decodeChain(
      operations.filter((name) => name !== "TAR"),
      inPieces(bytes, 65536),
    ),
  );

/** The names in an archive. */
async function namesIn(archive: Bytes): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name } of readTar(inPieces(archive, 65536))) names.push(name);
  return names;
}

const as = (operations: string, content: Bytes): Promise<Bytes> =>
  collect(
    encodeChain(
      parseOperations(operations).filter((name) => name !== "TAR"),
      inPieces(content, 65536),
    ),
  );

const TEXT = utf8("a line of text\n".repeat(10_000));
const ARCHIVE = rawArchive({ name: "conf/a", body: "first" }, { name: "conf/b", body: "x".repeat(5000) });
const noise = (size: number): Bytes => {
  const pieces = [];
  for (let left = size; left > 0; left -= 65536) pieces.push(new Uint8Array(Math.min(left, 65536)));
  return concat(pieces.map((piece) => crypto.getRandomValues(piece)));
};

describe("what comes out is what went in", () => {
  const CHAINS = ["raw", "gzip", "bzip2", "xz", "zstd", "gzip|zstd", "zstd|xz|gzip"];

  test.each(KINDS.flatMap((kind) => CHAINS.map((chain) => [kind, chain] as const)))(
    "%s with %s",
    async (kind, chain) => {
      const { bytes, operations, originalSize } = await encoded(slotOf(dataOf(kind, TEXT), chain));
      expect(operations).toEqual(parseOperations(chain));
      expect(await decoded(bytes, operations)).toEqual(TEXT);
      expect(originalSize).toBe(TEXT.length);
      if (chain === "raw") expect(bytes).toEqual(TEXT);
      else expect(bytes.length).toBeLessThan(TEXT.length / 10);
    },
  );

  test.each(KINDS)("%s without a chain is zstd, and nothing stays nothing", async (kind) => {
    for (const content of [TEXT, new Uint8Array()]) {
      const { bytes, operations, originalSize } = await encoded(slotOf(dataOf(kind, content)));
      expect(operations).toEqual(["ZSTD"]);
      expect(await decoded(bytes, operations)).toEqual(content);
      expect(originalSize).toBe(content.length);
    }
  });

  test("any bytes, in pieces of any size", async () => {
    const chain = fc.constantFrom(undefined, "raw", "gzip", "zstd", "bzip2|gzip");
    const content = fc.uint8Array({ maxLength: 3000 }).map((value) => new Uint8Array(value));
    await fc.assert(
      fc.asyncProperty(content, fc.integer({ min: 1, max: 600 }), chain, async (bytes, size, operations) => {
        const slot = slotOf({ kind: "stream", stream: inPieces(bytes, size) }, operations);
        const result = await encoded(slot);
        expect(await decoded(result.bytes, operationsOf(slot))).toEqual(bytes);
        expect(result.originalSize).toBe(bytes.length);
      }),
      { numRuns: 60 },
    );
  });

  test("the level reaches the codec, and changes no content", async () => {
    const content = utf8(noise(100_000).toHex());
    const sizes = [];
    for (const level of [1, 9]) {
      const { bytes, operations } = await encoded(ofBytes(content, "gzip"), level);
      expect(await decoded(bytes, operations)).toEqual(content);
      sizes.push(bytes.length);
    }
    expect(sizes[1]).toBeLessThan(sizes[0]!);
  });

  test("the package itself has no bytes", async () => {
    expect(await encoded(selfSlot("self"))).toEqual({
      operations: [],
      permissions: 0o644,
      bytes: new Uint8Array(),
      originalSize: 0,
    });
  });
});

describe("a folder", () => {
  beforeEach(() => {
    mkdirSync(at("tree/sub"), { recursive: true });
    writeFileSync(at("tree/a"), "a");
    writeFileSync(at("tree/sub/b.log"), "b");
  });

  test.each([
    ["a", ["a/", "a/a", "a/sub/", "a/sub/b.log"]],
    ["a/b", ["b/", "b/a", "b/sub/", "b/sub/b.log"]],
    ["a/b/ü ü", ["ü ü/", "ü ü/a", "ü ü/sub/", "ü ü/sub/b.log"]],
    ["", ["a", "sub/", "sub/b.log"]],
  ])("for %j has its last part on top", async (target, names) => {
    const result = await encoded(treeSlot("it", at("tree"), { target }));
    expect(result.operations).toEqual(["TAR", "ZSTD"]);
    const archive = await decoded(result.bytes, result.operations);
    expect((await namesIn(archive)).map((name) => name.replace(/\/$/, ""))).toEqual(
      names.map((name) => name.replace(/\/$/, "")),
    );
    expect(result.originalSize).toBe(archive.length);
  });

  test.each(["tar", "tgz", "tar|bzip2", "tar|xz", "tar|gzip|zstd"])("can be %s", async (chain) => {
    const result = await encoded(treeSlot("t", at("tree"), { operations: parseOperations(chain) }));
    expect(await namesIn(await decoded(result.bytes, result.operations))).toHaveLength(4);
  });

  test("has what its rules let in", async () => {
    const data = {
      kind: "tree",
      root: at("tree"),
      include: [],
      exclude: ["**/*.log"],
      mtimes: "zero",
    } as const;
    const { bytes, operations } = await encoded(slotOf(data, undefined, { target: "" }));
    expect(await namesIn(await decoded(bytes, operations))).toEqual(["a", "sub/"]);
  });

  test.each(["raw", "gzip", "gzip|zstd"])("with %s is refused: it needs tar", async (chain) => {
    const error = await failureOf(() =>
      encodeSlot(treeSlot("t", at("tree"), { operations: parseOperations(chain) })),
    );
    expect(error).toMatchObject({
      code: "build-failed",
      message: `Cannot pack slot "t": a folder needs tar, its operations are "${chain}"`,
      hint: 'for example "tar|zstd"',
    });
  });
});

describe("an archive that is not packed", () => {
  test.each(KINDS.flatMap((kind) => ["tar", "tar|zstd", "tgz"].map((chain) => [kind, chain] as const)))(
    "as %s is packed by %s",
    async (kind, chain) => {
      const { bytes, operations, originalSize } = await encoded(slotOf(dataOf(kind, ARCHIVE), chain));
      expect(await decoded(bytes, operations)).toEqual(ARCHIVE);
      expect(originalSize).toBe(ARCHIVE.length);
    },
  );

  test("what is none is refused, and its stream closed", async () => {
    for (const chain of ["tar", "tgz", "tar|zstd"]) {
      const { state, stream } = watched(TEXT, 100);
      const error = await failureOf(() => encodeSlot(slotOf({ kind: "stream", stream }, chain)));
      expect(error).toMatchObject({
        code: "build-failed",
        message: `Cannot pack slot "it": "${formatOperations(parseOperations(chain))}" needs a folder or a tar archive`,
        hint: "name a folder as its source",
      });
      expect(state.isClosed).toBe(true);
      expect(state.drawn).toBeLessThan(1000);
    }
  });

  test("a file for the workenv itself needs a name or a chain", async () => {
    const slot = slotOf({ kind: "bytes", bytes: ARCHIVE }, undefined, { target: "" });
    const error = await failureOf(() => encodeSlot(slot));
    expect([error.code, error.message]).toEqual([
      "build-failed",
      'Cannot pack slot "it": a file cannot become the workenv itself',
    ]);
    expect((await encoded({ ...slot, operations: ["TAR"] })).bytes).toEqual(ARCHIVE);
  });
});

describe("a file that is encoded already", () => {
  const FILES: readonly [string, Bytes][] = [
    ["gzip", TEXT],
    ["bzip2", TEXT],
    ["xz", TEXT],
    ["zstd", TEXT],
    ["gzip|zstd", TEXT],
    ["xz|gzip", TEXT],
    ["tgz", ARCHIVE],
    ["tar|bzip2", ARCHIVE],
    ["tar|zstd", ARCHIVE],
    ["tar|gzip|xz", ARCHIVE],
    ["gzip", new Uint8Array()],
    ["tgz", new Uint8Array(10240)],
  ];

  test.each(KINDS.flatMap((kind) => FILES.map(([chain, content]) => [kind, chain, content] as const)))(
    "as %s is stored as it is: %s",
    async (kind, chain, content) => {
      const file = await as(chain, content);
      const { bytes, originalSize } = await encoded(slotOf(dataOf(kind, file), chain));
      expect(bytes).toEqual(file);
      expect(originalSize).toBe(content.length);
    },
  );

  test("of several megabytes, which nothing holds whole", async () => {
    const content = noise(12 * 1024 * 1024);
    for (const chain of ["gzip", "zstd"]) {
      const file = await as(chain, content);
      const { state, stream } = watched(file);
      const result = await encodeSlot(slotOf({ kind: "stream", stream }, chain));
      let passed = 0;
      let ahead = 0;
      for await (const piece of result.stored) {
        passed += piece.length;
        ahead = Math.max(ahead, state.drawn - passed);
      }
      expect([passed, result.originalSize()]).toEqual([file.length, content.length]);
      expect(ahead).toBeLessThan(1024 * 1024);
    }
  });

  test.each<[string, string, () => Promise<Bytes>]>([
    [
      "megabytes of entries without bodies",
      "tar",
      async () =>
        rawArchive(...Array.from({ length: 5000 }, (_, i) => ({ name: `empty/${i}`, body: "" })), {
          name: "last",
          body: "x".repeat(3_000_000),
        }),
    ],
    [
      "megabytes that a decoder skips",
      "zstd",
      async () => {
        const skipped = noise(5_000_000);
        const head = new Uint8Array([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
        new DataView(head.buffer).setUint32(4, skipped.length, true);
        const frame = await as("zstd", noise(3_000_000));
        return concat([frame, head, skipped, frame]);
      },
    ],
  ])("is not mixed up by %s", async (_, chain, make) => {
    const file = await make();
    const { stored } = await encodeSlot(slotOf(dataOf("file", file), chain));
    const hash = new Bun.CryptoHasher("sha256");
    // Each piece is used up before the next one is asked for, as the writer of a package does it.
    for await (const piece of stored) hash.update(piece);
    expect(hash.digest("hex")).toBe(new Bun.CryptoHasher("sha256").update(file).digest("hex"));
  });

  test.each(["gzip", "bzip2", "xz", "zstd"])("comes out as it was without a chain: %s", async (chain) => {
    const file = await as(chain, TEXT);
    const { bytes, operations, originalSize } = await encoded(ofBytes(file));
    expect(await decoded(bytes, operations)).toEqual(file);
    expect(originalSize).toBe(file.length);
  });

  test("of another form than its last operation is content like any other", async () => {
    const file = await as("gzip", TEXT);
    for (const chain of ["zstd", "gzip|zstd", "raw"]) {
      const { bytes, operations } = await encoded(ofBytes(file, chain));
      expect(await decoded(bytes, operations)).toEqual(file);
    }
  });
});

const flipped = (bytes: Bytes, position: number): Bytes => {
  const copy = bytes.slice();
  copy[position] = copy[position]! ^ 0xff;
  return copy;
};

const MIB = 1024 * 1024;

/** Long enough that whoever feeds a decoder has to wait for it. */
const LARGE = 4 * MIB;

describe("a file that only begins as if it was encoded", () => {
  const DAMAGED: readonly [string, string, () => Promise<Bytes>][] = [
    [
      "damaged in front",
      "gzip",
      async () => concat([utf8("\u001f"), Uint8Array.of(0x8b, 8, 0xff), noise(LARGE)]),
    ],
    ["damaged behind its head", "tgz", async () => flipped(await as("tgz", ARCHIVE), 30)],
    ["damaged in the middle", "gzip", async () => flipped(await as("gzip", noise(LARGE)), LARGE / 2)],
    ["cut short", "gzip", async () => (await as("gzip", noise(LARGE))).slice(0, -9)],
    ["cut after its head", "zstd", async () => (await as("zstd", TEXT)).slice(0, 10)],
    ["cut short", "zstd", async () => (await as("zstd", noise(LARGE))).slice(0, LARGE / 2)],
    ["cut short", "xz", async () => (await as("xz", noise(MIB))).slice(0, MIB / 2)],
    ["damaged", "bzip2", async () => flipped(await as("bzip2", noise(MIB)), 100)],
    ["followed by much else", "gzip", async () => concat([await as("gzip", TEXT), noise(LARGE)])],
    ["followed by zeros", "gzip", async () => concat([await as("gzip", TEXT), new Uint8Array(LARGE)])],
    ["followed by much else", "zstd", async () => concat([await as("zstd", TEXT), noise(LARGE)])],
    ["followed by much else", "xz", async () => concat([await as("xz", TEXT), noise(LARGE)])],
    ["followed by much else", "bzip2", async () => concat([await as("bzip2", TEXT), noise(LARGE)])],
    ["of another inner form", "gzip|zstd", async () => as("zstd", noise(LARGE))],
    ["no archive inside", "tgz", async () => as("gzip", TEXT)],
    ["no archive inside", "tar|xz", async () => as("xz", TEXT)],
    ["an archive cut short inside", "tgz", async () => as("gzip", ARCHIVE.slice(0, 3000))],
    ["an archive cut short", "tar", async () => ARCHIVE.slice(0, 3000)],
  ];

  test.each(DAMAGED)(
    "%s (%s) is a failed build that says so, and closes its input",
    async (_, chain, make) => {
      const { state, stream } = watched(await make());
      const slot = slotOf({ kind: "stream", stream }, chain);
      const error = await failureOf(() => encoded(slot));
      expect(error).toMatchObject({
        code: "build-failed",
        message: `Cannot pack slot "it": it begins like "${formatOperations(operationsOf(slot))}", but is not such a file`,
        hint: expect.stringContaining("damaged?"),
      });
      expect(state.isClosed).toBe(true);
    },
  );

  test.each(["tgz", "tar|zstd", "tar|zstd|gzip"])(
    "nor is an archive that breaks off encoded as %s: nobody has to blame the disk",
    async (chain) => {
      const { state, stream } = watched(ARCHIVE.slice(0, 3000));
      expect(await failureOf(() => encoded(slotOf({ kind: "stream", stream }, chain)))).toMatchObject({
        code: "build-failed",
        message: 'Cannot pack slot "it": it begins like "tar", but is not such a file',
        hint: expect.stringContaining("damaged?"),
        cause: expect.objectContaining({ code: "archive-invalid" }),
      });
      expect(state.isClosed).toBe(true);
    },
  );

  test("the reason is kept", async () => {
    const cut = (await as("gzip", TEXT)).slice(0, 50);
    const { cause } = await failureOf(() => encoded(ofBytes(cut, "gzip")));
    expect(cause).toMatchObject({ code: "codec-failed" });
  });

  test("any damage is found or does no harm", async () => {
    const file = await as("tgz", ARCHIVE);
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), async (position, flip) => {
        const other = file.slice();
        other[position] = other[position]! ^ flip;
        try {
          const { bytes } = await encoded(ofBytes(other, "tgz"));
          expect(await decoded(bytes, ["GZIP"])).toEqual(ARCHIVE);
        } catch (error) {
          if (!(error instanceof PspfError)) throw error;
          expect(error.code).toBe("build-failed");
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe("an input that breaks", () => {
  const GONE = new PspfError("io-failed", "Cannot read it: it is gone");
  async function* breaking(bytes: Bytes, after: number): ByteStream {
    yield* inPieces(bytes.slice(0, after), 1000);
    throw GONE;
  }
  const file = as("gzip", noise(LARGE));

  test.each([
    ["before it began", 0],
    ["in its head", 100],
    ["soon", 2000],
    ["late", LARGE - 1000],
  ])("%s is that very failure, whether it was encoded already or not", async (_, after) => {
    for (const chain of ["gzip", "zstd", "raw"]) {
      const stream = breaking(await file, after);
      const error = await failureOf(() => encoded(slotOf({ kind: "stream", stream }, chain)));
      expect(error).toBe(GONE);
    }
  });
});

test.each([
  ["gzip", () => as("gzip", noise(LARGE))],
  // frames are made ahead, of at most 64 MiB
  ["zstd", async () => new Uint8Array(96 * 1024 * 1024)],
  ["raw", async () => noise(LARGE)],
])("a reader that leaves closes the input (%s)", async (chain, content) => {
  const bytes = await content();
  const { state, stream } = watched(bytes);
  const { stored } = await encodeSlot(slotOf({ kind: "stream", stream }, chain));
  for await (const _ of stored) break;
  expect(state.isClosed).toBe(true);
  expect(state.drawn).toBeLessThan(bytes.length);
});

const canCount = process.platform === "linux";
if (!canCount) process.stderr.write("skipped: open files of refused slots, only Linux lists them\n");
test.skipIf(!canCount)("no file stays open, whether it was packed or refused", async () => {
  const open = () => readdirSync("/proc/self/fd").length;
  const before = open();
  for (let i = 0; i < 20; i++) {
    await failureOf(() => encodeSlot(slotOf(dataOf("file", TEXT), "tgz")));
    await encoded(slotOf(dataOf("file", TEXT), "gzip"));
  }
  expect(open()).toBeLessThan(before + 10);
});

const posix = process.platform !== "win32";
if (!posix) process.stderr.write("skipped: modes of files, Windows has none\n");

describe("permissions", () => {
  test.skipIf(!posix).each([
    [0o755, 0o755],
    [0o644, 0o644],
    [0o600, 0o644],
    [0o700, 0o755],
    [0o100, 0o755],
    [0o655, 0o644],
    [0o4755, 0o755],
  ])("of a file with %o are %o", async (mode, permissions) => {
    writeFileSync(at("f"), "x");
    chmodSync(at("f"), mode);
    const data = { kind: "file", path: at("f") } as const;
    expect((await encodeSlot(slotOf(data))).permissions).toBe(permissions);
    expect((await encodeSlot(slotOf(data, "raw", { permissions: 0o640 }))).permissions).toBe(0o640);
  });

  test("of everything else are 0644, unless they are given", async () => {
    mkdirSync(at("tree"));
    for (const slot of [ofBytes(TEXT), selfSlot("s"), treeSlot("t", at("tree"))]) {
      expect((await encodeSlot(slot)).permissions).toBe(0o644);
      expect((await encodeSlot({ ...slot, permissions: 0 })).permissions).toBe(0);
    }
  });
});

test.each(["lz4", "gzip|tar", "zip_store"])("%s is refused before anything is read", async (chain) => {
  const { state, stream } = watched(TEXT);
  const error = await failureOf(() => encodeSlot(slotOf({ kind: "stream", stream }, chain)));
  expect([error.code, state.drawn]).toEqual(["operation-unsupported", 0]);
});
