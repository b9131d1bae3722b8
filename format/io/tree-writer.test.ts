import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Bytes } from "../types.ts";
import {
  canLackPermission,
  inPieces,
  outcome,
  pathsBelow,
  runUnprivileged,
  tempDir,
} from "../tar/testing.ts";
import { openTreeWriter, type TreeWriter } from "./tree-writer.ts";

const posix = process.platform !== "win32";
if (!posix) process.stderr.write("skipped: tests of modes, Windows has none\n");

let dir: ReturnType<typeof tempDir>;
let root: string;
let writer: TreeWriter;

beforeEach(() => {
  dir = tempDir();
  root = join(dir.path, "root");
  writer = openTreeWriter(root);
});
afterEach(() => {
  writer[Symbol.dispose]();
  dir[Symbol.dispose]();
});

const bytesOf = (text: string): Bytes => new Uint8Array(Buffer.from(text));

function write(path: string, content = "x", mode = 0o644, to = writer): number {
  const sink = to.openFile(path, mode, 0);
  sink.write(bytesOf(content));
  return sink.close();
}

const at = (path: string) => join(root, path);
const read = (path: string) => readFileSync(at(path), "utf8");
const modeOf = (path: string) => (lstatSync(at(path)).mode & 0o7777).toString(8);
const everything = () => pathsBelow(dir.path);

describe("a tree", () => {
  test("of files, folders and links", async () => {
    writer.directory("d", 0o755);
    expect(await writer.file("d/e/f", 0o644, 0, inPieces(bytesOf("12345"), 2))).toBe(5);
    write("./g//h/", "");
    writer.symlink("d/l", "../g/h");
    writer.symlink("dangling", "nothing/here");
    writer.hardLinkAsCopy("copy", "./d/e/f");
    writer.finish();
    expect(everything()).toEqual(
      [
        "root",
        "root/copy",
        "root/d",
        "root/d/e",
        "root/d/e/f",
        "root/d/l",
        "root/dangling",
        "root/g",
        "root/g/h",
      ].sort(),
    );
    expect(read("d/e/f")).toBe("12345");
    expect(read("copy")).toBe("12345");
    expect(readlinkSync(at("d/l"))).toBe("../g/h");
    expect(readlinkSync(at("dangling"))).toBe("nothing/here");
  });

  test("replaces nothing where doubles are refused", async () => {
    using strict = openTreeWriter(at("."), { doubles: "refused" });
    write("a", "1");
    writer.symlink("l", "a");
    expect(() => strict.openFile("a", 0o644, 0)).toThrow("Cannot create");
    expect(() => strict.symlink("l", "b")).toThrow("Cannot link");
    expect(() => strict.symlink("a", "b")).toThrow("Cannot link");
    expect([read("a"), readlinkSync(at("l"))]).toEqual(["1", "a"]);
  });

  test("makes sure of folders for others, and tells of those", () => {
    using disk = openTreeWriter(at("."));
    disk.folder("x/y");
    disk.folder("x/y");
    expect(disk.impliedFolders().map(([path]) => path)).toEqual(["x", "x/y"]);
    expect(() => disk.folder("../x")).toThrow("..");
    write("f", "");
    expect(() => disk.folder("f")).toThrow("a file is where");
  });

  test("has copies instead of hard links", () => {
    write("a", "1", 0o755);
    writer.hardLinkAsCopy("b", "a");
    expect(lstatSync(at("b")).nlink).toBe(1);
    writeFileSync(at("a"), "2");
    expect(read("b")).toBe("1");
    if (posix) expect(modeOf("b")).toBe("755");
  });

  test("has no more copies than what is written besides allows", async () => {
    // a hole takes no room, and its copies are not made any more when they are too much
    write("a", "");
    truncateSync(at("a"), 2 ** 30 + 1);
    expect(await outcome(() => writer.hardLinkAsCopy("b", "a"))).toBe("archive-invalid");
    expect(existsSync(at("b"))).toBe(false);
  });

  test("a copy of itself changes nothing", () => {
    write("a", "1");
    writer.hardLinkAsCopy("./a", "a");
    expect(read("a")).toBe("1");
  });

  test("may be written by two writers", () => {
    write("d/a", "1");
    writer.directory("d", 0o555);
    writer.finish();
    const second = openTreeWriter(root);
    write("d/b", "2", 0o644, second);
    second.finish();
    expect(read("d/a") + read("d/b")).toBe("12");
    if (posix) expect(modeOf("d")).toBe("555");
  });
});

test.skipIf(process.platform !== "linux")("a file is closed, also when who is told of it refuses it", () => {
  const refusing = openTreeWriter(root, {
    onMade() {
      throw new Error("no");
    },
  });
  const open = () => readdirSync("/proc/self/fd").length;
  const before = open();
  expect(() => write("a", "1", 0o644, refusing)).toThrow("Cannot complete");
  refusing[Symbol.dispose]();
  expect(open()).toBe(before);
});

test("who wants to know is told what lies there when all is written", () => {
  const told = new Map<string, readonly number[]>();
  const telling = openTreeWriter(root, {
    onMade: (path, size, mtimeMs, mode) => void told.set(path, [size, mtimeMs, mode]),
  });
  write("a/b/file", "12345", 0o640, telling);
  const old = telling.openFile("old", 0o755, 1_000_000_000);
  old.write(bytesOf("1"));
  old.close();
  write("a/./twice", "first", 0o600, telling);
  write("a//twice", "second", 0o444, telling);
  telling.symlink("link", "a/b/file");
  telling.hardLinkAsCopy("copy", "old");
  telling.directory("late", 0o500);
  telling.directory("late/deep/", 0o777);
  telling.finish();
  const look = (path: string) => {
    const { size, mtimeMs, mode } = lstatSync(join(root, path));
    return (mode & 0o170000) === 0o040000 ? [0, 0, mode] : [size, mtimeMs, mode];
  };
  expect([...told.keys()].toSorted()).toEqual(
    ["a/b/file", "a/twice", "copy", "late", "late/deep", "link", "old"].toSorted(),
  );
  for (const [path, facts] of told) expect([path, ...facts]).toEqual([path, ...look(path)]);
  expect(telling.impliedFolders()).toEqual([
    ["a", 0o755],
    ["a/b", 0o755],
  ]);
});

describe.skipIf(!posix)("modes", () => {
  test("that let others write are given at once where nobody can get in", () => {
    const before = process.umask(0);
    writer.directory("a", 0o777);
    writer.directory("b", 0o070);
    process.umask(before);
    expect(["a", "b"].map(modeOf)).toEqual(["777", "770"]);
    writer.finish();
    expect(["a", "b"].map(modeOf)).toEqual(["777", "70"]);
  });

  test("that would keep other writers out come at the very end", () => {
    chmodSync(root, 0o711);
    const one = openTreeWriter(root, { company: "others" });
    one.directory("open", 0o750);
    one.directory("closed", 0o500);
    one.directory("shared", 0o777);
    write("implied/x", "1", 0o644, one);
    const before = process.umask(0o077);
    const other = openTreeWriter(root, { company: "others" });
    write("narrow/x", "1", 0o644, other);
    process.umask(before);
    expect(modeOf("narrow")).toBe("700");
    other.settle();
    one.settle();
    expect(["open", "closed", "shared", "implied", "narrow"].map(modeOf)).toEqual([
      "750",
      "700",
      "700",
      "755",
      "755",
    ]);
    one.finish();
    expect(["open", "closed", "shared"].map(modeOf)).toEqual(["750", "500", "777"]);
  });

  test.each([
    [0o755, "755"],
    [0o400, "400"],
    [0o777, "777"],
    [0o666, "666"],
    [0, "600"],
    [0o4755, "755"],
    [0o2755, "755"],
    [0o1644, "644"],
    [0o7000, "600"],
    [0o100644, "644"],
  ])("a file with %o gets %s", (mode, wanted) => {
    write("a", "x", mode);
    expect(modeOf("a")).toBe(wanted);
  });

  test.each([
    [0o755, "755", "755"],
    [0o700, "700", "700"],
    [0o500, "500", "700"],
    [0o055, "55", "755"],
    [0, "700", "700"],
    // nobody else may put a link into it before we look
    [0o1777, "777", "700"],
    [0o2775, "775", "700"],
  ])("a folder with %o gets %s at the end, and has %s before", (mode, wanted, early) => {
    // Others may enter.
    chmodSync(root, 0o755);
    writer = openTreeWriter(root);
    writer.directory("a", mode);
    expect(modeOf("a")).toBe(early);
    write("a/b/c");
    writer.finish();
    expect(modeOf("a")).toBe(wanted);
    expect(modeOf("a/b")).toBe("755");
  });

  test.each([0, 0o022, 0o077, 0o777])("do not depend on the umask %o", (mask) => {
    const before = process.umask(mask);
    try {
      write("a/f", "x", 0o777);
      writer.directory("d", 0o777);
      writer.hardLinkAsCopy("c", "a/f");
      writer.finish();
    } finally {
      process.umask(before);
    }
    expect(["a", "a/f", "d", "c"].map(modeOf)).toEqual(["755", "777", "777", "777"]);
  });

  test("of the root and of what links point to stay as they are", () => {
    write("a", "x", 0o600);
    writer.symlink("l", "a");
    const before = modeOf(".");
    writer.directory(".", 0o777);
    writer.directory("", 0o777);
    writer.finish();
    expect(modeOf(".")).toBe(before);
    expect(modeOf("a")).toBe("600");
  });
});

test.skipIf(!canLackPermission())("folders that deny everything can be filled, twice, by anyone", () => {
  chmodSync(dir.path, 0o777);
  const seen = runUnprivileged(`
    const { openTreeWriter } = await import(${JSON.stringify(join(import.meta.dir, "tree-writer.ts"))});
    for (const name of ["one", "two"]) {
      const writer = openTreeWriter(${JSON.stringify(join(dir.path, "own"))});
      if (name === "one") for (const path of ["a", "a/b"]) writer.directory(path, 0o400);
      writer.openFile("a/b/" + name, 0o400, 0).close();
      writer.finish();
    }`);
  expect(seen).toBe("");
  root = join(dir.path, "own");
  expect(["a", "a/b", "a/b/one", "a/b/two"].map(modeOf)).toEqual(["400", "400", "400", "400"]);
});

describe("times", () => {
  const writeAt = (mtime: number) => {
    const to = openTreeWriter(root);
    to.openFile("a", 0o644, mtime).close();
    to.hardLinkAsCopy("b", "a");
    return [statSync(at("a")).mtimeMs, statSync(at("b")).mtimeMs];
  };

  test("are those of the entries", () => {
    expect(writeAt(86400)).toEqual([86400_000, 86400_000]);
  });

  test("may lie before 1970", () => {
    expect(writeAt(-86400)).toEqual([-86400_000, -86400_000]);
  });

  test("are those of writing where an entry has none", () => {
    for (const time of writeAt(0)) expect(time).toBeGreaterThan(86400_000);
  });
});

describe("the later of two entries wins", () => {
  test("file over file, with a new inode", () => {
    write("a", "1", 0o400);
    writer.hardLinkAsCopy("b", "a");
    write("a", "22");
    expect([read("a"), read("b")]).toEqual(["22", "1"]);
  });

  test("file over link, without following it", () => {
    write("a", "1");
    writer.symlink("l", "a");
    write("l", "2");
    expect([read("a"), read("l")]).toEqual(["1", "2"]);
  });

  test("link over file and link over link", () => {
    write("a", "1");
    writer.symlink("a", "b");
    writer.symlink("a", "c");
    expect(readlinkSync(at("a"))).toBe("c");
  });

  test("copy over link, without following it", () => {
    write("a", "1");
    write("b", "2");
    writer.symlink("l", "b");
    writer.hardLinkAsCopy("l", "a");
    expect([read("b"), read("l")]).toEqual(["2", "1"]);
  });

  test("copy over file", () => {
    write("a", "1");
    write("b", "2");
    writer.hardLinkAsCopy("b", "a");
    expect(read("b")).toBe("1");
  });
});

test("failures of the disk say deed and path", async () => {
  writeFileSync(join(dir.path, "file"), "");
  expect(await outcome(() => openTreeWriter(join(dir.path, "file", "root")))).toBe("io-failed");
  expect(await outcome(() => write("n".repeat(300)))).toBe("io-failed");
  expect(() => write("n".repeat(300))).toThrow(/^Cannot create .*nnn$/);
});

test("a file that was given up is closed with the writer", () => {
  const before = existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0;
  writer.openFile("a", 0o644, 0).write(bytesOf("half"));
  writer[Symbol.dispose]();
  writer[Symbol.dispose]();
  expect(existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0).toBe(before);
});
