import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { failureOf } from "../../tests/support/failure.ts";
import { type ByteSource, memorySource, openFileSource, streamRange, threadedSource } from "./byte-source.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "byte-source-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const CONTENT = Uint8Array.from({ length: 300 }, (_, i) => i % 251);

function sources(): readonly (readonly [string, ByteSource & Partial<Disposable>])[] {
  const path = join(dir, "file");
  writeFileSync(path, CONTENT);
  const file = openFileSource(path);
  return [
    ["file", openFileSource(path)],
    ["file, by threads", { ...threadedSource(file), [Symbol.dispose]: file[Symbol.dispose] }],
    ["memory", memorySource(CONTENT.slice(), "a name")],
  ];
}

test("files and memory give the same bytes for every range", async () => {
  for (const [, source] of sources()) {
    using _source = { [Symbol.dispose]: () => source[Symbol.dispose]?.() };
    expect(source.size).toBe(300);
    await fc.assert(
      fc.asyncProperty(fc.nat(300), fc.nat(300), async (at, length) => {
        fc.pre(at + length <= 300);
        expect(await source.read(at, length)).toEqual(CONTENT.slice(at, at + length));
      }),
    );
  }
});

test.each([
  [0, 301],
  [300, 1],
  [301, 0],
  [-1, 1],
  [0, -1],
  [0.5, 1],
  [0, Number.NaN],
  [2 ** 53, 1],
  [Number.MAX_SAFE_INTEGER, 1],
])("bytes that are not there are an error: %d, %d", async (at, length) => {
  for (const [, source] of sources()) {
    using _source = { [Symbol.dispose]: () => source[Symbol.dispose]?.() };
    const failure = await failureOf(() => source.read(at, length));
    expect(failure).toMatchObject({
      code: "io-failed",
      exitCode: 106,
      message: expect.stringContaining(source.name),
    });
  }
});

test("what a reader gets is its own: changing it changes nothing", async () => {
  for (const [, source] of sources()) {
    using _source = { [Symbol.dispose]: () => source[Symbol.dispose]?.() };
    (await source.read(0, 10)).fill(99);
    expect(await source.read(0, 10)).toEqual(CONTENT.slice(0, 10));
  }
});

test("a file that shrinks while it is open is an error, not an endless loop", async () => {
  const path = join(dir, "shrinks");
  writeFileSync(path, CONTENT);
  using source = openFileSource(path);
  truncateSync(path, 100);
  for (const each of [source, threadedSource(source)])
    expect((await failureOf(() => each.read(0, 300))).code).toBe("io-failed");
});

describe("no source is", () => {
  test("what is not there", async () => {
    const path = join(dir, "nowhere");
    const failure = await failureOf(() => openFileSource(path));
    expect(failure).toMatchObject({
      code: "io-failed",
      message: `Cannot open ${path}`,
      hint: expect.stringContaining("spelling"),
    });
  });
  test("a folder", async () => {
    mkdirSync(join(dir, "folder"));
    expect((await failureOf(() => openFileSource(join(dir, "folder")))).code).toBe("io-failed");
  });
  test.skipIf(process.platform === "win32")("a device", async () => {
    const failure = await failureOf(() => openFileSource("/dev/zero"));
    expect((failure.cause as Error).message).toBe("it is not a regular file");
  });
});

test.skipIf(process.platform !== "linux")("nothing stays open, also when opening fails", async () => {
  const { readdirSync } = await import("node:fs");
  const open = () => readdirSync("/proc/self/fd").length;
  mkdirSync(join(dir, "folder"));
  const before = open();
  for (let i = 0; i < 20; i++) {
    await failureOf(() => openFileSource(join(dir, "folder")));
    using _source = openFileSource(import.meta.path);
  }
  expect(open()).toBe(before);
});

describe("a range in pieces", () => {
  const MIB = 1024 * 1024;
  test.each([
    [0, 0, []],
    [5, 10, [10]],
    [0, MIB, [MIB]],
    [1, 2 * MIB + 5, [MIB, MIB, 5]],
  ])("from %d, %d bytes: %j", async (at, length, sizes) => {
    const bytes = new Uint8Array(3 * MIB).map((_, i) => i % 253);
    const pieces = await Array.fromAsync(streamRange(memorySource(bytes), at, length));
    expect(pieces.map((piece) => piece.length)).toEqual(sizes);
    expect(Buffer.concat(pieces).equals(bytes.slice(at, at + length))).toBe(true);
  });

  test("reads nothing before it is asked, and no more than is asked", async () => {
    let reads = 0;
    const source = {
      name: "counting",
      size: 5 * MIB,
      read: async (_: number, length: number) => {
        reads++;
        return new Uint8Array(length);
      },
    };
    const stream = streamRange(source, 0, 5 * MIB)[Symbol.asyncIterator]();
    expect(reads).toBe(0);
    await stream.next();
    expect(reads).toBe(1);
  });

  test("that pass by lie in the same memory, and are the same bytes", async () => {
    const content = new Uint8Array(2 * MIB + 5).map((_, i) => (i * 31) >> 3);
    const path = join(dir, "long");
    writeFileSync(path, content);
    using file = openFileSource(path);
    const buffers = new Set<ArrayBuffer>();
    const seen: number[] = [];
    for await (const piece of streamRange(file, 3, content.length - 3, "passing")) {
      const from = 3 + seen.length * MIB;
      expect(Buffer.compare(piece, content.subarray(from, from + piece.length))).toBe(0);
      buffers.add(piece.buffer);
      seen.push(piece.length);
    }
    expect([seen, buffers.size]).toEqual([[MIB, MIB, 2], 1]);
  });

  test("ends with the error of the read that failed", async () => {
    expect(
      (await failureOf(() => Array.fromAsync(streamRange(memorySource(CONTENT.slice()), 200, 200)))).code,
    ).toBe("io-failed");
  });
});
