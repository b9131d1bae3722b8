import { expect, test } from "bun:test";
import { memorySource } from "../format/io/byte-source.ts";
import { openPackage } from "../format/reader.ts";
import { TRAILER_END, TRAILER_SIZE } from "../format/spec.ts";
import type { Bytes } from "../format/types.ts";
import { GOLDEN_NAMES, GOLDEN_SIGNER, goldenBytes } from "../tests/golden/golden.ts";
import { fileSlot, packageBytes, STUB_LAUNCHER } from "../tests/support/packages.ts";
import { inspectPackage, type LayoutRow, layoutOfPackage } from "./inspect.ts";

const open = (bytes: Bytes) => openPackage(memorySource(bytes, "x.psp"));

test("an inspection says what the package says, and whether its seal holds", async () => {
  const bytes = await packageBytes({ slots: [fileSlot("note", "text")] });
  expect(await inspectPackage(await open(bytes))).toMatchObject({
    source: "x.psp",
    size: bytes.length,
    formatVersion: 0x20250001,
    packageId: expect.stringMatching(/^[0-9a-f]{16}$/),
    launcherSize: STUB_LAUNCHER.length,
    metadata: { package: { name: "small", version: "1.0.0" } },
    seal: "valid",
    key: expect.stringMatching(/^[0-9a-f]{64}$/),
    slots: [{ entry: { id: "note" } }],
  });
});

test.each(GOLDEN_NAMES)("the package of FlavorPack's %s builder is inspected", async (name) => {
  const { seal, key, slots } = await inspectPackage(await open(goldenBytes(name)));
  expect({ seal, key, count: slots.length }).toEqual({ seal: "valid", key: GOLDEN_SIGNER, count: 3 });
});

test("no byte of a slot is read", async () => {
  const bytes = await packageBytes({ slots: [fileSlot("note", "text"), fileSlot("more", "text")] });
  const memory = memorySource(bytes);
  const read: (readonly [from: number, to: number])[] = [];
  const pkg = await openPackage({
    ...memory,
    read: (at, length) => {
      read.push([at, at + length]);
      return memory.read(at, length);
    },
  });
  await inspectPackage(pkg);
  layoutOfPackage(pkg);
  const touched = pkg.slots.filter(({ stored }) =>
    read.some(([from, to]) => from < stored.offset + stored.size && stored.offset < to),
  );
  expect(read.length).toBeGreaterThan(0);
  expect(touched).toEqual([]);
});

test.each(GOLDEN_NAMES)("every row of the %s package's layout is where it says", async (name) => {
  const bytes = goldenBytes(name);
  const pkg = await open(bytes);
  const { index, slots } = layoutOfPackage(pkg);
  for (const row of [...index, ...slots.flat()])
    if (row.value !== undefined) expect(valueAt(bytes, row)).toEqual(row.value);
  expectGapless(index, bytes.length - TRAILER_SIZE + 4, bytes.length - TRAILER_END.length);
  slots.forEach((rows, i) => {
    const start = pkg.index.slotTable.offset + i * 64;
    expectGapless(rows, start, start + 64);
  });
});

function valueAt(bytes: Bytes, { at, size, value }: LayoutRow): number | string {
  const field = bytes.subarray(at, at + size);
  if (typeof value === "number") return field.reduceRight((sum, byte) => sum * 256 + byte, 0);
  // 64-bit fields are decimal, everything else is hex
  const hex = field.toHex();
  return size === 8 && value !== hex ? String(new DataView(bytes.buffer, at, 8).getBigUint64(0, true)) : hex;
}

function expectGapless(rows: readonly LayoutRow[], from: number, to: number): void {
  let at = from;
  for (const row of rows) {
    expect(row.at).toBe(at);
    at += row.size;
  }
  expect(at).toBe(to);
}
