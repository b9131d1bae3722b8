import { describe, expect, test, spyOn } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failureOf } from "../../../tests/support/failure.ts";
import { fileSlot, packageBytes } from "../../../tests/support/packages.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { type ByteSource, memorySource, openFileSource } from "../../io/byte-source.ts";
import { openTreeWriter } from "../../io/tree-writer.ts";
import { openPackage, type Slot } from "../../reader.ts";
import { paxRecord, rawArchive } from "../../tar/testing.ts";
import { sha256Hex } from "../../wire/hashes.ts";
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

describe("what no codec stands before", () => {
  /** The files that come of a slot, and into how many memories it was read. */
  async function fromFile(slot: ReturnType<typeof fileSlot>) {
    using dir = tempDir();
    writeFileSync(join(dir.path, "app.psp"), await packageBytes({ slots: [slot] }));
    using source = openFileSource(join(dir.path, "app.psp"));
    const pkg = await openPackage(source);
    const memories = new Set<unknown>();
    const read: ByteSource["read"] = (at, length, into) => {
      memories.add(into ?? {});
      return source.read(at, length, into);
    };
    using writer = openTreeWriter(join(dir.path, "out"));
    await extractSlot({ ...source, read }, pkg.slots[0] as Slot, writer);
    const files = [...new Bun.Glob("**").scanSync({ cwd: join(dir.path, "out"), dot: true })].toSorted();
    const contents = files.map((path) => [
      path,
      sha256Hex(new Uint8Array(readFileSync(join(dir.path, "out", path)))),
    ]);
    return { contents, memories: memories.size };
  }

  test("is a file, read into one memory", async () => {
    const { contents, memories } = await fromFile(fileSlot("it", LARGE.toString(), { operations: [] }));
    expect(contents).toEqual([["share/it", sha256Hex(new Uint8Array(LARGE))]]);
    expect(memories).toBe(1);
  });

  test("is an archive, whose headers and bodies lie across pieces", async () => {
    // Extended headers before each, at other places of a piece every time.
    const entries = Array.from({ length: 40 }, (_, i) => ({
      name: `it/${"ü".repeat(90)}-${i}`,
      body: String.fromCharCode(65 + (i % 26)).repeat(99_991 + 37 * i),
    }));
    const archive = rawArchive(
      ...entries.flatMap(({ name, body }) => [
        { name: "x", type: "x", body: paxRecord("path", name) },
        { name: "short", body },
      ]),
    );
    const slot = fileSlot("it", archive, { target: "it", operations: ["TAR"] });
    const { contents, memories } = await fromFile(slot);
    const wanted = entries.map(({ name, body }) => [name, sha256Hex(new TextEncoder().encode(body))]);
    expect(contents).toEqual(wanted.toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1)));
    expect(memories).toBe(1);
  });
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
