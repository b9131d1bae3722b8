import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { buildFacts } from "../../builder/build-facts.ts";
import { EXIT_CODES } from "../../format/errors.ts";
import { memorySource } from "../../format/io/byte-source.ts";
import { INDEX_SIZE, TRAILER_END, TRAILER_SIZE, TRAILER_START } from "../../format/spec.ts";
import type { Bytes } from "../../format/types.ts";
import { verifyPackage } from "../../format/verify.ts";
import { INDEX_BLOCK, indexChecksum } from "../../format/wire/index-block.ts";
import { decodeSlotTable } from "../../format/wire/slot-descriptor.ts";
import { frameIndex } from "../../format/wire/trailer.ts";
import { indexOf, withIndex } from "../support/forged.ts";
import { fileSlot, packageBytes, selfSlot, treeSlot } from "../support/packages.ts";
import { tempDir } from "../support/temp-dir.ts";
import { GOLDEN_NAMES, type GoldenName, goldenBytes } from "./golden.ts";

/*
 * Damage: single bytes of whole packages are changed, and each change must be found out. Nothing but a refusal as a
 * package (102) or of its integrity (107) will do; an error that is not ours would fail the test by itself.
 */

const OURS = "flavor";
const NAMES = [OURS, ...GOLDEN_NAMES] as const;
type Name = typeof OURS | GoldenName;

/** One slot of each kind: compressed and not, archives, and the package itself. */
async function ourPackage(): Promise<Bytes> {
  using dir = tempDir();
  mkdirSync(join(dir.path, "sub"));
  writeFileSync(join(dir.path, "a.txt"), "setting=1\n");
  writeFileSync(join(dir.path, "sub", "b.txt"), "other=2\n");
  return await packageBytes({
    about: { build: buildFacts("linux-x64") },
    slots: [
      fileSlot("raw", "sixteen bytes or more", { operations: [], permissions: 0o755 }),
      selfSlot("me"),
      treeSlot("conf", dir.path),
      treeSlot("old", dir.path, { operations: ["TAR", "GZIP"] }),
      fileSlot("note", "this note was compressed\n"),
      fileSlot("twice", "this note was compressed twice\n", { operations: ["BZIP2", "XZ"] }),
    ],
  });
}

const packages = new Map<Name, Bytes>();
beforeAll(async () => {
  packages.set(OURS, await ourPackage());
  for (const name of GOLDEN_NAMES) packages.set(name, goldenBytes(name));
});
afterAll(() => packages.clear());
const packageOf = (name: Name): Bytes => packages.get(name) as Bytes;

type Range = readonly [from: number, to: number];

/** Where the parts of a package lie, from its own index: the package is sound, as the first test below shows. */
function partsOf(pkg: Bytes) {
  const raw = indexOf(pkg);
  const [metadata, table] = [Number(raw.metadataOffset), Number(raw.slotTableOffset)];
  const slots = decodeSlotTable(pkg.slice(table, table + Number(raw.slotTableSize)))
    .filter(({ size }) => size > 0n)
    .map(({ offset, size }): Range => [Number(offset), Number(offset + size)]);
  const trailer = pkg.length - TRAILER_SIZE;
  const index = trailer + 4;
  const used: readonly Range[] = [
    [0, Number(raw.launcherSize)],
    [metadata, metadata + Number(raw.metadataSize)],
    [table, table + Number(raw.slotTableSize)],
    ...slots,
    [trailer, trailer],
  ];
  const padding = used.slice(1).map(([from], i): Range => [(used[i] as Range)[1], from]);
  return {
    launcher: [used[0] as Range],
    metadata: [used[1] as Range],
    "slot table": [used[2] as Range],
    slots,
    padding: padding.filter(([from, to]) => to > from),
    markers: [
      [trailer, index],
      [pkg.length - 4, pkg.length],
    ] as readonly Range[],
    index: [[index, index + INDEX_BLOCK.offsets.rest]] as readonly Range[],
    reserved: [[index + INDEX_BLOCK.offsets.rest, pkg.length - 4]] as readonly Range[],
  };
}

const positionsIn = (ranges: readonly Range[]): readonly number[] =>
  ranges.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i));

/** The same positions in each run: the ends of every range, and some between them. */
function sampleOf(ranges: readonly Range[], count: number): readonly number[] {
  const ends = ranges.flatMap(([from, to]) =>
    [from, from + 1, to - 2, to - 1].filter((at) => at >= from && at < to),
  );
  const between = fc.sample(fc.constantFrom(...positionsIn(ranges)), { numRuns: count, seed: 20250001 });
  return [...new Set([...ends, ...between])];
}

/** What a reader says of the package with one byte changed. */
async function verdictOn(pkg: Bytes, at: number, flip: number): Promise<string> {
  const damaged = pkg.slice();
  damaged[at] = (damaged[at] as number) ^ flip;
  const { checks } = await verifyPackage(memorySource(damaged));
  const failed = checks.find((check) => !check.ok);
  if (failed?.code === undefined) return "passes";
  const exitCode = EXIT_CODES[failed.code];
  return exitCode === 102 || exitCode === 107 ? "refused" : `${exitCode}: ${failed.detail}`;
}

async function escapes(
  pkg: Bytes,
  positions: readonly number[],
  flips: readonly number[],
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const at of positions)
    for (const flip of flips) {
      const verdict = await verdictOn(pkg, at, flip);
      if (verdict !== "refused") found.push(`byte ${at} xor ${flip}: ${verdict}`);
    }
  return found;
}

describe.each(NAMES)("%s", (name) => {
  test("is sound before it is damaged, and its parts are all there is", async () => {
    const pkg = packageOf(name);
    const { checks } = await verifyPackage(memorySource(pkg));
    expect(checks.filter((check) => !check.ok)).toEqual([]);
    const parts = Object.values(partsOf(pkg)).flat();
    expect(parts.reduce((sum, [from, to]) => sum + to - from, 0)).toBe(pkg.length);
  });

  test.each([
    ["markers", [0x01, 0x80, 0xff]],
    ["index", [0x01, 0x80, 0xff]],
    ["reserved", [0x10]],
    ["metadata", [0x01, 0x80, 0xff]],
    ["slot table", [0x01, 0x80, 0xff]],
    ["slots", [0x01, 0x80]],
  ] as const)(
    "every byte of its %s",
    async (part, flips) => {
      const pkg = packageOf(name);
      const positions = positionsIn(partsOf(pkg)[part]);
      expect(positions.length).toBeGreaterThan(7);
      expect(await escapes(pkg, positions, flips)).toEqual([]);
    },
    30_000,
  );

  test("a sample of its padding", async () => {
    const pkg = packageOf(name);
    expect(await escapes(pkg, sampleOf(partsOf(pkg).padding, 60), [0x01, 0x80])).toEqual([]);
  });

  test("every byte of its launcher, if its checksum is signed", async () => {
    const pkg = packageOf(name);
    const positions = positionsIn(partsOf(pkg).launcher);
    const found = await escapes(pkg, positions, [0x01]);
    // FlavorPack's Go builder writes no checksum of its launcher into the metadata.
    expect(found.length).toBe(name === "go" ? positions.length : 0);
  });

  test("every byte of its reserved space, with a checksum that fits again", async () => {
    const pkg = packageOf(name);
    const { padding, rest } = INDEX_BLOCK.offsets;
    const trailer = pkg.length - TRAILER_SIZE;
    const escaped: number[] = [];
    for (const at of [padding, padding + 11, rest, rest + 3000, INDEX_SIZE - 1]) {
      const block = pkg.slice(trailer + TRAILER_START.length, -TRAILER_END.length);
      block[at] = 1;
      new DataView(block.buffer).setUint32(INDEX_BLOCK.offsets.indexChecksum, indexChecksum(block), true);
      const forged = new Uint8Array([...pkg.slice(0, trailer), ...frameIndex(block)]);
      const { checks } = await verifyPackage(memorySource(forged));
      if (!checks.some((check) => check.detail.includes("space that is reserved"))) escaped.push(at);
    }
    expect(escaped).toEqual([]);
  });

  test("every field of its index, with a checksum that fits again, but for what others hint at", async () => {
    const pkg = packageOf(name);
    const { indexChecksum: _, ...fields } = indexOf(pkg);
    const free: string[] = [];
    for (const [field, value] of Object.entries(fields)) {
      const verdicts = await Promise.all(
        [0, 1].map(async (end) => {
          const { checks } = await verifyPackage(
            memorySource(withIndex(pkg, { [field]: changed(value, end) })),
          );
          return checks.every((check) => check.ok);
        }),
      );
      if (verdicts.includes(true)) free.push(field);
    }
    expect(free).toEqual(name === OURS ? [] : FREE_FIELDS);
  });
});

/** What nothing depends on, whoever reads it: hints of which only our own packages are known to have no others. */
const FREE_FIELDS = [
  "flags",
  "accessMode",
  "cacheStrategy",
  "codecHint",
  "encryptionHint",
  "pageSize",
  "maxMemory",
  "minMemory",
  "cpuFeatures",
  "gpuRequirements",
  "numaHints",
  "streamChunkSize",
  "buildTimestamp",
  "buildMachine",
  "sourceHash",
  "dependencyHash",
  "licenseId",
  "provenanceUri",
  "capabilities",
  "requirements",
  "extensions",
  "compatibility",
  "protocolVersion",
  "futureCrypto",
];

/** A field's value with one bit changed, at its lower or at its upper end. */
function changed(value: number | bigint | Bytes, end: number): number | bigint | Bytes {
  if (typeof value === "bigint") return value ^ (1n << BigInt(end * 63));
  if (typeof value === "number") return value ^ (1 << (end * 7));
  const at = end * (value.length - 1);
  return value.with(at, (value[at] as number) ^ 1) as Bytes;
}
