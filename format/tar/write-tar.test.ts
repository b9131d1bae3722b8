import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { extract, pack } from "tar-stream";
import type { Bytes, ByteStream } from "../types.ts";
import { sha256Hex } from "../wire/hashes.ts";
import { cutArchive } from "./cut-archive.ts";
import type { Contents } from "./file-contents.ts";
import { readTar } from "./read-tar.ts";
import { collect, concat, hasGnuTar, inPieces, outcome, run, tempDir } from "./testing.ts";
import type { TreeEntry } from "./tree-entry.ts";
import { writeParts, writeTar } from "./write-tar.ts";

const bytesOf = (text: string): Bytes => new Uint8Array(Buffer.from(text));

/** A tree that is nowhere: the files contain the lengths of their paths, and come in pieces of at most 1000 bytes. */
const textOf = ({ path, size }: TreeEntry) => String(path.length).repeat(size).slice(0, size);
const contents = (entry: TreeEntry): Contents => memoryContents(bytesOf(textOf(entry)), 1000);

const memoryContents = (bytes: Bytes, most = bytes.length): Contents => {
  let at = 0;
  return {
    read(into) {
      const piece = bytes.subarray(at, at + Math.min(most, into.length));
      into.set(piece);
      at += piece.length;
      return piece.length;
    },
    [Symbol.dispose]: () => {},
  };
};

const entry = (path: string, facts: Partial<TreeEntry> = {}): TreeEntry => ({
  path,
  kind: "file",
  mode: 0o644,
  size: 0,
  mtime: 0,
  absolute: `/nowhere/${path}`,
  ...facts,
});

const link = (path: string, linkName: string) => entry(path, { kind: "symlink", mode: 0o777, linkName });
const folder = (path: string, mode = 0o755) => entry(path, { kind: "directory", mode });

async function read(archive: ByteStream) {
  const seen: object[] = [];
  for await (const { offset: _, body, linkName, ...facts } of readTar(archive)) {
    const content = Buffer.from(await collect(body)).toString();
    seen.push({ ...facts, ...(linkName === "" ? {} : { linkName }), content });
  }
  return seen;
}

const expected = async (entries: readonly TreeEntry[], mtimes: "zero" | "keep") =>
  Promise.all(
    entries.map(async ({ absolute: _, path, ...facts }) => ({
      ...facts,
      name: facts.kind === "directory" ? `${path}/` : path,
      mtime: mtimes === "keep" ? facts.mtime : 0,
      content: facts.kind === "file" ? textOf(entry(path, facts)) : "",
    })),
  );

const part = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 130 })
  .map((text) => text.replaceAll(/[/\0]/g, "_"))
  .filter((text) => text !== "." && text !== "..");
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const mtime = fc.integer({ min: -(2 ** 33), max: 2 ** 36 });
const anyEntry = fc.oneof(
  fc
    .record({ path, mode: fc.nat(0o777), size: fc.nat(3000), mtime })
    .map(({ path, ...facts }) => entry(path, facts)),
  fc
    .record({ path, mode: fc.nat(0o777), mtime })
    .map(({ path, ...facts }) => entry(path, { ...facts, kind: "directory" })),
  fc
    .record({ path, linkName: path, mtime })
    .map(({ path, ...facts }) => entry(path, { ...facts, kind: "symlink", mode: 0o777 })),
);

describe("what is written", () => {
  test("is read again", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyEntry, { maxLength: 8 }),
        fc.constantFrom("zero", "keep"),
        async (entries, mtimes) => {
          expect(await read(writeTar(entries, { contents, mtimes }))).toEqual(
            await expected(entries, mtimes),
          );
        },
      ),
    );
  });

  test("is read by another reader", async () => {
    const early = anyEntry.map((made) => ({ ...made, mtime: Math.abs(made.mtime) % 2 ** 31 }));
    await fc.assert(
      fc.asyncProperty(fc.array(early, { maxLength: 8 }), async (entries) => {
        const reader = extract();
        reader.end(await collect(writeTar(entries, { contents, mtimes: "keep" })));
        const seen: object[] = [];
        for await (const source of reader) {
          const { name, type, mode, size, mtime, linkname } = source.header;
          const content = Buffer.from(await collect(source as AsyncIterable<Uint8Array>)).toString();
          const linkName = linkname ? { linkName: linkname } : {};
          seen.push({ name, kind: type, mode, size, mtime: mtime.getTime() / 1000, ...linkName, content });
        }
        expect(seen).toEqual(await expected(entries, "keep"));
      }),
      { numRuns: 50 },
    );
  });

  test("is the same every time and names no owner", async () => {
    const entries = [folder("d"), entry("d/a", { size: 9, mode: 0o6755, mtime: 1e9 }), link("l", "d/a")];
    const [one, two] = [
      await collect(writeTar(entries, { contents })),
      await collect(writeTar(entries, { contents })),
    ];
    expect(one).toEqual(two);
    for (let at = 0; at < 4 * 512; at += 512) {
      if (at === 1024) continue; // the body of d/a
      const header = Buffer.from(one.slice(at, at + 512)).toString("latin1");
      expect(header.slice(257, 265)).toBe("ustar\x00" + "00");
      if (at === 512) expect(header.slice(100, 107)).toBe("000755 ");
      expect(header.slice(108, 124)).toBe("000000 \x00" + "000000 \x00");
      expect(header.slice(136, 148)).toBe("00000000000 ");
      expect(header.slice(265, 329)).toBe("\0".repeat(64));
    }
    expect(one).toHaveLength(4 * 512 + 1024);
  });
});

describe("bodies", () => {
  test.each([
    ["fewer", 10, 9],
    ["more", 10, 11],
    ["some instead of none", 0, 1],
    ["none instead of some", 1, 0],
  ])("%s bytes than listed are an error", async (_, size, real) => {
    const entries = [entry("a", { size }), entry("b")];
    const wrong = () => memoryContents(new Uint8Array(real));
    expect(await outcome(() => collect(writeTar(entries, { contents: wrong })))).toBe("build-failed");
  });

  test.each([10, 100_000])(
    "an error while reading %d bytes is the error, and the file is closed",
    async (size) => {
      const cause = new Error("injected EIO");
      let closed = 0;
      const failing = (): Contents => ({
        read() {
          throw cause;
        },
        [Symbol.dispose]: () => void closed++,
      });
      const archive = collect(writeTar([entry("a", { size })], { contents: failing, sizes: SMALL }));
      expect(await archive.catch((error) => error)).toBe(cause);
      expect(closed).toBe(1);
    },
  );

  test("of large files are read no faster than they are taken, and let go of", async () => {
    let made = 0;
    let isClosed = false;
    const endless = (): Contents => ({
      read(into) {
        made++;
        return into.length;
      },
      [Symbol.dispose]() {
        isClosed = true;
      },
    });
    let taken = 0;
    for await (const piece of writeTar([entry("a", { size: 2 ** 40 })], { contents: endless })) {
      if (piece.length > 512) taken++;
      expect(made).toBe(taken);
      if (taken === 20) break;
    }
    expect(isClosed).toBeTrue();
    expect(taken).toBe(20);
  });

  test("come from the disk by default, and must be there", async () => {
    using dir = tempDir();
    const absolute = join(dir.path, "a");
    writeFileSync(absolute, "12345");
    expect(await read(writeTar([entry("a", { absolute, size: 5 })]))).toMatchObject([{ content: "12345" }]);
    expect(await outcome(() => collect(writeTar([entry("a", { absolute, size: 4 })])))).toBe("build-failed");
    expect(await outcome(() => collect(writeTar([entry("a")])))).toBe("io-failed");
  });
});

/** So small that parts of every kind are made of a few entries. */
const SMALL = { part: 4096, long: 8192 };

describe("parts", () => {
  const sizes = fc.oneof(fc.nat(3000), fc.integer({ min: 8000, max: 20_000 }));
  const anyTree = fc
    .array(fc.tuple(anyEntry, sizes), { maxLength: 12 })
    .map((list) => list.map(([made, size]) => (made.kind === "file" ? { ...made, size } : made)));

  test("property: are where an archive that is there already would be cut", async () => {
    await fc.assert(
      fc.asyncProperty(anyTree, fc.boolean(), async (entries, isReused) => {
        const parts: Bytes[] = [];
        for await (const { bytes, done } of writeParts(entries, { contents, sizes: SMALL })) {
          parts.push(bytes.slice());
          if (!isReused) continue;
          bytes.fill(0xff); // what lies in memory that is used again must not count
          done?.();
        }
        const whole = concat(parts);
        const cut: Bytes[][] = [];
        for await (const { begins, bytes } of cutArchive(inPieces(whole), SMALL))
          if (begins === undefined) cut.at(-1)?.push(bytes);
          else cut.push([bytes]);
        expect(parts.map(sha256Hex)).toEqual(cut.map((pieces) => sha256Hex(concat(pieces))));
        expect(whole).toEqual(await collect(writeTar(entries, { contents })));
      }),
    );
  });

  test.each([
    [8192, [8192 + 512]],
    [8193, [4352, 4096, 512 + 8704 - 8448]],
    [40_000, [4352, ...Array.from({ length: 8 }, () => 4096), 512 + 40_448 - 4352 - 8 * 4096]],
  ])("cut an entry of %d bytes where none can begin", async (size, expected) => {
    const lengths: number[] = [];
    const tree = [entry("a", { size }), entry("b", { size: 1 })];
    for await (const { bytes, entries, done } of writeParts(tree, { contents, sizes: SMALL })) {
      const names = entries?.map(({ name }) => name);
      if (names?.[0] === "b") break;
      expect(names).toEqual(lengths.length === 0 ? ["a"] : []);
      lengths.push(bytes.length);
      done?.();
    }
    expect(lengths).toEqual(expected);
  });

  test("use memory again that is done with", async () => {
    const memories = new Set<ArrayBuffer>();
    const entries = Array.from({ length: 40 }, (_, i) => entry(String(i), { size: i === 7 ? 30_000 : 3000 }));
    for await (const part of writeParts(entries, { contents, sizes: SMALL })) {
      memories.add(part.bytes.buffer);
      part.done?.();
    }
    expect(memories.size).toBeLessThanOrEqual(2);
  });

  test("stay as they are until they are done with", async () => {
    const entries = Array.from({ length: 40 }, (_, i) => entry(String(i), { size: 3000 }));
    const parts: Bytes[] = [];
    for await (const { bytes } of writeParts(entries, { contents, sizes: SMALL })) parts.push(bytes);
    expect(parts.length).toBeGreaterThan(10);
    expect(concat(parts)).toEqual(await collect(writeTar(entries, { contents })));
  });
});

test("property: headers are those of tar-stream", async () => {
  await fc.assert(
    fc.asyncProperty(anyEntry, fc.constantFrom("zero", "keep"), async (made, mtimes) => {
      const archive = pack();
      const { path, kind, mode, size, linkName } = made;
      const seconds = mtimes === "keep" ? made.mtime : 0;
      const fits = seconds >= 0 && seconds < 2 ** 31;
      archive.entry(
        {
          name: kind === "directory" ? `${path}/` : path,
          type: kind,
          mode: mode || 0o10000,
          size,
          mtime: new Date((fits ? seconds : seconds < 0 ? 0 : 2 ** 31 - 1) * 1000),
          ...(linkName === undefined ? {} : { linkname: linkName }),
          ...(fits ? {} : { pax: { mtime: String(seconds) } }),
        },
        kind === "file" ? textOf(made) : "",
      );
      archive.finalize();
      expect(await collect(writeTar([made], { contents, mtimes }))).toEqual(
        await collect(archive as AsyncIterable<Uint8Array>),
      );
    }),
  );
});

const gnu = hasGnuTar();

test.skipIf(!gnu)("GNU tar unpacks it", async () => {
  using dir = tempDir();
  const long = `${"x".repeat(120)}/${"y".repeat(90)}/${"é".repeat(80)}`;
  const entries = [
    entry("a", { size: 3, mode: 0o640, mtime: 1e9 }),
    folder("empty", 0o711),
    ...[99, 100, 101, 120, 155, 156, 200].map((length) => folder("d".repeat(length))),
    ...[99, 100, 101, 155, 156, 200].map((length) => entry("f".repeat(length), { size: 1 })),
    folder("x".repeat(120)),
    folder(long.slice(0, 211)),
    entry(long, { size: 5000 }),
    link("l", long),
    link("é", "a"),
    link("m", "ü"),
    link("n", "t".repeat(101)),
    entry("late", { size: 1, mtime: 2 ** 32 }),
    entry("early", { size: 1, mtime: -86400 }),
  ];
  await Bun.write(join(dir.path, "a.tar"), await collect(writeTar(entries, { contents, mtimes: "keep" })));
  run(["mkdir", "out"], dir.path);
  run(["tar", "-xpf", "a.tar", "-C", "out"], dir.path);
  const seen = run(["find", "out", "-mindepth", "1", "-printf", "%P|%y|%m|%s|%Ts|%l\n"], dir.path)
    .trim()
    .split("\n");
  const facts = entries.map(({ path, kind, mode, size, mtime, linkName = "" }) => {
    const own = kind === "symlink" ? Buffer.byteLength(linkName) : size;
    return [path, kind[0] === "s" ? "l" : kind[0], (mode & 0o777).toString(8), own, mtime, linkName];
  });
  // the size of a folder is the business of the file system
  const comparable = (rows: readonly string[]) =>
    rows.map((row) => row.replace(/\|d\|(\d+)\|\d+/, "|d|$1|0")).sort();
  expect(comparable(seen)).toEqual(comparable(facts.map((row) => row.join("|"))));
});

test.skipIf(!gnu).each([8 * 2 ** 30 - 1, 8 * 2 ** 30, 8 * 2 ** 30 + 1, 5 * 2 ** 40 + 7])(
  "GNU tar and we see the size %d of a huge file",
  async (size) => {
    using dir = tempDir();
    const huge = (): Contents => ({ read: (into) => into.length, [Symbol.dispose]: () => {} });
    let header: Bytes | undefined;
    for await (const piece of writeTar([entry("huge", { size })], { contents: huge })) {
      header = piece.slice(0, 512);
      break;
    }
    // GNU tar tells of an entry before it looks for the body
    await Bun.write(join(dir.path, "a.tar"), header as Bytes);
    const listed = Bun.spawnSync(["tar", "-tvf", "a.tar"], { cwd: dir.path }).stdout.toString();
    expect(listed).toMatch(new RegExp(`^-rw-r--r-- 0/0 +${size} .* huge\\n$`));
    for await (const seen of readTar(inPieces(header as Bytes))) {
      expect(seen.size).toBe(size);
      break;
    }
  },
);
