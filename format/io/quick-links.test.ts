import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { linkText, realPath } from "./quick-links.ts";

const isLinux = process.platform === "linux";
if (!isLinux) process.stderr.write("skipped: real paths of files, this is not Linux\n");

let dir: ReturnType<typeof tempDir>;
const at = (path: string) => join(dir.path, path);
beforeEach(() => {
  dir = tempDir();
  mkdirSync(at("folder"));
  writeFileSync(at("folder/file"), "text");
  writeFileSync(at("folder/prögram 🦀"), "text");
  symlinkSync("folder/file", at("link"));
  symlinkSync("folder", at("way"));
  symlinkSync("nowhere/ü", at("broken"));
  symlinkSync("loop", at("loop"));
});
afterEach(() => {
  globalThis.isWithout = undefined;
  dir[Symbol.dispose]();
});

const codeOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
};

describe.each(["with", "without"])("%s a C library", (how) => {
  beforeEach(() => {
    if (how === "without") globalThis.isWithout = (what) => what === "libc";
  });

  test.each([
    ["link", "folder/file"],
    ["way", "folder"],
    ["broken", "nowhere/ü"],
    ["loop", "loop"],
    ["way/file", undefined],
    ["folder", undefined],
    ["nothing", undefined],
    ["folder/file/below", "ENOTDIR"],
    ["a\0b", "ERR_INVALID_ARG_VALUE"],
    ["n".repeat(5000), "ENAMETOOLONG"],
  ])("the link at %j says %j", (path, text) => {
    expect(codeOf(() => linkText(at(path)))).toBe(text);
  });

  test("a link says as much as it can", () => {
    const text = `${"x".repeat(250)}/`.repeat(16);
    symlinkSync(text, at("long"));
    expect(linkText(at("long"))).toBe(text);
  });

  test.if(isLinux).each(["folder/file", "folder/prögram 🦀", "link", "way/file", "way", "."])(
    "the real path of %j is what node:fs says it is",
    (path) => {
      expect(realPath(at(path))).toBe(realpathSync.native(at(path)));
    },
  );

  test.if(isLinux)("there is none of what cannot be reached, and nothing stays open", () => {
    const open = () => readdirSync("/proc/self/fd").length;
    const before = open();
    const codes = ["nothing", "broken", "loop", "folder/file/below"].map((path) =>
      codeOf(() => realPath(at(path))),
    );
    expect(codes).toEqual(["ENOENT", "ENOENT", "ELOOP", "ENOTDIR"]);
    realPath(at("folder/file"));
    expect(open()).toBe(before);
  });

  test.if(isLinux)("nothing is done to a pipe: who waits for a reader waits on", async () => {
    expect(Bun.spawnSync(["mkfifo", at("pipe")]).exitCode).toBe(0);
    const writer = Bun.spawn(["sh", "-c", 'exec 3> "$1"', "sh", at("pipe")]);
    expect(realPath(at("pipe"))).toBe(realpathSync.native(at("pipe")));
    const first = await Promise.race([writer.exited, Bun.sleep(300).then(() => "it waits")]);
    writer.kill();
    await writer.exited;
    expect(first).toBe("it waits");
  });
});
