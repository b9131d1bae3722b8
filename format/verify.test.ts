import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { GOLDEN_NAMES, GOLDEN_SIGNER, goldenBytes } from "../tests/golden/golden.ts";
import { forgePackage, withFlip, withIndex, withSlot } from "../tests/support/forged.ts";
import { fileSlot, packageBytes, STUB_LAUNCHER, selfSlot, utf8 } from "../tests/support/packages.ts";
import { failingAt, recording } from "../tests/support/sources.ts";
import { type ByteSource, memorySource } from "./io/byte-source.ts";
import { openPackage, type Slot } from "./reader.ts";
import { keyPairFromText } from "./seal/keys.ts";
import { signWith } from "./seal/sign.ts";
import { TRAILER_SIZE } from "./spec.ts";
import type { Bytes } from "./types.ts";
import { isValid, verifyPackage } from "./verify.ts";
import { FLAVOR } from "./wire/dialects.ts";
import { digestPrefix, sha256, sha256Hex } from "./wire/hashes.ts";
import { parseMetadata } from "./wire/metadata.ts";
import { gzipMetadata } from "./wire/metadata-block.ts";
import type { SlotEntry } from "./wire/metadata-types.ts";
import { encodeSlot } from "./wire/slot-descriptor.ts";

const SMALL = await packageBytes({
  slots: [
    fileSlot("raw", "the first of the slots", { operations: [] }),
    fileSlot("packed", "the second of the slots", { operations: ["GZIP"] }),
    selfSlot("me"),
  ],
});
const SIGNER = keyPairFromText("test");
const OPENED = await openPackage(memorySource(SMALL));

const verify = (bytes: Bytes, key?: Bytes) => verifyPackage(memorySource(bytes, "app.psp"), key);
const failures = async (bytes: Bytes, key?: Bytes) =>
  (await verify(bytes, key)).checks
    .filter((check) => !check.ok)
    .map(({ name, code, detail }) => `${name}: ${code}: ${detail}`);

describe("a sound package", () => {
  test("passes every check, each with what was found", async () => {
    const { checks, signer, package: pkg } = await verify(SMALL);
    const { slotTable, metadata } = OPENED.index;
    const [raw, packed] = OPENED.slots as [Slot, Slot, Slot];
    const padding =
      SMALL.length -
      TRAILER_SIZE -
      17 -
      metadata.size -
      slotTable.size -
      raw.stored.size -
      packed.stored.size;
    expect(checks.map(({ name, ok, detail }) => [name, ok, detail])).toEqual([
      ["trailer", true, "both markers, nothing behind them"],
      ["index", true, "format 0x20250001, checksum and size match"],
      ["metadata", true, `small 1.0.0, ${OPENED.json.length} bytes, checksum matches`],
      ["slot table", true, "3 slots, as the signed metadata says"],
      ["signature", true, `Ed25519, key ${SIGNER.publicKey.toHex()}`],
      ["gaps", true, `${padding} bytes of padding, all zero`],
      ["launcher", true, "stub 0, 17 bytes, SHA-256 matches"],
      ["slot 0", true, "raw: 22 bytes stored, SHA-256 matches, 22 bytes"],
      ["slot 1", true, `packed: ${packed.stored.size} bytes stored, SHA-256 matches, 23 bytes`],
      ["slot 2", true, "me: the package itself"],
    ]);
    expect(signer).toBe(SIGNER.publicKey.toHex());
    expect(pkg?.id).toBe(OPENED.id);
  });

  test("without slots, and without a checksum of its launcher", async () => {
    expect(isValid(await verify(await packageBytes()))).toBeTrue();
    const { checks } = await verify(goldenBytes("go"));
    expect(checks.find(({ name }) => name === "launcher")?.detail).toBe(
      "17 bytes; the metadata names no checksum",
    );
  });

  test.each(["own", "flavorpack"] as const)("with operations spelled %s", async (operations) => {
    const slots = [fileSlot("a", "some text", { operations: ["GZIP"] })];
    expect(await failures(await packageBytes({ slots, json: { operations } }))).toEqual([]);
  });

  test("counts the entries of an archive", async () => {
    const { checks } = await verify(goldenBytes("go"));
    expect(checks.find(({ name }) => name === "slot 1")?.detail).toBe(
      "conf: 137 bytes stored, SHA-256 matches, 2 entries",
    );
  });
});

describe("who signed", () => {
  test("by the trusted key passes, by another one does not", async () => {
    expect(await failures(SMALL, SIGNER.publicKey)).toEqual([]);
    expect(await failures(SMALL, Uint8Array.fromHex(GOLDEN_SIGNER))).toEqual([
      `signature: signature-invalid: signed by another key than the given one: ${SIGNER.publicKey.toHex()}`,
    ]);
  });

  test("signed again by somebody else: found out only with a trusted key", async () => {
    const thief = keyPairFromText("thief");
    const resigned = withIndex(SMALL, {
      publicKey: thief.publicKey,
      signature: signWith(thief.seed, OPENED.json),
    });
    expect(await failures(resigned)).toEqual([]);
    expect(await failures(resigned, SIGNER.publicKey)).toHaveLength(1);
  });

  const zeros = (length: number) => new Uint8Array(length);
  test.each([
    [
      "no key and no signature",
      { publicKey: zeros(32), signature: zeros(64) },
      "signature-missing",
      "the package is not signed",
    ],
    [
      "no signature",
      { signature: zeros(64) },
      "signature-invalid",
      "the signature does not match the metadata",
    ],
    ["no key", { publicKey: zeros(32) }, "signature-invalid", "the signature does not match the metadata"],
    [
      "somebody else's key",
      { publicKey: Uint8Array.fromHex(GOLDEN_SIGNER) },
      "signature-invalid",
      "the signature does not match the metadata",
    ],
    [
      "a signature of something else",
      { signature: signWith(SIGNER.seed, utf8("{}")) },
      "signature-invalid",
      "the signature does not match the metadata",
    ],
    [
      "something behind the signature",
      { signatureRest: zeros(448).fill(1, 447) },
      "signature-invalid",
      "the signature does not match the metadata",
    ],
  ] as const)("%s", async (_, fields, code, detail) => {
    expect(await failures(withIndex(SMALL, fields))).toEqual([`signature: ${code}: ${detail}`]);
  });
});

describe("what does not belong", () => {
  test("is found in every gap", async () => {
    const { metadata, slotTable } = OPENED.index;
    const gap = metadata.offset + metadata.size;
    expect(await failures(withFlip(SMALL, gap, 1))).toEqual([
      `gaps: layout-invalid: there is something between ${gap} and ${slotTable.offset} that belongs to no part`,
    ]);
    expect(await failures(withFlip(SMALL, slotTable.offset - 1, 1))).toHaveLength(1);
  });

  test("is found in the 8 KiB that FlavorPack's Rust builder leaves free", async () => {
    expect(await failures(withFlip(goldenBytes("rust"), 5000, 0x40))).toEqual([
      "gaps: layout-invalid: there is something between 17 and 8209 that belongs to no part",
    ]);
  });

  test("is found where a launcher is said to be shorter than it is", async () => {
    expect(await failures(withIndex(goldenBytes("go"), { launcherSize: 10n }))).toEqual([
      "gaps: layout-invalid: there is something between 10 and 17 that belongs to no part",
    ]);
  });
});

describe("the launcher", () => {
  test("must have the signed checksum", async () => {
    expect(await failures(withFlip(SMALL, 3, 1))).toEqual([
      "launcher: launcher-checksum-mismatch: its SHA-256 is not the signed one",
    ]);
  });

  test("must have the signed size", async () => {
    const [first] = await failures(withIndex(goldenBytes("rust"), { launcherSize: 18n }));
    expect(first).toBe(
      "structure: launcher-checksum-mismatch: Cannot trust the index: it has a launcher of 18 bytes, 17 were signed",
    );
  });
});

describe("slots", () => {
  const at = (slot: number) => (OPENED.slots[slot] as Slot).stored.offset as number;

  test("every damaged one is named, and the others are not", async () => {
    expect(await failures(withFlip(SMALL, at(0), 1))).toEqual([
      "slot 0: slot-checksum-mismatch: Cannot trust slot 0 (raw): its SHA-256 is not the signed one",
    ]);
    expect(await failures(withFlip(withFlip(SMALL, at(0), 1), at(1), 1))).toHaveLength(2);
  });

  test("a large one that breaks off decoding early is damaged, and nothing else is said of it", async () => {
    const noise = new Uint8Array(3_000_000).map((_, i) => Math.imul(i, 2654435761) >>> 24);
    const bytes = await packageBytes({ slots: [fileSlot("big", noise, { operations: ["GZIP"] })], level: 0 });
    const { stored } = (await openPackage(memorySource(bytes))).slots[0] as Slot;
    expect(stored.size).toBeGreaterThan(2 * 1024 * 1024);
    expect(await failures(bytes)).toEqual([]);
    expect(await failures(withFlip(bytes, stored.offset + 2, 0xff))).toEqual([
      "slot 0: slot-checksum-mismatch: Cannot trust slot 0 (big): its SHA-256 is not the signed one",
    ]);
  });

  test("one that tells another original size", async () => {
    expect(await failures(withSlot(SMALL, 1, { originalSize: 24n }))).toEqual([
      "structure: slot-table-mismatch: Cannot trust the slot table: slot 1: it unpacks to 24 bytes, 23 were signed",
    ]);
    // our own builder signs it, so that the stored size, which FlavorPack's builders write, will not do either
    const storedSize = BigInt((OPENED.slots[1] as Slot).stored.size);
    expect(await failures(withSlot(SMALL, 1, { originalSize: storedSize }))).toHaveLength(1);
  });

  test.each(GOLDEN_NAMES)("of the %s builder may tell the decoded size or the stored one", async (name) => {
    const pkg = goldenBytes(name);
    expect(await failures(withSlot(pkg, 2, { originalSize: 22n }))).toEqual([]);
    expect(await failures(withSlot(pkg, 2, { originalSize: 42n }))).toEqual([]);
    expect(await failures(withSlot(pkg, 2, { originalSize: 23n }))).toHaveLength(1);
  });

  const text = utf8("some text");
  const member = new Uint8Array(gzipSync(text));
  test.each([
    [
      "what its codec cannot decode",
      new Uint8Array([...member.slice(0, 10), 0xff, ...member.slice(11)]),
      "codec-failed",
    ],
    ["what breaks off", member.slice(0, -1), "codec-failed"],
    ["something behind its compressed data", new Uint8Array([...member, 7]), "codec-failed"],
    ["nothing at all", new Uint8Array(), "codec-failed"],
  ] as const)("one that holds %s, rightly signed", async (_, stored, code) => {
    const [failure, ...more] = await failures(await packageAround(stored));
    expect(failure).toStartWith(`slot 0: ${code}: `);
    expect(more).toEqual([]);
  });

  test("one that holds what it should, made by the same hand", async () => {
    expect(await failures(await packageAround(member))).toEqual([]);
  });
});

describe("the verdict", () => {
  test("reports everything that is wrong, not only the first", async () => {
    const { metadata } = OPENED.index;
    const gap = metadata.offset + metadata.size;
    const slot = (OPENED.slots[0] as Slot).stored.offset;
    const many = withIndex(withFlip(withFlip(withFlip(SMALL, 0, 1), gap, 1), slot, 1), {
      signature: new Uint8Array(64),
    });
    const { checks } = await verify(many);
    expect(checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual([
      "signature",
      "gaps",
      "launcher",
      "slot 0",
    ]);
    expect(isValid({ checks })).toBeFalse();
  });

  test("on what is no package is one check, with the problems in its detail", async () => {
    const result = await verify(utf8("hello"));
    expect(result).toEqual({
      checks: [
        {
          name: "structure",
          ok: false,
          detail: "Cannot read app.psp as a package: it has only 5 bytes",
          code: "not-a-package",
          hint: "was the download complete? nothing may be cut off or appended",
        },
      ],
    });
    expect(await failures(withSlot(SMALL, 0, { priority: 7 }))).toEqual([
      "structure: slot-table-mismatch: Cannot trust the slot table: it does not follow from the signed metadata; slot 0: priority is not what was signed",
    ]);
  });

  test("an index that was changed is said to be damaged", async () => {
    const at = SMALL.length - TRAILER_SIZE + 4 + 7000;
    expect((await failures(withFlip(SMALL, at, 1)))[0]).toStartWith("structure: index-damaged: ");
  });
});

describe("a source that fails", () => {
  test("at any of its reads is an input error in the verdict, and nothing else", async () => {
    const { source, reads } = recording(memorySource(SMALL));
    await verifyPackage(source);
    expect(reads.length).toBeGreaterThanOrEqual(6);
    for (let n = 0; n < reads.length; n++) {
      const { checks } = await verifyPackage(failingAt(n, memorySource(SMALL)));
      const failed = checks.filter(({ ok }) => !ok);
      expect(failed.map(({ code, detail }) => ({ code, detail }))).toEqual([
        { code: "io-failed", detail: "Cannot read memory: injected failure" },
      ]);
    }
  });

  test("with an error that is not ours is our bug, and is not swallowed", async () => {
    const broken: ByteSource = {
      ...memorySource(SMALL),
      read: () => Promise.reject(new RangeError("a bug")),
    };
    await expect(verifyPackage(broken)).rejects.toThrow(new RangeError("a bug"));
  });
});

/** A package that is signed and consistent, with one slot that holds these bytes and calls them gzip. */
async function packageAround(stored: Bytes): Promise<Bytes> {
  const text = {
    format: "PSPF/2025",
    package: { name: "odd", version: "1" },
    slots: [
      {
        slot: 0,
        id: "odd",
        source: "odd",
        target: "odd",
        size: stored.length,
        checksum: `sha256:${sha256Hex(stored)}`,
        operations: "gzip",
        purpose: "data",
        lifecycle: "runtime",
      },
    ],
    execution: { command: "true" },
  };
  const json = utf8(JSON.stringify(text));
  const block = await gzipMetadata(json);
  const table = STUB_LAUNCHER.length + block.length;
  const [entry] = parseMetadata(json).slots as [SlotEntry];
  const descriptor = encodeSlot({
    ...FLAVOR.describe(entry),
    offset: BigInt(table + 64),
    size: BigInt(stored.length),
    originalSize: BigInt(stored.length),
    checksum: digestPrefix(sha256(stored)),
  });
  return await forgePackage({
    json,
    block,
    rest: new Uint8Array([...descriptor, ...stored]),
    index: { slotCount: 1, slotTableOffset: BigInt(table), slotTableSize: 64n },
  });
}
