import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { extract } from "tar-stream";
import type { Bytes, ByteStream } from "../types.ts";
import { readTar } from "./read-tar.ts";
import { collect, hasGnuTar, inPieces, outcome, run, tempDir } from "./testing.ts";
import type { TreeEntry } from "./tree-entry.ts";
import { writeTar } from "./write-tar.ts";

const bytesOf = (text: string): Bytes => new Uint8Array(Buffer.from(text));

/** A tree that is nowhere: the files contain the lengths of their paths. */
const contents = ({ path, size }: TreeEntry): ByteStream =>
  inPieces(bytesOf(String(path.length).repeat(size).slice(0, size)), 1000);

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
      content: Buffer.from(await collect(contents(entry(path, facts)))).toString(),
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
    const wrong = () => inPieces(new Uint8Array(real));
    expect(await outcome(() => collect(writeTar(entries, { contents: wrong })))).toBe("build-failed");
  });

  test("an error while reading is the error", async () => {
    const cause = new Error("injected EIO");
    async function* failing(): ByteStream {
      yield new Uint8Array(3);
      throw cause;
    }
    const archive = collect(writeTar([entry("a", { size: 10 })], { contents: failing }));
    expect(await archive.catch((error) => error)).toBe(cause);
  });

  test("an error while listing is the error", async () => {
    const cause = new Error("injected EIO");
    async function* failing() {
      yield entry("a");
      throw cause;
    }
    expect(await collect(writeTar(failing())).catch((error) => error)).toBeInstanceOf(Error);
    expect(await collect(writeTar(failing(), { contents })).catch((error) => error)).toBe(cause);
  });

  test("are read no faster than they are taken, and let go of", async () => {
    let made = 0;
    const closed = Promise.withResolvers<void>();
    async function* endless(): ByteStream {
      try {
        for (;;) {
          made++;
          yield new Uint8Array(1024 * 1024);
        }
      } finally {
        closed.resolve();
      }
    }
    let taken = 0;
    for await (const piece of writeTar([entry("a", { size: 2 ** 40 })], { contents: endless })) {
      if (piece.length > 512) taken++;
      expect(made - taken).toBeLessThanOrEqual(3);
      await Bun.sleep(0);
      if (taken === 20) break;
    }
    await closed.promise;
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
    async function* huge(): ByteStream {
      for (;;) yield new Uint8Array(1024);
    }
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
