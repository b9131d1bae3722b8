import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { run } from "../tar/testing.ts";
import { type Found, type LinkStats, listQuickly } from "./quick-folders.ts";

const isLinux = process.platform === "linux";
if (!isLinux) process.stderr.write("skipped: folders by the C library, this is not Linux\n");

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
});
afterEach(() => dir[Symbol.dispose]());

const at = (path: string) => join(dir.path, path);
const all = () => true;
const byName = (found: readonly Found[] | undefined) => found?.toSorted((a, b) => (a.name < b.name ? -1 : 1));

const picked = ({ mode, size, ino, dev, mtimeMs, ctimeMs }: LinkStats): LinkStats => {
  return { mode, size, ino, dev, mtimeMs, ctimeMs };
};

/** The same by `node:fs`. */
const expected = (folder: string, isWanted: (name: string) => boolean = all) =>
  fs
    .readdirSync(folder)
    .filter(isWanted)
    .map((name) => ({ name, stats: picked(fs.lstatSync(join(folder, name))) }));

describe.if(isLinux)("a folder", () => {
  test("is what node:fs says it is, to the last digit", () => {
    fs.mkdirSync(at("folder"), { mode: 0o711 });
    fs.writeFileSync(at("file"), "text");
    fs.writeFileSync(at("old"), "x");
    run(["touch", "-d", "1969-12-31T23:59:54.75Z", "old"], dir.path);
    fs.symlinkSync("nowhere", at("link"));
    run(["mkfifo", "pipe"], dir.path);
    for (const name of ["...", ".hidden", "..x", "\u00e4\u{1f980}", "n".repeat(255), "a\nb", "\ufeffx"])
      fs.writeFileSync(at(name), name, { mode: 0o4750 });
    fs.truncateSync(at("file"), 5_000_000_003);
    expect(byName(listQuickly(dir.path, all))).toEqual(byName(expected(dir.path)) as Found[]);
    expect(listQuickly(at("folder"), all)).toEqual([]);
  });

  test("property: times are those of node:fs", () => {
    const seconds = fc.double({ min: -1e9, max: 2 ** 33, noNaN: true });
    fs.writeFileSync(at("a"), "");
    fc.assert(
      fc.property(seconds, (mtime) => {
        fs.utimesSync(at("a"), mtime, mtime);
        expect(listQuickly(dir.path, all)).toEqual(expected(dir.path));
      }),
    );
  });

  test("may have more names than are taken at once", () => {
    for (let i = 0; i < 1500; i++) fs.writeFileSync(at(`${i}`.padStart(120, "x")), "");
    expect(byName(listQuickly(dir.path, all))).toEqual(byName(expected(dir.path)) as Found[]);
  });

  test("may have other disks in it, and devices", () => {
    const isSteady = (name: string) => ["proc", "sys", "dev", "tmp", "null", "tty", "zero"].includes(name);
    const devices = (found: readonly Found[] | undefined) =>
      found?.map(({ name, stats }) => [name, stats.dev]);
    for (const folder of ["/", "/dev"])
      expect(devices(byName(listQuickly(folder, isSteady)))).toEqual(
        devices(byName(expected(folder, isSteady))) as never,
      );
  });

  test("is told of what is wanted only", () => {
    for (const name of ["a", "b", "c"]) fs.writeFileSync(at(name), "");
    expect(listQuickly(dir.path, (name) => name === "b")?.map(({ name }) => name)).toEqual(["b"]);
  });

  test("leaves no file open", () => {
    fs.writeFileSync(Buffer.concat([Buffer.from(at("x")), Buffer.of(0xff)]), "");
    const open = () => fs.readdirSync("/proc/self/fd").length;
    const before = open();
    for (let i = 0; i < 20; i++) listQuickly(i % 2 === 0 ? dir.path : "/", all);
    expect(open()).toBe(before);
  });
});

describe("is for node:fs to list:", () => {
  test.each<[string, () => string]>([
    ["nothing", () => at("nothing")],
    ["a file", () => at("file")],
    ["a pipe", () => at("pipe")],
    ["a path with a zero", () => `${dir.path}\0`],
    ["a path that is too long", () => `${dir.path}/${"./".repeat(3000)}`],
  ])("%s", (_, path) => {
    fs.writeFileSync(at("file"), "");
    if (isLinux) run(["mkfifo", "pipe"], dir.path);
    expect(listQuickly(path(), all)).toBeUndefined();
  });

  test.if(isLinux)("a name that is not UTF-8", () => {
    fs.writeFileSync(Buffer.concat([Buffer.from(at("x")), Buffer.of(0xff)]), "");
    expect(listQuickly(dir.path, all)).toBeUndefined();
  });

  test("everything, without a C library", () => {
    globalThis.isWithout = (what) => what === "libc";
    try {
      expect(listQuickly(dir.path, all)).toBeUndefined();
    } finally {
      globalThis.isWithout = undefined;
    }
  });
});
