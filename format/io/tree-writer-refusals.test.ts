import { afterEach, beforeEach, expect, test } from "bun:test";
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { outcome, pathsBelow, tempDir } from "../tar/testing.ts";
import { openTreeWriter, type TreeWriter } from "./tree-writer.ts";

// What a writer refuses, and that nothing is written outside then.

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

const at = (path: string) => join(root, path);

function write(path: string, content = "x", to = writer): number {
  const sink = to.openFile(path, 0o644, 0);
  sink.write(new Uint8Array(Buffer.from(content)));
  return sink.close();
}

type Deed = readonly ["file" | "folder", string] | readonly ["link" | "copy", string, string];

function act([kind, path, other]: Deed): unknown {
  if (kind === "file") return write(path);
  if (kind === "folder") return writer.directory(path, 0o755);
  return kind === "link"
    ? writer.symlink(path, other as string)
    : writer.hardLinkAsCopy(path, other as string);
}

// the last deed is the attack, those in front of it are allowed
test.each<readonly [string, string, readonly Deed[]]>([
  ["a name that climbs", "path-escapes", [["file", "../evil"]]],
  ["a name that climbs later", "path-escapes", [["file", "a/../../evil"]]],
  ["a name that climbs and stays inside", "path-escapes", [["file", "a/../b"]]],
  ["an absolute name", "path-escapes", [["file", "/evil"]]],
  ["a NUL in a name", "path-escapes", [["file", "a\0b"]]],
  ["a folder that climbs", "path-escapes", [["folder", "../evil"]]],
  ["a link that climbs", "path-escapes", [["link", "../evil", "x"]]],
  [
    "a copy that climbs",
    "path-escapes",
    [
      ["file", "a"],
      ["copy", "../evil", "a"],
    ],
  ],
  ["a name past every limit", "archive-invalid", [["file", "a/".repeat(500_000)]]],
  ["a link to an absolute path", "path-escapes", [["link", "l", "/etc"]]],
  ["a link to outside", "path-escapes", [["link", "l", ".."]]],
  ["a deep link to outside", "path-escapes", [["link", "a/b/l", "../../../x"]]],
  [
    "a link through a link",
    "path-escapes",
    [
      ["link", "a/up", ".."],
      ["link", "l", "a/up/.."],
    ],
  ],
  ["an empty link", "path-escapes", [["link", "l", ""]]],
  ["a NUL in a link", "path-escapes", [["link", "l", "a\0b"]]],
  [
    "a file below a link",
    "path-escapes",
    [
      ["link", "l", "d"],
      ["file", "l/evil"],
    ],
  ],
  [
    "a file below a link to the root",
    "path-escapes",
    [
      ["link", "l", "."],
      ["file", "l/evil"],
    ],
  ],
  [
    "a file below a chain",
    "path-escapes",
    [
      ["folder", "d"],
      ["link", "a", "d"],
      ["link", "b", "a"],
      ["file", "b/evil"],
    ],
  ],
  [
    "a folder on a link",
    "path-escapes",
    [
      ["link", "l", "d"],
      ["folder", "l"],
    ],
  ],
  [
    "a folder below a link",
    "path-escapes",
    [
      ["folder", "d"],
      ["link", "l", "d"],
      ["folder", "l/evil"],
    ],
  ],
  [
    "a link below a link",
    "path-escapes",
    [
      ["link", "l", "d"],
      ["link", "l/m", "x"],
    ],
  ],
  ["a copy of a file outside", "path-escapes", [["copy", "a", "../secret"]]],
  ["a copy of an absolute file", "path-escapes", [["copy", "a", "/etc/passwd"]]],
  [
    "a copy of a link",
    "archive-invalid",
    [
      ["link", "l", "x"],
      ["copy", "a", "l"],
    ],
  ],
  [
    "a copy of a file that became a link",
    "archive-invalid",
    [
      ["file", "f"],
      ["link", "f", "x"],
      ["copy", "a", "f"],
    ],
  ],
  [
    "a copy of a folder",
    "archive-invalid",
    [
      ["folder", "d"],
      ["copy", "a", "d"],
    ],
  ],
  ["a copy of nothing", "archive-invalid", [["copy", "a", "missing"]]],
  [
    "a file where a folder is",
    "archive-invalid",
    [
      ["file", "d/x"],
      ["file", "d"],
    ],
  ],
  ["a file where the root is", "archive-invalid", [["file", "."]]],
  [
    "a link where a folder is",
    "archive-invalid",
    [
      ["folder", "d"],
      ["link", "d", "x"],
    ],
  ],
  [
    "a copy where a folder is",
    "archive-invalid",
    [
      ["file", "d/x"],
      ["copy", "d", "d/x"],
    ],
  ],
  [
    "a folder where a file is",
    "archive-invalid",
    [
      ["file", "f"],
      ["folder", "f"],
    ],
  ],
  [
    "a file below a file",
    "archive-invalid",
    [
      ["file", "f"],
      ["file", "f/g"],
    ],
  ],
])("%s", async (_, code, deeds) => {
  writeFileSync(join(dir.path, "secret"), "secret");
  const outcomes: string[] = [];
  for (const deed of deeds) outcomes.push(await outcome(() => act(deed)));
  expect(outcomes).toEqual([...deeds.slice(1).map(() => "ok"), code]);
  expect(readdirSync(dir.path).sort()).toEqual(["root", "secret"]);
  expect(pathsBelow(dir.path).filter((path) => path.includes("evil"))).toEqual([]);
  expect(readFileSync(join(dir.path, "secret"), "utf8")).toBe("secret");
});

test("links that lie there already", async () => {
  mkdirSync(join(dir.path, "outside"));
  symlinkSync("../outside", at("out"));
  expect(await outcome(() => write("out/evil"))).toBe("path-escapes");
  expect(await outcome(() => write("out/deep/evil"))).toBe("path-escapes");
  expect(await outcome(() => writer.directory("out", 0o777))).toBe("path-escapes");
  write("out", "instead of the link");
  expect(readdirSync(join(dir.path, "outside"))).toEqual([]);
});

test("a folder that lies there already and is no folder of ours stays a folder", async () => {
  mkdirSync(at("d"));
  expect(await outcome(() => write("d"))).toBe("archive-invalid");
  expect(await outcome(() => writer.symlink("d", "x"))).toBe("archive-invalid");
  expect(lstatSync(at("d")).isDirectory()).toBeTrue();
});

test.each([
  "C:/evil",
  "C:evil",
  "a\\..\\..\\evil",
  "\\\\server\\evil",
  "a/con",
  "NUL.txt",
  "a.",
  "b /c",
  "a:stream",
])("on Windows %j", async (name) => {
  const strict = openTreeWriter(root, { rules: { windows: true } });
  expect(await outcome(() => write(name, "x", strict))).toBe("path-escapes");
  expect(await outcome(() => strict.directory(name, 0o755))).toBe("path-escapes");
  expect(await outcome(() => strict.symlink("l", name))).toBe("path-escapes");
  write("plain/name", "x", strict);
});
