import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { memorySource } from "../format/io/byte-source.ts";
import { openPackage } from "../format/reader.ts";
import { keyPairFromText } from "../format/seal/keys.ts";
import { signWith } from "../format/seal/sign.ts";
import { contentSizeOf } from "../format/slot-limit.ts";
import type { Bytes, ByteStream } from "../format/types.ts";
import { parseOperations } from "../format/wire/operations.ts";
import { noteProgress } from "../tests/support/noted-progress.ts";
import { fileSlot, packageBytes, selfSlot, treeSlot } from "../tests/support/packages.ts";
import { tempDir } from "../tests/support/temp-dir.ts";

import { encodeSlot } from "./encode-slot.ts";
import { extractAll, extractContent, extractStored } from "./extract.ts";
import { parseManifest } from "./manifest/manifest.ts";
import { packManifest, type PackOptions } from "./pack.ts";
import type { SlotInput } from "./slot-input.ts";
import { sourceSizeOf } from "./source-size.ts";

// What long work tells of itself: bytes that add up to what was promised.

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
  mkdirSync(at("tree/empty"), { recursive: true });
  mkdirSync(at(`tree/${"long".repeat(20)}`));
  writeFileSync(at("tree/a"), "x".repeat(100_000));
  writeFileSync(at("tree/none"), "");
  writeFileSync(at(`tree/${"long".repeat(20)}/${"name".repeat(20)}`), "y");
  writeFileSync(at("tree/left-out.log"), "z".repeat(5000));
  symlinkSync("a", at("tree/link"));
  writeFileSync(at("file"), "f".repeat(3_000_000));
  writeFileSync(at("file.gz"), gzipSync(crypto.getRandomValues(new Uint8Array(60_000))));
});
afterEach(() => dir[Symbol.dispose]());
const at = (name: string) => join(dir.path, name);

const tree = (rest: Partial<SlotInput> = {}): SlotInput => ({
  ...treeSlot("tree", at("tree"), rest),
  data: { kind: "tree", root: at("tree"), include: [], exclude: ["*.log"], mtimes: "zero" },
});
const file = (name: string, rest: Partial<SlotInput> = {}) =>
  fileSlot(name, "", { data: { kind: "file", path: at(name) }, ...rest });

describe("packing tells of as many bytes as there are", () => {
  test.each<[string, () => SlotInput]>([
    ["a folder in frames", () => tree()],
    ["a folder in one stream", () => tree({ operations: parseOperations("tgz") })],
    ["a file", () => file("file")],
    ["a file as it is", () => file("file", { operations: [] })],
    ["a file that is encoded already", () => file("file.gz", { operations: parseOperations("gzip") })],
    ["bytes", () => fileSlot("it", "text")],
    ["the package itself", () => selfSlot("it")],
  ])("of %s", async (_, make) => {
    let told = 0;
    const slot = make();
    const { stored } = await encodeSlot(slot, {
      onBytes(count) {
        told += count;
      },
    });
    for await (const _ of stored);
    expect(sourceSizeOf([slot]) ?? 0).toBe(told);
    expect(told > 0).toBe(slot.data.kind !== "self");
  });

  test("of several slots together", () => {
    const one = sourceSizeOf([tree()]) as number;
    expect(sourceSizeOf([tree(), file("file")])).toBe(one + 3_000_000);
  });

  test("nobody knows how long a stream is, or what cannot be looked at", () => {
    const stream = (async function* (): ByteStream {})();
    expect(sourceSizeOf([file("file"), fileSlot("it", "", { data: { kind: "stream", stream } })])).toBe(
      undefined,
    );
    expect(sourceSizeOf([file("not-there")])).toBe(undefined);
  });
});

test("a pack tells of each of its steps, and of nothing while somebody signs", async () => {
  const { bar, steps } = noteProgress();
  let whileSigning: readonly boolean[] = [];
  const pair = keyPairFromText("test");
  const signer = {
    publicKey: pair.publicKey,
    sign: async (message: Bytes) => {
      whileSigning = steps.map(({ isOver }) => isOver);
      return signWith(pair.seed, message);
    },
  };
  writeFileSync(at("stub"), "#!/bin/sh\n");
  const [head, slot] = ['[package]\nname = "it"\nversion = "1"\n', '[[slots]]\nsource = "tree"\n'];
  const manifest = parseManifest(`${head}[execution]\ncommand = "x"\n${slot}`, at("flavor.toml"));
  const pack = (more: PackOptions) =>
    packManifest(manifest, { launcher: at("stub"), signer, platforms: ["linux-x64"], ...more });
  const [packed] = await pack({ progress: bar });
  const content = sourceSizeOf([{ data: treeSlot("tree", at("tree")).data, target: "tree" }]);
  const size = packed?.size as number;
  expect(steps).toEqual([
    { label: "packing it.psp", total: content, done: content as number, isOver: true },
    { label: "verifying it.psp", total: size, done: expect.any(Number), isOver: true },
  ]);
  // Seek tables are read twice.
  expect((steps[1]?.done as number) - size).toBeWithin(0, 100);
  expect(whileSigning).toEqual([true]);
  await pack({ progress: bar, verify: false });
  expect(steps.slice(2).map(({ label }) => label)).toEqual(["packing it.psp"]);
});

describe("extracting tells of", () => {
  const opened = async () => openPackage(memorySource(await packageBytes({ slots: [tree(), file("file")] })));

  test("a slot's content", async () => {
    const pkg = await opened();
    for (const slot of pkg.slots) {
      const { bar, steps } = noteProgress();
      bar.begin("it", () => contentSizeOf([slot]));
      await extractContent(pkg, slot, at(`out-${slot.entry.id}`), { onBytes: bar.add });
      expect(steps[0]?.total).toBeGreaterThan(100_000);
      expect(steps[0]?.done).toBe(steps[0]?.total as number);
    }
  });

  test("the bytes that are stored", async () => {
    const pkg = await opened();
    let told = 0;
    await extractStored(pkg, pkg.slots[0]!, at("out"), { onBytes: (count) => (told += count) });
    expect(told).toBe(pkg.slots[0]!.stored.size);
  });

  test("the content of all slots", async () => {
    const pkg = await opened();
    let told = 0;
    await extractAll(pkg, at("out"), { onBytes: (count) => (told += count) });
    expect(told).toBe(contentSizeOf(pkg.slots) as number);
  });
});

test("the size of slots is known only where all of them were signed with one", async () => {
  const { slots } = await openPackage(
    memorySource(await packageBytes({ slots: [fileSlot("a", "12345"), fileSlot("b", "678")] })),
  );
  const { originalSize: _, ...entry } = slots[1]!.entry;
  expect(contentSizeOf(slots)).toBe(8);
  expect(contentSizeOf([])).toBe(0);
  expect(contentSizeOf([slots[0]!, { ...slots[1]!, entry }])).toBe(undefined);
});
