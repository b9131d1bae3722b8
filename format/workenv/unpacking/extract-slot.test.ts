import { describe, expect, test, spyOn } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { failureOf } from "../../../tests/support/failure.ts";
import { fileSlot, packageBytes } from "../../../tests/support/packages.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { memorySource } from "../../io/byte-source.ts";
import { openTreeWriter } from "../../io/tree-writer.ts";
import { openPackage, type Slot } from "../../reader.ts";
import { extractSlot, fileTarget, placement } from "./extract-slot.ts";

describe("where an archive's entries go", () => {
  test.each([
    ["lib/app", ["app", "app/x", "app/y/z"], ["lib/app", "lib/app/x", "lib/app/y/z"]],
    ["app", ["app", "app/x"], ["app", "app/x"]],
    ["a/b/c", ["c/x", "other"], ["a/b/c/x", "a/b/other"]],
    ["lib/app", ["x", "app/y"], ["x", "app/y"]],
    ["lib/app", ["application/x"], ["application/x"]],
    ["conf", ["a.txt"], ["a.txt"]],
    ["", ["app/x", "bin/y"], ["app/x", "bin/y"]],
    ["lib/app", [".", "app/x"], [".", "lib/app/x"]],
  ])("target %j: %j become %j", (target, names, places) => {
    expect(names.map(placement(target))).toEqual(places);
  });
});

test.each([
  ["bin/tool", "tool", "bin/tool"],
  ["", "tool", "slot_3_tool"],
  ["", "a/../b", "slot_3_a_.._b"],
])("one file with target %j and id %j goes to %j", (target, id, path) => {
  expect(fileTarget({ entry: { target, id, index: 3 } } as Slot)).toBe(path);
});

const LARGE = Buffer.alloc(2_500_000, "0123456789abcdef\n");

async function extracted(
  change: (slot: Slot) => Slot,
  content: Buffer | string = LARGE,
  operations = ["GZIP"] as const,
) {
  const bytes = await packageBytes({ slots: [fileSlot("it", content.toString(), { operations })] });
  const pkg = await openPackage(memorySource(bytes));
  using dir = tempDir();
  using writer = openTreeWriter(dir.path);
  await extractSlot(pkg.source, change(pkg.slots[0] as Slot), writer);
  return readFileSync(join(dir.path, "share/it"));
}
const withEntry = (change: Partial<Slot["entry"]>) => (slot: Slot) => ({
  ...slot,
  entry: { ...slot.entry, ...change },
});

test("a file comes out as it went in", async () => {
  expect((await extracted((slot) => slot)).equals(LARGE)).toBe(true);
});

test.each([LARGE.length - 1, LARGE.length + 1, 0, 1_000_000])(
  "a file that does not have the %d bytes that were signed is refused",
  async (originalSize) => {
    const failure = await failureOf(() => extracted(withEntry({ originalSize })));
    expect(failure).toMatchObject({
      code: "archive-invalid",
      exitCode: 103,
      message: expect.stringContaining("slot 0 (it)"),
    });
  },
);

test("a file that grows beyond what was signed is stopped there, not at its end", async () => {
  const bytes = await packageBytes({ slots: [fileSlot("it", LARGE.toString(), { operations: ["GZIP"] })] });
  const pkg = await openPackage(memorySource(bytes));
  using dir = tempDir();
  using writer = openTreeWriter(dir.path);
  const slot = withEntry({ originalSize: 1000 })(pkg.slots[0] as Slot);
  await failureOf(() => extractSlot(pkg.source, slot, writer));
  expect(readFileSync(join(dir.path, "share/it")).length).toBeLessThan(LARGE.length / 4);
});

test("a file of a builder that signs no size comes out, too", async () => {
  const without = (slot: Slot) => {
    const { originalSize: _, ...entry } = slot.entry;
    return { ...slot, entry };
  };
  expect((await extracted(without)).equals(LARGE)).toBe(true);
});

test("damage is named as such where the decoder stumbles over it, and where it does not", async () => {
  const checksum = "00".repeat(32) as NonNullable<Slot["entry"]["checksum"]>;
  for (const size of [LARGE.length, 1000])
    expect((await failureOf(() => extracted(withEntry({ checksum, originalSize: size })))).code).toBe(
      "slot-checksum-mismatch",
    );
});

test("an honest archive that cannot be unpacked is not called damaged, however large it is", async () => {
  const random = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000)));
  const large = Buffer.concat(Array.from({ length: 50 }, () => random)).toString("latin1");
  const bytes = await packageBytes({ slots: [fileSlot("it", large, { operations: [] })] });
  const pkg = await openPackage(memorySource(bytes));
  using dir = tempDir();
  using writer = openTreeWriter(dir.path);
  const slot = withEntry({ operations: ["TAR", "ZSTD"] })(pkg.slots[0] as Slot);
  expect((await failureOf(() => extractSlot(pkg.source, slot, writer))).code).toBe("codec-failed");
});

test("others in this thread get their turn while a large slot comes out", async () => {
  let elapsed = 0;
  const clock = spyOn(performance, "now").mockImplementation(() => (elapsed += 600));
  try {
    const bytes = await packageBytes({ slots: [fileSlot("it", LARGE.toString(), { operations: [] })] });
    const pkg = await openPackage(memorySource(bytes));
    using dir = tempDir();
    using writer = openTreeWriter(dir.path);
    let hadTurn = false;
    setImmediate(() => {
      hadTurn = true;
    });
    await extractSlot(pkg.source, pkg.slots[0] as Slot, writer);
    expect(hadTurn).toBe(true);
  } finally {
    clock.mockRestore();
  }
});
