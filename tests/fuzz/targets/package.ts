import { gunzipSync, gzipSync, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { memorySource } from "../../../format/io/byte-source.ts";
import {
  FORMAT_VERSION,
  INDEX_SIZE,
  MAX_METADATA_SIZE,
  SLOT_DESCRIPTOR_SIZE,
  TRAILER_SIZE,
} from "../../../format/spec.ts";
import type { Bytes } from "../../../format/types.ts";
import { verifyPackage } from "../../../format/verify.ts";
import type { Check } from "../../../format/verifying/check.ts";
import { sha256 } from "../../../format/wire/hashes.ts";
import {
  checkIndex,
  decodeIndex,
  encodeIndex,
  type PackageIndex,
  span,
} from "../../../format/wire/index-block.ts";
import { parseMetadata } from "../../../format/wire/metadata.ts";
import { gunzipMetadata } from "../../../format/wire/metadata-block.ts";
import { packOperations, unpackOperations } from "../../../format/wire/operations.ts";
import { decodeSlotTable, encodeSlot } from "../../../format/wire/slot-descriptor.ts";
import { crc32 } from "../../../format/codecs/crc.ts";
import { readIndexBlock } from "../../../format/wire/read-index.ts";
import { frameIndex, unframeIndex } from "../../../format/wire/trailer.ts";
import { GOLDEN_NAMES, goldenBytes } from "../../golden/golden.ts";
import { forgePackage, indexOf } from "../../support/forged.ts";
import { must, steersTerminals, type Target } from "../target.ts";
import { anyBytes, edited, joined, jsonOf, utf8 } from "./material.ts";

const u64 = fc.oneof(fc.bigInt({ min: 0n, max: 20_000n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));

/** A layout that fits together, in which few fields or none are something else. */
const blocks: fc.Arbitrary<Bytes> = fc
  .tuple(
    fc.nat(5),
    fc.array(
      fc.tuple(
        fc.constantFrom(
          "packageSize",
          "launcherSize",
          "metadataOffset",
          "metadataSize",
          "slotTableOffset",
          "slotTableSize",
        ),
        u64,
      ),
      { maxLength: 2 },
    ),
    fc.oneof({ arbitrary: fc.constant(0), weight: 5 }, { arbitrary: fc.nat(), weight: 1 }),
  )
  .map(([slotCount, fields, more]) =>
    encodeIndex({
      formatVersion: FORMAT_VERSION,
      packageSize: 100_000n,
      launcherSize: 1000n,
      metadataOffset: 1000n,
      metadataSize: 500n,
      slotTableOffset: 1504n,
      slotTableSize: BigInt(slotCount * SLOT_DESCRIPTOR_SIZE),
      slotCount: slotCount + more,
      ...Object.fromEntries(fields),
    }),
  );

/** A block of the right length with a checksum that fits. */
function repairBlock(input: Bytes): Bytes {
  const block = new Uint8Array(INDEX_SIZE);
  block.set(input.subarray(0, INDEX_SIZE));
  return encodeIndex({ ...decodeIndex(block), formatVersion: FORMAT_VERSION });
}

const isInside = ({ offset, size }: PackageIndex["metadata"], from: number, to: number): boolean =>
  Number.isSafeInteger(offset + size) && offset >= from && offset + size <= to;

const index: Target = {
  name: "index",
  allowed: ["index-damaged", "unsupported-version", "layout-invalid", "value-out-of-range"],
  structured: blocks,
  repair: repairBlock,
  run(input) {
    const claimed = input.length === INDEX_SIZE ? decodeIndex(input).packageSize : 0n;
    // The size that it claims, so that the ranges are judged; a file of that size need not be there for it.
    const size = claimed < 2n ** 53n ? Number(claimed) : 100_000;
    const checked = checkIndex(input, size);
    const { launcher, metadata, slotTable, slotCount } = checked;
    must(
      isInside(metadata, launcher.size, size - TRAILER_SIZE),
      "metadata lies between launcher and trailer",
    );
    must(isInside(slotTable, launcher.size, size), "the slot table lies in the file");
    must(slotTable.size === slotCount * SLOT_DESCRIPTOR_SIZE, "the table has room for its slots");
    const again = decodeIndex(encodeIndex(checked.raw));
    // Go's way to compute the checksum is not ours.
    must(
      Bun.deepEquals({ ...again, indexChecksum: checked.raw.indexChecksum }, checked.raw),
      "encoding gives the same fields",
    );
    return `${slotCount > 0}`;
  },
};

const trailer: Target = {
  name: "trailer",
  allowed: ["not-a-package"],
  maxSize: 40 * 1024,
  tokens: ["\xf0\x9f\x93\xa6", "\xf0\x9f\xaa\x84"],
  structured: fc
    .tuple(
      anyBytes(40),
      blocks,
      fc.oneof(fc.constant(new Uint8Array(0)), anyBytes(40)),
      fc.integer({ min: 1, max: 2 }),
    )
    .map(([front, block, behind, times]) =>
      joined([
        ...Array(times)
          .fill([front, frameIndex(block)])
          .flat(),
        behind,
      ]),
    ),
  async run(input) {
    const block = await readIndexBlock(memorySource(input));
    must(block.length === INDEX_SIZE, "a block has its size");
    must(Bun.deepEquals(frameIndex(block), input.slice(-TRAILER_SIZE)), "it is the end of the file");
    return "";
  },
};

const slotTable: Target = {
  name: "slot-table",
  allowed: ["layout-invalid", "operation-unsupported", "value-out-of-range"],
  maxSize: 8 * SLOT_DESCRIPTOR_SIZE,
  structured: fc
    .array(
      fc.record({
        id: u64,
        offset: u64,
        size: u64,
        originalSize: u64,
        operations: fc.oneof(fc.constantFrom(0n, 1n, 0x1b01n, 0x10_01n), u64),
      }),
      { maxLength: 4 },
    )
    .map((slots) => joined(slots.map(encodeSlot))),
  run(input) {
    const slots = decodeSlotTable(input);
    must(slots.length === Math.floor(input.length / SLOT_DESCRIPTOR_SIZE), "every descriptor is a slot");
    for (const slot of slots) {
      span("a slot", slot.offset, slot.size, 0, 1_000_000);
      const chain = unpackOperations(slot.operations);
      must(packOperations(chain) === slot.operations, "operations are packed as they were");
    }
    return `${slots.length}`;
  },
};

const golden = GOLDEN_NAMES.map(goldenBytes);

const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);

/** One member whose footer fits what comes before it, if that can be inflated at all. */
function repairMember(input: Bytes): Bytes {
  const body = input.subarray(HEADER.length, -8);
  try {
    const json = new Uint8Array(inflateRawSync(body, { maxOutputLength: 2 * MAX_METADATA_SIZE }));
    const footer = new DataView(new ArrayBuffer(8));
    footer.setUint32(0, crc32(json), true);
    footer.setUint32(4, json.length, true);
    return joined([HEADER, body, new Uint8Array(footer.buffer)]);
  } catch {
    return joined([HEADER, input.subarray(HEADER.length)]);
  }
}

const DOCUMENTS = golden.map((pkg) => {
  const { metadataOffset, metadataSize } = indexOf(pkg);
  return new Uint8Array(gunzipSync(pkg.slice(Number(metadataOffset), Number(metadataOffset + metadataSize))));
});

const metadataBlock: Target = {
  name: "metadata-block",
  allowed: ["metadata-invalid"],
  structured: fc
    .tuple(
      fc.oneof(
        { arbitrary: fc.constantFrom(...DOCUMENTS), weight: 3 },
        { arbitrary: fc.oneof(fc.json().map(utf8), anyBytes(400)), weight: 1 },
      ),
      fc.integer({ min: 0, max: 9 }),
      fc.nat(5),
      fc.nat(1200),
    )
    .map(([json, level, more, times]) =>
      joined([
        gzipSync(more === 1 ? joined(Array(times).fill(json)) : json, { level: level as 0 }),
        ...(more === 2 ? [gzipSync(json)] : []),
        new Uint8Array(more === 3 ? 4 : 0),
      ]),
    ),
  repair: repairMember,
  async run(input) {
    const json = await gunzipMetadata(input);
    must(json.length <= MAX_METADATA_SIZE, "no more than the limit comes out");
    must(Bun.deepEquals(new Uint8Array(gunzipSync(input)), json), "zlib reads the same");
    // A megabyte fits into a few hundred bytes here: what reads it next must cope with that, too.
    return `${parseMetadata(json).slots.length}`;
  },
};

/** Sizes and checksums that fit whatever has become of the rest: what an attacker can always do. */
function repairPackage(input: Bytes): Bytes {
  const block = unframeIndex(input.slice(-TRAILER_SIZE));
  if (block === undefined) return input;
  const raw = decodeIndex(block);
  const [at, size] = [Number(raw.metadataOffset), Number(raw.metadataSize)];
  const metadata = input.slice(at, at + size);
  const fields = { packageSize: BigInt(input.length), metadataChecksum: sha256(metadata) };
  return joined([
    input.subarray(0, -TRAILER_SIZE),
    frameIndex(encodeIndex({ ...raw, ...fields, formatVersion: FORMAT_VERSION })),
  ]);
}

const wholePackage: Target = {
  name: "package",
  allowed: [],
  maxSize: 64 * 1024,
  structured: fc.constantFrom(...golden),
  repair: repairPackage,
  async run(input) {
    const { checks } = await verifyPackage(memorySource(input));
    checkWords(checks);
    return checks.map(({ name, code }) => `${name}:${code ?? "ok"}`).join(" ");
  },
};

/** Metadata that somebody has signed, whatever it says: everything behind the signature is met. */
const signed: Target = {
  name: "signed",
  allowed: [],
  structured: jsonOf(
    edited({
      format: "PSPF/2025",
      package: { name: "app", version: "1.0", description: "an application" },
      slots: [],
      execution: { primary_slot: 0, command: "true" },
      setup_commands: ["true"],
      build: {
        tool: "other",
        tool_version: "1",
        timestamp: "2026-01-01T00:00:00Z",
        platform: { os: "linux" },
      },
      launcher: { tool: "other", tool_version: "1", size: 17, checksum: `sha256:${"0".repeat(64)}` },
      verification: { integrity_seal: { required: true, algorithm: "ed25519", ephemeral: true } },
    }),
  ),
  tokens: ['"launcher":', '"build":', '"name":', "\\u001b[31m", "\\n", "flavor", "0x", "null"],
  async run(input) {
    const { checks } = await verifyPackage(memorySource(await forgePackage({ json: input })));
    checkWords(checks);
    const failed = checks.filter(({ ok }) => !ok).map(({ name, code }) => `${name}:${code}`);
    return failed[0] === "structure:metadata-invalid" ? undefined : failed.join(" ");
  },
};

function checkWords(checks: readonly Check[]): void {
  for (const { detail, hint = "" } of checks)
    must(
      !steersTerminals(detail) && !steersTerminals(hint),
      `what is said is one line: ${JSON.stringify(detail)}`,
    );
}

/** The parts of a package's file, and the whole. */
export const PACKAGE_TARGETS: readonly Target[] = [
  index,
  trailer,
  slotTable,
  metadataBlock,
  wholePackage,
  signed,
];
