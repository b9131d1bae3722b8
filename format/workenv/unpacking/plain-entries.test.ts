import { describe, expect, test } from "bun:test";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { openSyncDecoder, type SyncDecoder } from "../../codecs/zstd-sync.ts";
import { memorySource } from "../../io/byte-source.ts";
import { type NewFiles, openNewFiles } from "../../io/quick-new-files.ts";
import { openTreeWriter } from "../../io/tree-writer.ts";
import type { Slot } from "../../reader.ts";
import { concat, END, paxRecord, rawEntry } from "../../tar/testing.ts";
import type { Bytes } from "../../types.ts";
import type { Metadata } from "../../wire/metadata-types.ts";
import { listOf } from "../mending/file-list.ts";
import { type IndexedFile, indexTree } from "../mending/stat-index.ts";
import { mergeReports } from "./merge-reports.ts";
import { plainUnpacker } from "./plain-entries.ts";
import { openFrameUnpacker, unpackFrame } from "./unpack-frame.ts";
import { newNotes, sortOut, type Unpacked } from "./unpacked.ts";

// The quick way through a frame and the long one, over the same bytes: nobody can tell which it was.

const isLinux = process.platform === "linux";
if (!isLinux) process.stderr.write("skipped: the quick way through a frame, this is not Linux\n");

type Entry = Parameters<typeof rawEntry>[0];
interface Case {
  /** Where a second zstd frame begins. */
  readonly cut?: number;
  readonly target?: string;
  readonly isLast?: boolean;
}

const MEMORY = 64 * 1024;

/** What comes of a frame that is all there is: the tree, or that it failed; and how many entries went the quick way. */
async function unpacked(content: Bytes, quickly: boolean, { target = "t", isLast = true, cut = 0 }: Case) {
  using dir = tempDir();
  const root = join(dir.path, "root");
  const notes = newNotes("in no order");
  notes.slot = 3;
  const [rows, folders]: [IndexedFile[], IndexedFile[]] = [[], []];
  using writer = openTreeWriter(root, { company: "others", doubles: "refused", onMade: notes.note });
  const output = new Uint8Array(MEMORY);
  using files = openNewFiles(root, output) as NewFiles;
  const quick = { output, unpack: plainUnpacker({ memory: output, files, writer, rows, folders }) };
  const parts = cut === 0 ? [content] : [content.subarray(0, cut), content.subarray(cut)];
  const stored = concat(parts.map((part) => new Uint8Array(zstdCompressSync(part))));
  const frame = { offset: 0, size: stored.length, content: content.length, isLast, pieces: [] };
  const slot = { entry: { target, index: 3 } } as Slot;
  const decoder = openSyncDecoder() as SyncDecoder;
  const source = memorySource(stored);
  const tools = {
    source,
    decoder,
    memory: new Uint8Array(MEMORY),
    writer,
    quick: quickly ? quick : undefined,
  };
  let made: Unpacked;
  let count: number;
  try {
    const found = await unpackFrame(slot, frame, tools);
    const links = found.map(([path, to]) => [path, to, 3] as const);
    writer.settle();
    count = rows.length + folders.length;
    const [implied, there] = [writer.impliedFolders(), writer.foundFolders()];
    const noted = sortOut([...notes.rows.values()], new Set(there));
    const report = {
      files: listOf([...rows, ...noted.files]),
      made: listOf([...folders, ...noted.made]),
      met: listOf(noted.met),
      implied,
      found: there,
      links,
    };
    const metadata = { workenv: { directories: [] } } as unknown as Metadata;
    made = mergeReports(metadata, [report], root);
  } catch {
    return { tree: "failed", count: 0 };
  }
  const byPath = ([a]: IndexedFile, [b]: IndexedFile) => (a < b ? -1 : 1);
  const walked = indexTree(root, made.owners, () => "whole").toSorted(byPath);
  expect(made.rows.toSorted(byPath)).toEqual(walked);
  const tree = walked.map(([path, size, mtimeMs, mode, from]) => {
    const body = lstatSync(join(root, path)).isFile() ? readFileSync(join(root, path), "latin1") : "";
    // What was just made does not have the same time twice.
    return [path, size, mtimeMs < 1e12 ? mtimeMs : "now", mode, from, body];
  });
  return { tree, count };
}

/** How many entries went the quick way; -1 where both failed. */
async function bothWays(
  entries: readonly Entry[],
  more: Case = {},
  end: readonly Bytes[] = [END],
): Promise<number> {
  const content = concat([...entries.map(rawEntry), ...end]);
  const [quick, long] = [await unpacked(content, true, more), await unpacked(content, false, more)];
  expect(quick.tree).toEqual(long.tree);
  expect(long.count).toBe(0);
  return quick.tree === "failed" ? -1 : quick.count;
}

const file = (name: string, body = name, more: Partial<Entry> = {}): Entry => ({ name, body, ...more });
const folder = (name: string, mode = 0o755): Entry => ({ name: `${name}/`, type: "5", mode });

/** Each folder in the one before. */
const DEEP = Array.from({ length: 60 }, (_, i): Entry => ({ ...folder("b"), prefix: `t${"/b".repeat(i)}` }));
/** A file whose body is an archive, too. */
const NESTED = [file("t/a", Buffer.from(rawEntry(file("t/b"))).toString("latin1")), file("t/c")];

describe.if(isLinux)("what comes out is the same", () => {
  test.each<[string, number, readonly Entry[], Case?]>([
    ["files and folders", 4, [folder("t"), file("t/a"), folder("t/d"), file("t/d/b")]],
    ["folders that nobody describes", 2, [file("t/a/b/c"), file("t/a/d")]],
    ["a folder that is described late", 1, [file("t/a/b"), folder("t/a", 0o700)]],
    ["a folder twice", 1, [folder("t"), folder("t")]],
    [
      "modes",
      4,
      [
        file("t/a", "", { mode: 0o4755 }),
        file("t/b", "", { mode: 0 }),
        folder("t/c", 0o700),
        folder("t/d", 0o755),
      ],
    ],
    [
      "folders that cannot have their modes yet",
      3,
      [folder("t"), folder("t/a", 0o500), folder("t/b", 0), file("t/a/x"), file("t/b/x")],
    ],
    ["times", 2, [file("t/a", "x", { mtime: 1_000_000 }), file("t/b", "x", { mtime: 1 })]],
    [
      "bodies of whole blocks",
      3,
      [file("t/a", "x".repeat(512)), file("t/b", "x".repeat(1024)), file("t/c", "")],
    ],
    ["a prefix", 1, [file("a", "x", { prefix: "t/d" })]],
    ["a link between files", 1, [file("t/a"), { name: "t/l", type: "2", linkName: "a" }, file("t/b")]],
    [
      "a long name between files",
      1,
      [file("t/a"), { name: "x", type: "x", body: paxRecord("path", "t/long") }, file("t/s"), file("t/b")],
    ],
    ["steps that mean nothing", 1, [file("t/a"), file("./t/b"), file("t//c")]],
    ["another target", 1, [file("b/x")], { target: "a/b" }],
    ["no target", 3, [file("a"), file("b/c"), file("d")], { target: "" }],
    ["a target with odd steps", 0, [file("b/x")], { target: "a/./b" }],
    ["more than fits into the memory", 0, [file("t/a", "x".repeat(MEMORY))]],
    ["two zstd frames, cut where a body looks like an entry", 2, NESTED, { cut: 512 }],
    ["a name that is not ASCII", 0, [file("t/\u00e4")]],
  ])("%s", async (_, count, entries, more) => {
    expect(await bothWays(entries, more)).toBe(count);
  });

  test("a part without an end", async () => {
    expect(await bothWays([file("t/a"), file("t/b")], { isLast: false }, [])).toBe(2);
  });

  test("whatever the umask is", async () => {
    const before = process.umask(0o077);
    try {
      expect(await bothWays([folder("t", 0o755), file("t/a", "x", { mode: 0o755 })])).toBe(1);
    } finally {
      process.umask(before);
    }
  });
});

describe.if(isLinux)("neither takes", () => {
  test.each<[string, readonly Entry[], Case?, (readonly Bytes[])?]>([
    ["a file twice", [file("t/a"), file("t/a")]],
    ["a file where a folder is", [folder("t/a"), file("t/a")]],
    ["a folder where a file is", [file("t/a"), folder("t/a")]],
    ["a file below a file", [file("t/a"), file("t/a/b")]],
    ["two modes of a folder", [folder("t"), folder("t/a", 0o755), folder("t/a", 0o700)]],
    ["what climbs", [file("t/../../x")]],
    ["what is beside the target", [file("t/a"), file("u/a")]],
    ["a hard link", [file("t/a"), { name: "t/b", type: "1", linkName: "t/a" }]],
    ["a body that breaks off", [file("t/a"), file("t/b", "x", { size: 5000 })]],
    [
      "a body that breaks off in a part",
      [file("t/a"), file("t/b", "x", { size: 5000 })],
      { isLast: false },
      [],
    ],
    ["folders too deep", DEEP, { target: `${"a/".repeat(199)}t` }],
    ["a header that breaks off", [file("t/a")], {}, [new Uint8Array(100).fill(7)]],
    ["no end of the archive", [file("t/a")], {}, []],
    ["an end in the middle", [file("t/a")], { isLast: false }],
    ["something behind the end", [file("t/a")], {}, [END, new Uint8Array(512).fill(7)]],
  ])("%s", async (_, entries, more = {}, end = [END]) => {
    expect(await bothWays(entries, more, end)).toBe(-1);
  });
});

describe("a thread's unpacker", () => {
  /** The paths in the tree, and how many files went the quick way. */
  async function unpack(): Promise<readonly [readonly string[], number]> {
    using dir = tempDir();
    const [rows, folders]: [IndexedFile[], IndexedFile[]] = [[], []];
    using writer = openTreeWriter(dir.path, { company: "others", doubles: "refused" });
    const content = concat([...[file("t/a"), file("t/b")].map(rawEntry), END]);
    const stored = new Uint8Array(zstdCompressSync(content));
    const slot = { entry: { target: "t", index: 3 } } as Slot;
    const place = { offset: 0, size: stored.length, content: content.length };
    const job = { kind: "frame", slot, frame: { ...place, isLast: true, pieces: [place] } } as const;
    using unpacker = openFrameUnpacker(memorySource(stored), dir.path, [job], { writer, rows, folders });
    await unpacker.unpack(job, undefined);
    return [readdirSync(join(dir.path, "t")).toSorted(), rows.length];
  }

  test.if(isLinux)("takes the quick way", async () => {
    expect(await unpack()).toEqual([["a", "b"], 2]);
  });

  test("takes the long one where there is no C library", async () => {
    globalThis.isWithout = (what) => what === "libc";
    try {
      expect(await unpack()).toEqual([["a", "b"], 0]);
    } finally {
      globalThis.isWithout = undefined;
    }
  });
});

test.if(isLinux)("property: whatever the entries are, both ways make the same of them", async () => {
  const name = fc.constantFrom("t/a", "t/b", "t/d/a", "t/d/e/f", "t/D", "t/\u00e4", "t/./x", "t/f", "t/g");
  const entry: fc.Arbitrary<Entry> = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        name,
        body: fc.string({ maxLength: 1200 }),
        mode: fc.nat(0o7777),
        mtime: fc.nat(2),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        name: name.map((it) => `${it}/`),
        type: fc.constant("5"),
        mode: fc.nat(0o777),
      }),
    },
    { weight: 1, arbitrary: name.map((it) => ({ name: it, type: "2", linkName: "a" })) },
  );
  const often = fc.array(entry, { maxLength: 4 });
  const once = fc.uniqueArray(entry, { maxLength: 8, selector: (it) => it.name.replace(/\/$/, "") });
  const counts: number[] = [];
  await fc.assert(
    fc.asyncProperty(fc.oneof(often, once), async (entries) => {
      counts.push(await bothWays(entries));
    }),
    { numRuns: 300 },
  );
  expect(counts.filter((count) => count > 1).length).toBeGreaterThan(20);
});
