import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromBytes } from "../../format/codecs/streams.ts";
import { writeParts, writeTar } from "../../format/tar/write-tar.ts";
import type { Bytes } from "../../format/types.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { frameFile, frameParts } from "../frame-content.ts";
import { contentComparer } from "./same-content.ts";
import type { InputEntry, SlotWork } from "./slot-work.ts";
import { noise } from "./testing.ts";

let dir: ReturnType<typeof tempDir>;
let entries: readonly InputEntry[];
beforeEach(() => {
  dir = tempDir();
  entries = Array.from({ length: 9 }, (_, i) => {
    const [path, size] = [`f${i}`, 1_200_000];
    writeFileSync(at(path), noise(size, i));
    return { path, kind: "file", mode: 0o644, size, mtime: 0, absolute: at(path) };
  });
});
afterEach(() => dir[Symbol.dispose]());
const at = (name: string) => join(dir.path, name);

const NOWHERE = { path: "", stats: { mtimeMs: 0, ino: 0 } };
const work = (): SlotWork => ({
  kind: "tree",
  recipe: { operations: ["TAR", "ZSTD"], level: 1, mtimes: "zero" },
  source: NOWHERE,
  entries,
  listedAt: 0,
  content: () => writeTar(entries),
});

async function stored(): Promise<string> {
  const path = at(`stored-${crypto.randomUUID()}`);
  for await (const piece of frameParts(writeParts(entries), { level: 1 }).stored) appendFileSync(path, piece);
  return path;
}

/** What `act` gives, and how many frames were decoded meanwhile. */
async function countingFrames<T>(act: () => Promise<T>): Promise<{ readonly result: T; frames: number }> {
  const decoding = spyOn(Bun, "zstdDecompress");
  try {
    return { result: await act(), frames: decoding.mock.calls.length };
  } finally {
    decoding.mockRestore();
  }
}

test("of the same content, the frames of what may have changed are decoded", async () => {
  const path = await stored();
  const isOfContent = contentComparer(work());
  const looks = (changed: readonly InputEntry[]) => countingFrames(() => isOfContent(path, new Set(changed)));
  expect(await looks(entries.slice(5, 6))).toEqual({ result: true, frames: 1 });
  expect(await looks(entries)).toEqual({ result: true, frames: 3 });
});

test("of another content, no frame is decoded, and files are read once for all versions", async () => {
  const versions: string[] = [];
  for (const seed of [20, 21, 22]) {
    writeFileSync(at("f5"), noise(1_200_000, seed));
    versions.push(await stored());
  }
  writeFileSync(at("f5"), noise(1_200_000, 23));
  const isOfContent = contentComparer(work());
  const changed = new Set(entries.slice(5, 6));
  for (const [i, path] of versions.entries()) {
    expect(await countingFrames(() => isOfContent(path, changed))).toEqual({ result: false, frames: 0 });
    // as the next version has it: who read it again would find it there
    writeFileSync(at("f5"), noise(1_200_000, 21 + i));
  }
});

test("that a checksum is the same is not enough", async () => {
  const hash = spyOn(Bun.hash, "xxHash64");
  try {
    const path = await stored();
    const checksums = hash.mock.results.map(({ value }) => value as bigint);
    expect(checksums).toHaveLength(3);
    writeFileSync(at("f5"), noise(1_200_000, 30));
    hash.mockReturnValue(checksums[1] as bigint);
    const comparing = countingFrames(() => contentComparer(work())(path, new Set(entries.slice(5, 6))));
    expect(await comparing).toEqual({ result: false, frames: 1 });
  } finally {
    hash.mockRestore();
  }
});

test("a long file has several frames, which are compared together", async () => {
  const size = 9 * 1024 * 1024;
  const long = { path: "g", kind: "file", mode: 0o644, size, mtime: 0, absolute: at("g") } as const;
  entries = [...entries, long];
  writeFileSync(at("g"), noise(size, 40));
  const path = await stored();
  const isSame = () => contentComparer(work())(path, new Set([long]));
  expect(await isSame()).toBe(true);
  const other = noise(size, 40);
  other[size - 1]! ^= 1;
  writeFileSync(at("g"), other);
  expect(await isSame()).toBe(false);
});

test("so are the frames of a slot that is one file", async () => {
  const content = noise(9 * 1024 * 1024, 50);
  const path = at("stored-file");
  for await (const piece of frameFile(fromBytes(content)).stored) appendFileSync(path, piece);
  const comparing = (now: Bytes) => {
    const file: SlotWork = {
      kind: "file",
      recipe: { operations: ["ZSTD"], level: undefined, mtimes: "zero" },
      source: NOWHERE,
      entries: [],
      listedAt: 0,
      content: () => fromBytes(now),
    };
    return countingFrames(() => contentComparer(file)(path, new Set()));
  };
  expect(await comparing(content)).toEqual({ result: true, frames: 3 });
  const other = content.slice();
  other[other.length - 1]! ^= 1;
  expect(await comparing(other)).toMatchObject({ result: false });
  expect(await comparing(content.slice(0, -1))).toMatchObject({ result: false });
});
