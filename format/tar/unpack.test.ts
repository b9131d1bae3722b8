import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { openTreeWriter, type TreeWriter } from "../io/tree-writer.ts";
import type { Bytes } from "../types.ts";
import { hasGnuTar, inPieces, outcome, pathsBelow, rawArchive, run, tempDir } from "./testing.ts";
import { type Rename, tarUnpacker, unpackTar } from "./unpack.ts";

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

const asIs: Rename = (name) => name;
const unpack = (archive: Bytes, rename = asIs) => unpackTar(inPieces(archive, 700), writer, rename);

/** Path → what is there, for everything below a folder. */
function treeOf(folder: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pathsBelow(folder).map((path) => {
      const stat = lstatSync(join(folder, path));
      const mode = (stat.mode & 0o7777).toString(8);
      if (stat.isSymbolicLink()) return [path, `-> ${readlinkSync(join(folder, path))}`];
      return [path, stat.isDirectory() ? `${mode}/` : `${mode} ${readFileSync(join(folder, path), "utf8")}`];
    }),
  );
}

test("an archive becomes a tree", async () => {
  await unpack(
    rawArchive(
      { name: "./", type: "5", mode: 0o777 },
      { name: "./d/", type: "5", mode: 0o750 },
      { name: "./d/f", body: "1".repeat(1000), mode: 0o4755 },
      { name: "././d//g", type: "1", linkName: "./d/f" },
      { name: "l", type: "2", linkName: "d/f" },
    ),
  );
  writer.finish();
  const file = `755 ${"1".repeat(1000)}`;
  expect(treeOf(root)).toEqual({ d: "750/", "d/f": file, "d/g": file, l: "-> d/f" });
});

test("names can be changed and left out, links to other entries follow", async () => {
  const seen: string[] = [];
  const archive = rawArchive(
    { name: "./", type: "5" },
    { name: "./top/a", body: "1" },
    { name: "top/b", type: "1", linkName: "./top/a" },
    { name: "other/c", body: "2" },
  );
  await unpack(archive, (name) => {
    seen.push(name);
    return name.startsWith("top/") ? name.replace("top/", "placed/") : undefined;
  });
  writer.finish();
  expect(seen).toEqual([".", "top/a", "top/b", "top/a", "other/c"]);
  expect(treeOf(root)).toEqual({ placed: "755/", "placed/a": "644 1", "placed/b": "644 1" });
});

test("all at once, without waiting", () => {
  const unpacker = tarUnpacker(writer, asIs, { ending: "open" });
  unpacker.push(rawArchive({ name: "a", body: "1" }).slice(0, 1024));
  unpacker.end();
  expect(treeOf(root)).toEqual({ a: "644 1" });
});

describe("refused", () => {
  test("an absolute name, though a new name would hide it", async () => {
    expect(await outcome(() => unpack(rawArchive({ name: "/a" }), (name) => `placed/${name}`))).toBe(
      "path-escapes",
    );
  });

  test("a hard link to an entry that is left out", async () => {
    const archive = rawArchive({ name: "a" }, { name: "b", type: "1", linkName: "a" });
    expect(await outcome(() => unpack(archive, (name) => (name === "a" ? undefined : name)))).toBe(
      "archive-invalid",
    );
  });
});

test.skipIf(!hasGnuTar()).each(["gnu", "pax", "ustar"])(
  "what GNU tar packs as %s is unpacked",
  async (format) => {
    using source = tempDir();
    const inside = (path: string) => join(source.path, path);
    const deep = `${"x".repeat(90)}/${"y".repeat(90)}`;
    mkdirSync(inside(deep), { recursive: true });
    writeFileSync(inside(`${deep}/file`), "content ".repeat(1000));
    writeFileSync(inside("run"), "#!/bin/sh\n");
    chmodSync(inside("run"), 0o755);
    writeFileSync(inside("é"), "");
    mkdirSync(inside("empty"));
    chmodSync(inside("empty"), 0o555);
    symlinkSync("x".repeat(90), inside("soft"));
    symlinkSync(`../run`, inside(`${"x".repeat(90)}/soft`));
    linkSync(inside("run"), inside("run-too"));
    chmodSync(source.path, 0o755);
    run(["tar", `--format=${format}`, "-cf", join(dir.path, "a.tar"), "."], source.path);
    await unpack(await Bun.file(join(dir.path, "a.tar")).bytes());
    writer.finish();
    expect(treeOf(root)).toEqual(treeOf(source.path));
  },
);
