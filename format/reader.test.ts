import { describe, expect, test } from "bun:test";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GOLDEN_NAMES, GOLDEN_SIGNER, type GoldenName, goldenBytes, goldenPath } from "../tests/golden/golden.ts";
import { failureOf } from "../tests/support/failure.ts";
import { forgePackage, indexOf, withFlip, withIndex, withSlot } from "../tests/support/forged.ts";
import { fileSlot, packageBytes, selfSlot, utf8 } from "../tests/support/packages.ts";
import { failingAt, recording } from "../tests/support/sources.ts";
import { tempDir } from "../tests/support/temp-dir.ts";
import { type ByteSource, memorySource, openFileSource } from "./io/byte-source.ts";
import { openPackage, readSlot, type Slot } from "./reader.ts";
import { sealOf, signerOf } from "./seal/package-seal.ts";
import { TRAILER_SIZE } from "./spec.ts";
import type { Bytes } from "./types.ts";
import { adler32, sha256Hex } from "./wire/hashes.ts";
import type { RawIndex } from "./wire/index-block.ts";
import type { RawSlot } from "./wire/slot-descriptor.ts";

const open = (bytes: Bytes) => openPackage(memorySource(bytes));
const refusal = (bytes: Bytes) => failureOf(() => open(bytes));

const SMALL = await packageBytes({
  slots: [
    fileSlot("first", "the first of the slots", { operations: [] }),
    fileSlot("second", "the second of the slots", { operations: ["GZIP"] }),
    selfSlot("me"),
  ],
});
const BARE = {
  format: "PSPF/2025",
  package: { name: "bare", version: "1" },
  slots: [],
  execution: { command: "true" },
};

describe("golden packages, field by field", () => {
  const FACTS: Record<GoldenName, Record<string, unknown>> = {
    go: {
      file: "736640bc32b4e7055ed6af119c06f976e8a8a56546d3ef1e412858d09ec89b33",
      size: 9442,
      head: "010025207d4452c5e22400000000000011000000000000001100000000000000dd02000000000000f002000000000000c0000000000000000300000000000000",
      metadata: [17, 733],
      table: 752,
      json: [1790, "ed0f3c4c9a1a5ac56c2c0a3a"],
    },
    rust: {
      file: "ad738ec67288a310e5ef719a9318cecb51ade31d8a13b9838a735d87247f4066",
      size: 17746,
      head: "010025209b447ecc52450000000000001100000000000000112000000000000049030000000000006023000000000000c0000000000000000300000000000000",
      metadata: [8209, 841],
      table: 9056,
      json: [2106, "119a6315016071d8b9164d8d2a42fee84854ed9b2c7ddf336ff746c1fe54ebd6"],
    },
    python: {
      file: "f83b4bbf3aa751143e36ae9975eb0960b7a6cccca6a772f238f45e1e537b6e9e",
      size: 20530,
      head: "",
      metadata: [17, 859],
      table: 880,
      json: [2177, ""],
    },
  };

  test.each(GOLDEN_NAMES)("%s: where everything is", async (name) => {
    const bytes = goldenBytes(name);
    const facts = FACTS[name];
    const { index, json } = await open(bytes);
    const at = bytes.length - TRAILER_SIZE + 4;
    expect({
      file: sha256Hex(bytes),
      size: bytes.length,
      head: bytes.slice(at, at + 64).toHex(),
      metadata: [index.metadata.offset, index.metadata.size],
      table: index.slotTable.offset,
      json: [json.length, sha256Hex(json)],
    } as unknown).toEqual(facts);
  });
});
