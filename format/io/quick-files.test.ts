import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../tests/support/temp-dir.ts";
import {
  close,
  exists,
  isExecutable,
  isFile,
  openToRead,
  readAll,
  readAt,
  readText,
  statusOf,
  statusOfLink,
} from "./quick-files.ts";

// Whatever `node:fs` says, with the C library and without it.

let dir: ReturnType<typeof tempDir>;
const at = (name: string) => join(dir.path, name);
beforeEach(() => {
  dir = tempDir();
  fs.writeFileSync(at("file"), "text");
  fs.chmodSync(at("file"), 0o640);
  fs.utimesSync(at("file"), 1e9, 1234567890.123456);
  fs.writeFileSync(at("old"), "x");
  Bun.spawnSync(["touch", "-d", "1969-12-31T23:59:54.75Z", at("old")]);
  fs.mkdirSync(at("folder"), { mode: 0o711 });
  fs.symlinkSync("file", at("link"));
  fs.symlinkSync("nowhere", at("broken"));
  fs.writeFileSync(at("prögram 🦀"), "#!/bin/sh\n", { mode: 0o755 });
});
afterEach(() => {
  globalThis.isWithout = undefined;
  dir[Symbol.dispose]();
});

const KEYS = ["size", "mode", "uid", "ino", "mtimeMs", "birthtimeMs"] as const;
const picked = (stats: Record<(typeof KEYS)[number], number> | undefined) =>
  stats && Object.fromEntries(KEYS.map((key) => [key, stats[key]]));

/** What comes of it: a result, or the error that is thrown. */
function outcome(work: () => unknown): unknown {
  try {
    return { result: work() };
  } catch (error) {
    const { code, message, syscall, path } = error as NodeJS.ErrnoException;
    return { code, message, syscall, path };
  }
}

const PLACES: readonly [string, () => string][] = [
  ["a file", () => at("file")],
  ["a file from before 1970", () => at("old")],
  ["a folder", () => at("folder")],
  ["a link", () => at("link")],
  ["a link to nothing", () => at("broken")],
  ["a name of many kinds of bytes", () => at("prögram 🦀")],
  ["nothing", () => at("nothing")],
  ["something below a file", () => at("file/x")],
  ["an empty path", () => ""],
  ["a path with a zero", () => `${at("file")}\0`],
  ["a path that is too long", () => join(dir.path, "y".repeat(5000))],
  ["a path that is too long by half a character", () => join(dir.path, "é".repeat(3000))],
  ["a path that is too long by the other half", () => join(dir.path, `x${"é".repeat(3000)}`)],
  ["a path with half a character", () => at("\ud800")],
  ["a relative path", () => "package.json"],
  ...(process.platform === "linux"
    ? ([["a file of the system", () => "/proc/self/environ"]] as [string, () => string][])
    : []),
];

describe.each(["with", "without"])("%s a C library", (how) => {
  beforeEach(() => {
    if (how === "without") globalThis.isWithout = (what) => what === "libc";
  });

  test.each(PLACES)("%s is what node:fs says it is", (_, path) => {
    expect(exists(path())).toBe(fs.existsSync(path()));
    expect(outcome(() => picked(statusOf(path())))).toEqual(outcome(() => picked(fs.statSync(path()))));
    expect(outcome(() => picked(statusOfLink(path())))).toEqual(
      outcome(() => picked(fs.lstatSync(path(), { throwIfNoEntry: false }))),
    );
    expect(outcome(() => isFile(statusOf(path())))).toEqual(outcome(() => fs.statSync(path()).isFile()));
    expect(outcome(() => readText(path()))).toEqual(outcome(() => fs.readFileSync(path(), "utf8")));
    const mayRun = (() => {
      try {
        fs.accessSync(path(), fs.constants.X_OK);
        return true;
      } catch {
        return false;
      }
    })();
    expect(isExecutable(path())).toBe(mayRun);
  });

  test("an open file is read where it is asked for, and closed", () => {
    const fd = openToRead(at("file"));
    expect(picked(statusOf(fd))).toEqual(picked(fs.fstatSync(fd)));
    const bytes = new Uint8Array(3);
    expect([readAt(fd, bytes, 2), ...bytes]).toEqual([2, 0x78, 0x74, 0]);
    expect([readAt(fd, bytes, 9), readAt(fd, new Uint8Array(), 0)]).toEqual([0, 0]);
    expect(readText(fd)).toBe("text");
    close(fd);
    expect(outcome(() => statusOf(fd))).toEqual(outcome(() => fs.fstatSync(fd)));
    expect(outcome(() => readAt(fd, bytes, 0))).toEqual(outcome(() => fs.readSync(fd, bytes, 0, 3, 0)));
  });

  test("files of any size are read whole, and far behind 4 GiB", () => {
    for (const size of [0, 1, 32_767, 32_768, 32_769, 1_000_000]) {
      const bytes = new Uint8Array(size).map((_, i) => (i * 31) >> 3);
      fs.writeFileSync(at("bytes"), bytes);
      expect(readAll(at("bytes"))).toEqual(bytes);
    }
    const fd = fs.openSync(at("far"), "w+");
    fs.writeSync(fd, "far", 5_000_000_000);
    const bytes = new Uint8Array(3);
    expect(readAt(fd, bytes, 5_000_000_000)).toBe(3);
    expect(String.fromCharCode(...bytes)).toBe("far");
    expect(statusOf(fd).size).toBe(5_000_000_003);
    fs.closeSync(fd);
  });

  test("a mark at the beginning of a text stays, and damage is shown", () => {
    fs.writeFileSync(at("text"), Uint8Array.of(0xef, 0xbb, 0xbf, 0x61, 0xff));
    expect(readText(at("text"))).toBe(fs.readFileSync(at("text"), "utf8"));
  });
});
