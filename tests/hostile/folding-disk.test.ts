import { afterAll, beforeAll, describe, expect, mock, test } from "bun:test";
import * as fs from "node:fs";
import { basename, dirname, join } from "node:path";
import { openTreeWriter, type TreeWriter } from "../../format/io/tree-writer.ts";
import { outcome, rawArchive, type rawEntry } from "../../format/tar/testing.ts";
import { tarUnpacker } from "../../format/tar/unpack.ts";
import type { Metadata } from "../../format/wire/metadata-types.ts";
import { mergeReports } from "../../format/workenv/unpacking/merge-reports.ts";
import { listOf } from "../../format/workenv/mending/file-list.ts";
import { newNotes, sortOut } from "../../format/workenv/unpacking/unpacked.ts";
import { tempDir } from "../support/temp-dir.ts";
import { foldsNames } from "./folds.ts";

/*
 * Any Linux disk may take two names for one: a folder of ext4 with casefold, a stick with FAT, a share. Nobody can tell
 * before, so the writer must notice it. Where the disk of this machine keeps names apart, it is made to fold them.
 */

const real = { ...fs };

/** The name under which something is on the disk already, if only the case differs. */
function spelledAsFirst(path: string): string {
  const parent = dirname(path);
  if (parent === path) return path;
  const folder = spelledAsFirst(parent);
  const wanted = basename(path).toLowerCase();
  try {
    const found = real.readdirSync(folder).find((name) => name.toLowerCase() === wanted);
    return join(folder, found ?? basename(path));
  } catch {
    return join(folder, basename(path));
  }
}

const folding = <A extends readonly unknown[], R>(call: (path: never, ...rest: A) => R) =>
  ((path: string, ...rest: A) => call(spelledAsFirst(path) as never, ...rest)) as never;

beforeAll(() => {
  using dir = tempDir();
  if (foldsNames(dir.path)) return;
  mock.module("node:fs", () => ({
    ...real,
    mkdirSync: folding(real.mkdirSync),
    openSync: folding(real.openSync),
    lstatSync: folding(real.lstatSync),
    symlinkSync: (target: string, path: string) => real.symlinkSync(target, spelledAsFirst(path)),
    unlinkSync: folding(real.unlinkSync),
    copyFileSync: (from: string, to: string, mode: number) =>
      real.copyFileSync(spelledAsFirst(from), spelledAsFirst(to), mode),
  }));
});
afterAll(() => {
  mock.module("node:fs", () => real);
});

type Entry = Parameters<typeof rawEntry>[0];

/** What becomes of entries by the rules of Linux, which say nothing about such names. */
async function unpacked(root: string, entries: readonly Entry[]): Promise<string> {
  using writer: TreeWriter = openTreeWriter(root, { rules: { windows: false, folds: false } });
  return await outcome(() => {
    const unpacker = tarUnpacker(writer, (name) => name);
    unpacker.push(rawArchive(...entries));
    unpacker.end();
    writer.finish();
  });
}

/** Two threads, one after the other: each has entries of its own. Whether `unpackTogether` would take what comes of it. */
function areTaken(root: string, ...parts: readonly (readonly Entry[])[]): boolean {
  try {
    const reports = parts.map((entries) => {
      const notes = newNotes();
      using writer = openTreeWriter(root, { company: "others", doubles: "refused", onMade: notes.note });
      const unpacker = tarUnpacker(writer, (name) => name);
      unpacker.push(rawArchive(...entries));
      unpacker.end();
      writer.settle();
      const [implied, found] = [writer.impliedFolders(), writer.foundFolders()];
      const { files, made, met } = sortOut([...notes.rows.values()], new Set(found));
      return { files: listOf(files), made: listOf(made), met: listOf(met), implied, found, links: [] };
    });
    const workenv = { directories: [] };
    mergeReports({ workenv } as unknown as Metadata, reports, root);
    return true;
  } catch {
    return false;
  }
}

describe("threads on a disk that folds names", () => {
  test.each<[string, readonly Entry[], readonly Entry[]]>([
    ["files", [{ name: "run.sh", body: "1" }], [{ name: "RUN.SH", body: "2" }]],
    ["folders", [{ name: "lib/", type: "5" }], [{ name: "LIB/", type: "5" }]],
    ["folders around files", [{ name: "lib/a", body: "1" }], [{ name: "LIB/b", body: "2" }]],
    ["a folder and a file", [{ name: "lib/", type: "5" }], [{ name: "LIB", body: "2" }]],
    ["a file and a folder", [{ name: "lib", body: "1" }], [{ name: "LIB/x", body: "2" }]],
    [
      "a folder that is found by both its names",
      [{ name: "lib/a", body: "1" }],
      [{ name: "lib/b" }, { name: "LIB/", type: "5" }],
    ],
    [
      "a folder of which one thread has two",
      [
        { name: "lib/", type: "5" },
        { name: "LIB/", type: "5" },
      ],
      [{ name: "x" }],
    ],
  ])("do not take two names for one: %s", (_, one, other) => {
    using dir = tempDir();
    expect(areTaken(join(dir.path, "root"), one, other)).toBe(false);
  });

  test("nor one name for two", () => {
    using dir = tempDir();
    const parts = ["a", "b"].map((name) => [{ name: `lib/${name}`, body: name }]);
    expect(areTaken(join(dir.path, "root"), ...parts)).toBe(true);
  });
});

describe("on a disk that folds names", () => {
  test.each([
    [
      "two files",
      [
        { name: "run.sh", body: "1" },
        { name: "RUN.SH", body: "2" },
      ],
    ],
    [
      "two folders",
      [
        { name: "lib/", type: "5" },
        { name: "LIB/", type: "5" },
      ],
    ],
    ["a file, and a folder around another", [{ name: "data", body: "1" }, { name: "Data/x" }]],
    ["files in two folders", [{ name: "a/b/x" }, { name: "a/B/y" }]],
    ["a link, then a file", [{ name: "L", type: "2", linkName: "x" }, { name: "l" }]],
    ["a file, then a link", [{ name: "f" }, { name: "F", type: "2", linkName: "x" }]],
    ["a hard link over its own file", [{ name: "f" }, { name: "F", type: "1", linkName: "f" }]],
    [
      "a hard link to what became a link",
      [{ name: "A" }, { name: "a", type: "2", linkName: "x" }, { name: "h", type: "1", linkName: "A" }],
    ],
  ] as const)("%s are refused", async (_, entries) => {
    using dir = tempDir();
    expect(await unpacked(join(dir.path, "root"), entries)).toBe("archive-invalid");
  });

  test("a link, then a file through it, is refused as ever", async () => {
    using dir = tempDir();
    const entries = [
      { name: "d/", type: "5", mode: 0o755 },
      { name: "L", type: "2", linkName: "d" },
      { name: "l/evil" },
    ];
    expect(await unpacked(join(dir.path, "root"), entries)).toBe("path-escapes");
    expect(fs.existsSync(join(dir.path, "root", "d", "evil"))).toBe(false);
  });

  test("the same name twice is none of that, nor is a second writer", async () => {
    using dir = tempDir();
    const root = join(dir.path, "root");
    const entries = [
      { name: "d/", type: "5", mode: 0o755 },
      { name: "d/f", body: "1" },
      { name: "d/f", body: "2" },
      { name: "l", type: "2", linkName: "d" },
      { name: "l", type: "2", linkName: "d/f" },
    ];
    expect(await unpacked(root, entries)).toBe("ok");
    expect(await unpacked(root, entries)).toBe("ok");
    expect(fs.readFileSync(join(root, "d", "f"), "utf8")).toBe("2");
  });
});
