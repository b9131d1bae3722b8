import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { failureOf } from "../../tests/support/failure.ts";
import { FORMAT_VERSION, INDEX_SIZE, TRAILER_SIZE } from "../spec.ts";
import type { Bytes } from "../types.ts";
import { adler32 } from "./hashes.ts";
import {
  checkIndex,
  decodeIndex,
  encodeIndex,
  INDEX_BLOCK,
  indexChecksum,
  overlap,
  type RawIndex,
  span,
} from "./index-block.ts";
import { packageIdIn } from "./package-id.ts";

const byte = fc.nat(0xff);
const word = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 0x7fffffff, 0xffffffff));
const long = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
);
const blob = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((value) => new Uint8Array(value));

const anyIndex: fc.Arbitrary<RawIndex> = fc.record({
  formatVersion: word,
  indexChecksum: word,
  packageSize: long,
  launcherSize: long,
  metadataOffset: long,
  metadataSize: long,
  slotTableOffset: long,
  slotTableSize: long,
  slotCount: word,
  flags: word,
  publicKey: blob(32),
  metadataChecksum: blob(32),
  signature: blob(64),
  signatureRest: blob(448),
  accessMode: byte,
  cacheStrategy: byte,
  codecHint: byte,
  encryptionHint: byte,
  pageSize: word,
  maxMemory: long,
  minMemory: long,
  cpuFeatures: long,
  gpuRequirements: long,
  numaHints: long,
  streamChunkSize: word,
  buildTimestamp: long,
  buildMachine: blob(32),
  sourceHash: blob(32),
  dependencyHash: blob(32),
  licenseId: blob(16),
  provenanceUri: blob(8),
  capabilities: long,
  requirements: long,
  extensions: long,
  compatibility: word,
  protocolVersion: word,
  futureCrypto: blob(512),
  packageId: blob(8),
});

describe("the layout", () => {
  test("gives every field its place", () => {
    expect(INDEX_BLOCK.offsets).toEqual({
      formatVersion: 0,
      indexChecksum: 4,
      packageSize: 8,
      launcherSize: 16,
      metadataOffset: 24,
      metadataSize: 32,
      slotTableOffset: 40,
      slotTableSize: 48,
      slotCount: 56,
      flags: 60,
      publicKey: 64,
      metadataChecksum: 96,
      signature: 128,
      signatureRest: 192,
      accessMode: 640,
      cacheStrategy: 641,
      codecHint: 642,
      encryptionHint: 643,
      pageSize: 644,
      maxMemory: 648,
      minMemory: 656,
      cpuFeatures: 664,
      gpuRequirements: 672,
      numaHints: 680,
      streamChunkSize: 688,
      padding: 692,
      buildTimestamp: 704,
      buildMachine: 712,
      sourceHash: 744,
      dependencyHash: 776,
      licenseId: 808,
      provenanceUri: 824,
      capabilities: 832,
      requirements: 840,
      extensions: 848,
      compatibility: 856,
      protocolVersion: 860,
      futureCrypto: 864,
      packageId: 1376,
      rest: 1384,
    });
  });

  test("survives being written and read, with all 64 bits", () => {
    fc.assert(
      fc.property(anyIndex, (index) => expect(INDEX_BLOCK.decode(INDEX_BLOCK.encode(index))).toEqual(index)),
    );
  });
});

describe("the checksum", () => {
  test("is filled in by encodeIndex, over the block with its own four bytes as zero", () => {
    fc.assert(
      fc.property(anyIndex, (index) => {
        const block = encodeIndex(index);
        const { indexChecksum: stored, ...rest } = decodeIndex(block);
        const zeroed = block.slice();
        zeroed.fill(0, 4, 8);
        expect(stored).toBe(adler32(zeroed));
        expect(stored).toBe(indexChecksum(block));
        const { indexChecksum: _, ...given } = index;
        expect(rest).toEqual(given);
      }),
    );
  });

  test("does not change the block that it is computed for", () => {
    const block = encodeIndex({ formatVersion: FORMAT_VERSION });
    const before = block.slice();
    indexChecksum(block);
    expect(block).toEqual(before);
  });

  test("of a block with nothing but the format version", () => {
    expect(indexChecksum(encodeIndex({ formatVersion: FORMAT_VERSION }))).toBe(0xdfce0047);
  });
});

/** Launcher 0..100, metadata 100..300, slot table 304..432, slots 432..1000, then the trailer. */
const FILE_SIZE = 1000 + TRAILER_SIZE;
const SOUND: Partial<RawIndex> = {
  formatVersion: FORMAT_VERSION,
  packageSize: BigInt(FILE_SIZE),
  launcherSize: 100n,
  metadataOffset: 100n,
  metadataSize: 200n,
  slotTableOffset: 304n,
  slotTableSize: 128n,
  slotCount: 2,
};
const sound = (fields: Partial<RawIndex> = {}): Bytes => encodeIndex({ ...SOUND, ...fields });

describe("the package id", () => {
  test("is what the builder left, as hex, or nothing", () => {
    const packageId = Uint8Array.fromHex("0123456789abcdef");
    expect(packageIdIn(sound({ packageId }))).toBe("0123456789abcdef");
    expect(packageIdIn(sound())).toBeUndefined();
  });
});

describe("checkIndex", () => {
  test("gives the ranges of a sound index", () => {
    const index = checkIndex(sound(), FILE_SIZE);
    expect(index).toEqual({
      raw: decodeIndex(sound()),
      fileSize: FILE_SIZE as never,
      launcher: { offset: 0 as never, size: 100 as never },
      metadata: { offset: 100 as never, size: 200 as never },
      slotTable: { offset: 304 as never, size: 128 as never },
      slotCount: 2,
    });
  });

  test.each([0n, 304n, 2n ** 64n - 1n])("without slots, a table at %p is nowhere", (slotTableOffset) => {
    const index = checkIndex(sound({ slotCount: 0, slotTableSize: 0n, slotTableOffset }), FILE_SIZE);
    expect(index.slotTable.size as number).toBe(0);
  });

  const max = 2n ** 64n - 1n;
  test.each([
    [
      "another version",
      { formatVersion: 0x20250002 },
      "unsupported-version",
      "0x20250002: this program reads 0x20250001",
    ],
    ["no version", { formatVersion: 0 }, "unsupported-version", "0x0"],
    [
      "a smaller package",
      { packageSize: BigInt(FILE_SIZE - 1) },
      "layout-invalid",
      `has ${FILE_SIZE - 1} bytes, the file has ${FILE_SIZE}`,
    ],
    ["a package of 2^64-1 bytes", { packageSize: max }, "layout-invalid", `has ${max} bytes`],
    ["a launcher of 2^53 bytes", { launcherSize: 2n ** 53n }, "value-out-of-range", "launcher_size"],
    [
      "a launcher that reaches into the metadata",
      { launcherSize: 101n },
      "layout-invalid",
      "metadata would lie at 100..300, outside of 101..1000",
    ],
    ["a launcher larger than the file", { launcherSize: 100_000n }, "layout-invalid", "metadata would lie"],
    ["metadata in front of the launcher's end", { metadataOffset: 99n }, "layout-invalid", "99..299"],
    ["metadata at 2^53", { metadataOffset: 2n ** 53n }, "value-out-of-range", "the offset of metadata"],
    ["metadata at 2^64-1", { metadataOffset: max }, "value-out-of-range", "the offset of metadata"],
    ["metadata behind the end", { metadataOffset: 1001n }, "layout-invalid", "1001..1201"],
    [
      "metadata that reaches into the trailer",
      { metadataSize: 901n },
      "layout-invalid",
      "100..1001, outside of 100..1000",
    ],
    [
      "metadata whose end wraps around",
      { metadataOffset: 2n ** 53n - 1n, metadataSize: 2n ** 53n - 1n },
      "layout-invalid",
      "outside",
    ],
    ["metadata of 2^64-1 bytes", { metadataSize: max }, "value-out-of-range", "the size of metadata"],
    ["no metadata", { metadataSize: 0n }, "layout-invalid", "there is no metadata"],
    [
      "4097 slots",
      { slotCount: 4097, slotTableSize: 4097n * 64n },
      "layout-invalid",
      "4097 slots, at most 4096",
    ],
    [
      "2^32-1 slots",
      { slotCount: 0xffffffff, slotTableSize: 64n * 0xffffffffn },
      "layout-invalid",
      "4294967295 slots",
    ],
    [
      "a table with a byte too much",
      { slotTableSize: 129n },
      "layout-invalid",
      "a table of 2 slots cannot have 129 bytes",
    ],
    ["a table with a slot too few", { slotTableSize: 64n }, "layout-invalid", "2 slots cannot have 64 bytes"],
    ["a table of no bytes", { slotTableSize: 0n }, "layout-invalid", "2 slots cannot have 0 bytes"],
    ["a table without slots", { slotCount: 0 }, "layout-invalid", "0 slots cannot have 128 bytes"],
    ["a table at 2^53", { slotTableOffset: 2n ** 53n }, "value-out-of-range", "the offset of the slot table"],
    [
      "a table in the launcher",
      { slotTableOffset: 0n },
      "layout-invalid",
      "the slot table would lie at 0..128",
    ],
    ["a table that reaches into the trailer", { slotTableOffset: 873n }, "layout-invalid", "873..1001"],
    [
      "a table on top of the metadata",
      { slotTableOffset: 200n },
      "layout-invalid",
      "metadata and slot table overlap",
    ],
    ["a table one byte into the metadata", { slotTableOffset: 299n }, "layout-invalid", "overlap"],
  ] as const)("refuses %s", async (_, fields, code, state) => {
    const error = await failureOf(() => checkIndex(sound(fields), FILE_SIZE));
    expect(error.code).toBe(code);
    expect(error.message).toContain(state);
  });

  test("refuses more metadata than a MiB can be compressed to, before anything is read", async () => {
    const fileSize = 4 * 1024 * 1024;
    const large = (metadataSize: bigint) =>
      sound({ packageSize: BigInt(fileSize), metadataSize, slotCount: 0, slotTableSize: 0n });
    expect(checkIndex(large(1_049_600n), fileSize).metadata.size as number).toBe(1_049_600);
    const error = await failureOf(() => checkIndex(large(1_049_601n), fileSize));
    expect(error.message).toContain("its metadata has 1049601 bytes, too many");
  });

  test("notices any change of any byte", async () => {
    const block = sound();
    const anyByte = fc.nat(INDEX_SIZE - 1);
    await fc.assert(
      fc.asyncProperty(anyByte, fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const damaged = block.with(at, (block[at] as number) ^ flip) as Bytes;
        const error = await failureOf(() => checkIndex(damaged, FILE_SIZE));
        // Go's checksum leaves out four bytes of the size, which is compared with the file.
        expect(error.code).toBe(at >= 12 && at < 16 ? "layout-invalid" : "index-damaged");
      }),
      { numRuns: 500 },
    );
  });

  test("noise is refused, whatever it is", async () => {
    await fc.assert(
      fc.asyncProperty(anyIndex, fc.nat(), async (index, fileSize) => {
        const error = await failureOf(() => checkIndex(encodeIndex(index), fileSize));
        expect(error.exitCode).toBe(102);
      }),
    );
  });

  test("no ranges are accepted that do not lie inside the file, apart from each other", () => {
    const near = fc.bigInt({ min: 0n, max: 1200n });
    const fields = fc.record({
      launcherSize: fc.bigInt({ min: 0n, max: 400n }),
      metadataOffset: near,
      metadataSize: near,
      slotTableOffset: near,
      slotCount: fc.nat(16),
    });
    let accepted = 0;
    fc.assert(
      fc.property(fields, (given) => {
        const block = sound({ ...given, slotTableSize: BigInt(given.slotCount * 64) });
        let index: ReturnType<typeof checkIndex>;
        try {
          index = checkIndex(block, FILE_SIZE);
        } catch {
          return;
        }
        accepted++;
        for (const { offset, size } of [index.metadata, index.slotTable]) {
          expect(offset).toBeGreaterThanOrEqual(index.launcher.size);
          expect(offset + size).toBeLessThanOrEqual(1000);
        }
        expect(overlap(index.metadata, index.slotTable) && index.slotCount > 0).toBeFalse();
      }),
      { numRuns: 3000, seed: 2025 },
    );
    expect(accepted).toBeGreaterThan(20);
  });
});

describe("a package of 4 GiB and more", () => {
  const fileSize = 2 ** 32 + 100_000;
  const fields = { packageSize: BigInt(fileSize) };

  /** As FlavorPack's Go builder sums it: the upper half of package_size taken as zero. */
  const byGo = (size: number): Bytes => {
    const block = sound({ packageSize: BigInt(size) });
    const summed = block.slice();
    summed.fill(0, 4, 8);
    summed.fill(0, 12, 16);
    new DataView(block.buffer).setUint32(4, adler32(summed), true);
    return block;
  };

  test("is accepted with the right checksum", () => {
    expect(checkIndex(sound(fields), fileSize).fileSize as number).toBe(fileSize);
  });

  test("is accepted with the checksum of FlavorPack's Go builder, which is another one", () => {
    expect(byGo(fileSize)).not.toEqual(sound(fields));
    expect(checkIndex(byGo(fileSize), fileSize).fileSize as number).toBe(fileSize);
  });

  test("is refused with any third checksum", async () => {
    const block = byGo(fileSize);
    block[4] = (block[4] as number) ^ 1;
    expect((await failureOf(() => checkIndex(block, fileSize))).code).toBe("index-damaged");
  });

  test("is refused where Go's checksum hides another upper half of the size", async () => {
    const block = byGo(fileSize);
    block[12] = (block[12] as number) ^ 1;
    const error = await failureOf(() => checkIndex(block, fileSize));
    expect(error.message).toContain(`the index says the package has ${fileSize - 2 ** 32} bytes`);
  });

  test("below 4 GiB both checksums are the same", () => {
    expect(byGo(FILE_SIZE)).toEqual(sound());
  });
});

describe("span and overlap", () => {
  test("a span may fill its room to the last byte, and be empty at its end", () => {
    expect(span("x", 10n, 90n, 10, 100)).toEqual({ offset: 10 as never, size: 90 as never });
    expect(span("x", 100n, 0n, 10, 100)).toEqual({ offset: 100 as never, size: 0 as never });
  });

  test.each([
    [9n, 1n],
    [10n, 91n],
    [101n, 0n],
    [0n, 0n],
  ])("a span at %p of %p bytes leaves 10..100", async (offset, size) => {
    const error = await failureOf(() => span("x", offset, size, 10, 100));
    expect(error.message).toBe(
      `Cannot trust the layout: x would lie at ${offset}..${offset + size}, outside of 10..100`,
    );
  });

  test("two ranges overlap exactly when they have a byte in common", () => {
    const range = fc.record({ offset: fc.nat(12), size: fc.integer({ min: 1, max: 8 }) });
    const bytesOf = ({ offset, size }: { offset: number; size: number }) =>
      new Set(Array.from({ length: size }, (_, i) => offset + i));
    fc.assert(
      fc.property(range, range, (a, b) => {
        expect(overlap(a as never, b as never)).toBe(!bytesOf(a).isDisjointFrom(bytesOf(b)));
      }),
    );
  });
});
