import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { collect } from "../format/codecs/streams.ts";
import { memorySource, openFileSource } from "../format/io/byte-source.ts";
import { removeTree } from "../format/io/remove-tree.ts";
import { openPackage, type Package, type Slot } from "../format/reader.ts";
import type { TreeEntry } from "../format/tar/tree-entry.ts";
import { writeTar } from "../format/tar/write-tar.ts";
import type { Bytes } from "../format/types.ts";
import { goldenBytes } from "../tests/golden/golden.ts";
import { failureOf } from "../tests/support/failure.ts";
import { fileSlot, packageBytes, type Recipe, selfSlot, treeSlot } from "../tests/support/packages.ts";
import { extractAll, extractContent, extractStored, findSlot } from "./extract.ts";

// What is tested here replaces folders: every output lies below `root`, and no test names a folder that is not its own.
let root: string;
let output: string;
let tree: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "flavor-extract-"));
  output = join(root, "work", "out");
  tree = join(root, "tree");
  mkdirSync(join(root, "work"));
  mkdirSync(join(tree, "sub"), { recursive: true });
  writeFileSync(join(tree, "sub", "a.txt"), "in a tree");
  writeFileSync(join(tree, "run.sh"), "#!/bin/sh\n");
  chmodSync(join(tree, "run.sh"), 0o755);
});
afterEach(() => removeTree(root));

const opened = async (recipe: Recipe): Promise<Package> =>
  openPackage(memorySource(await packageBytes(recipe)));

/** What lies beside the output, the output included. */
const beside = () => readdirSync(join(root, "work")).sort();

test.each([
  { name: "0", id: "1" },
  { name: "1", id: "0" },
  { name: "zero", id: "zero" },
])("slot $name is found, an index before an id", async ({ name, id }) => {
  const slots = [fileSlot("1", "first"), fileSlot("0", "second"), fileSlot("zero", "third")];
  expect(findSlot(await opened({ slots }), name).entry.id).toBe(id);
});

test.each(["2", "-1", "Zero", "", "__proto__"])(
  "there is no slot %p, and the error names those that are",
  async (name) => {
    const pkg = await opened({ slots: [fileSlot("zero", "0")] });
    expect(await failureOf(() => findSlot(pkg, name))).toMatchObject({
      code: "slot-not-found",
      hint: "the slots are 0 (zero)",
    });
  },
);

test("an id that several slots have is no name", async () => {
  const pkg = await opened({ slots: [fileSlot("a", "0"), fileSlot("a", "1", { target: "b" })] });
  expect(await failureOf(() => findSlot(pkg, "a"))).toMatchObject({ code: "slot-not-found" });
  expect(findSlot(pkg, "1").entry.target).toBe("b");
});

test("a file slot becomes a file with its mode", async () => {
  const slot = fileSlot("tool", "content", { permissions: 0o750, target: "deep/er/tool" });
  const pkg = await opened({ slots: [slot] });
  await extractContent(pkg, findSlot(pkg, "tool"), output);
  expect(readFileSync(output, "utf8")).toBe("content");
  expect(statSync(output).mode & 0o777).toBe(0o750);
  expect(beside()).toEqual(["out"]);
});

test.each(["app", "deep/er/app", ""])(
  "a folder slot for %p becomes a folder with what the slot's folder held",
  async (target) => {
    const pkg = await opened({ slots: [treeSlot("app", tree, { target })] });
    await extractContent(pkg, findSlot(pkg, "app"), output);
    expect(readdirSync(output, { recursive: true }).sort()).toEqual(["run.sh", "sub", "sub/a.txt"]);
    expect(statSync(join(output, "run.sh")).mode & 0o777).toBe(0o755);
    expect(statSync(output).mode & 0o777).toBe(0o755);
    expect(beside()).toEqual(["out"]);
  },
);

test("FlavorPack's archive, which has no folder around its content, is unpacked as it is", async () => {
  const pkg = await openPackage(memorySource(goldenBytes("go")));
  await extractContent(pkg, findSlot(pkg, "conf"), output);
  expect(readdirSync(output, { recursive: true }).length).toBeGreaterThan(0);
});

const entry = { kind: "directory", mode: 0o755, size: 0, mtime: 0, absolute: "" } as const;

/** A slot whose archive has these entries. */
const archived = async (target: string, entries: readonly TreeEntry[]) => {
  const data = { kind: "bytes", bytes: await collect(writeTar(entries)) } as const;
  return fileSlot("app", "", { data, operations: ["TAR"], target });
};

test("links that leave the slot's folder keep the folders around it, so that they lead where they did", async () => {
  const link = { ...entry, path: "app/outside", kind: "symlink", linkName: "../../lib/x" } as const;
  const pkg = await opened({ slots: [await archived("deep/app", [{ ...entry, path: "app" }, link])] });
  await extractContent(pkg, findSlot(pkg, "app"), output);
  expect(readdirSync(output)).toEqual(["deep"]);
  expect(readlinkSync(join(output, "deep", "app", "outside"))).toBe("../../lib/x");
});

test("an archive that has more than the slot's folder is unpacked whole", async () => {
  const pkg = await opened({
    slots: [
      await archived("app", [
        { ...entry, path: "app" },
        { ...entry, path: "more" },
      ]),
    ],
  });
  await extractContent(pkg, findSlot(pkg, "app"), output);
  expect(readdirSync(output).sort()).toEqual(["app", "more"]);
});

test("folders that the package asks for are no slot's", async () => {
  const about = { workenv: { directories: [{ path: "logs" }], env: {} } };
  const pkg = await opened({ slots: [treeSlot("tree", tree, { target: "a/tree" })], about });
  expect(pkg.metadata.workenv.directories).toHaveLength(1);
  await extractContent(pkg, pkg.slots[0] as Slot, output);
  expect(readdirSync(output).toSorted()).toEqual(["run.sh", "sub"]);
});

const canUseThreads = availableParallelism() > 1;
if (!canUseThreads) process.stderr.write("skipped: threads that extract, there is one processor only\n");

test.if(canUseThreads)("threads help with a large slot, which comes out the same", async () => {
  for (const name of ["a", "b"])
    writeFileSync(join(tree, name), new Uint8Array(9_000_000).fill(name.charCodeAt(0)));
  const path = join(root, "app.psp");
  writeFileSync(path, await packageBytes({ slots: [treeSlot("tree", tree, { target: "tree" })] }));
  using source = openFileSource(path);
  let started = 0;
  const startThread = () => {
    started++;
    return new Worker(new URL("../tests/support/unpack-thread.ts", import.meta.url).href);
  };
  const told: number[] = [];
  const onBytes = (count: number) => void told.push(count);
  await extractAll(await openPackage(source), output, { startThread, onBytes });
  expect(started).toBeGreaterThan(0);
  expect(readFileSync(join(output, "00_tree", "b"))).toEqual(readFileSync(join(tree, "b")));
  expect(readdirSync(join(output, "00_tree")).toSorted()).toEqual(["a", "b", "run.sh", "sub"]);
  expect(told.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(18_000_000);
});

test("the slot's folder keeps a mode that allows no writing", async () => {
  const pkg = await opened({ slots: [await archived("app", [{ ...entry, path: "app", mode: 0o555 }])] });
  await extractContent(pkg, findSlot(pkg, "app"), output);
  expect(statSync(output).mode & 0o777).toBe(0o555);
});

test("a folder that nobody may write to is extracted, and keeps its mode", async () => {
  chmodSync(join(tree, "sub"), 0o555);
  chmodSync(tree, 0o555);
  const pkg = await opened({ slots: [treeSlot("app", tree)] });
  await extractContent(pkg, findSlot(pkg, "app"), output);
  expect(statSync(join(output, "sub")).mode & 0o777).toBe(0o555);
  expect(beside()).toEqual(["out"]);
});

test("stored bytes are written as they are", async () => {
  const pkg = await opened({ slots: [fileSlot("text", "a".repeat(1000), { operations: ["GZIP"] })] });
  await extractStored(pkg, findSlot(pkg, "text"), output);
  const stored = readFileSync(output);
  expect(stored.subarray(0, 2).toString("hex")).toBe("1f8b");
  expect(gunzipSync(stored).toString()).toBe("a".repeat(1000));
});

const obstacles = [
  { name: "a file", state: "it exists", make: () => writeFileSync(output, "mine") },
  { name: "an empty folder", state: "it is a folder", make: () => mkdirSync(output) },
  { name: "a link to nothing", state: "it exists", make: () => symlinkSync("nowhere", output) },
];
test.each(obstacles)("$name is not replaced by a file", async ({ make, state }) => {
  make();
  const pkg = await opened({ slots: [fileSlot("a", "new")] });
  for (const extract of [extractContent, extractStored])
    expect(await failureOf(() => extract(pkg, findSlot(pkg, "a"), output))).toMatchObject({
      code: "output-exists",
      exitCode: 106,
      message: `Cannot write ${output}: ${state}`,
    });
  expect(beside()).toEqual(["out"]);
});

test.skipIf(process.platform === "win32")("what is no regular file stays, also with replace", async () => {
  Bun.spawnSync(["mkfifo", output]);
  const pkg = await opened({ slots: [fileSlot("a", "new")] });
  for (const extract of [extractContent, extractStored])
    expect(await failureOf(() => extract(pkg, findSlot(pkg, "a"), output, { replace: true }))).toMatchObject({
      code: "output-exists",
      message: `Cannot write ${output}: it is no regular file`,
    });
  expect(lstatSync(output).isFIFO()).toBe(true);
});

test("links that go in circles are links, not folders to walk into", async () => {
  const up = { ...entry, path: "app/a/b/up", kind: "symlink", linkName: "../.." } as const;
  const folders = ["app", "app/a", "app/a/b"].map((path) => ({ ...entry, path }));
  const pkg = await opened({ slots: [await archived("app", [...folders, up])] });
  await extractContent(pkg, findSlot(pkg, "app"), output);
  expect(readlinkSync(join(output, "a", "b", "up"))).toBe("../..");
});

test("with replace, a file replaces a file, a link is replaced and not followed, a folder stays", async () => {
  const pkg = await opened({ slots: [fileSlot("a", "new")] });
  const slot = findSlot(pkg, "a");
  writeFileSync(join(root, "work", "precious"), "precious");
  symlinkSync("precious", output);
  await extractContent(pkg, slot, output, { replace: true });
  await extractStored(pkg, slot, output, { replace: true });
  await extractContent(pkg, slot, output, { replace: true });
  expect(readFileSync(output, "utf8")).toBe("new");
  expect(lstatSync(output).isFile()).toBe(true);
  expect(readFileSync(join(root, "work", "precious"), "utf8")).toBe("precious");
  expect(await failureOf(() => extractContent(pkg, slot, tree, { replace: true }))).toMatchObject({
    code: "output-exists",
  });
  expect(readdirSync(tree)).toContain("run.sh");
});

test.each([{}, { replace: true }])(
  "a folder that holds anything stays, with the options %p",
  async (options) => {
    const pkg = await opened({ slots: [treeSlot("app", tree), fileSlot("a", "new")] });
    mkdirSync(output);
    writeFileSync(join(output, "run.sh"), "mine");
    for (const deed of [
      () => extractContent(pkg, findSlot(pkg, "app"), output, options),
      () => extractContent(pkg, findSlot(pkg, "a"), output, options),
      () => extractStored(pkg, findSlot(pkg, "a"), output, options),
      () => extractAll(pkg, output),
    ])
      expect(await failureOf(deed)).toMatchObject({
        code: "output-exists",
        hint: "name a new file or folder",
      });
    expect(readFileSync(join(output, "run.sh"), "utf8")).toBe("mine");
    expect(readdirSync(output)).toEqual(["run.sh"]);
    expect(beside()).toEqual(["out"]);
  },
);

test("an empty folder makes room for a folder, and a file does not", async () => {
  const pkg = await opened({ slots: [treeSlot("app", tree)] });
  mkdirSync(output);
  await extractContent(pkg, findSlot(pkg, "app"), output);
  expect(readdirSync(output).sort()).toEqual(["run.sh", "sub"]);
  const file = join(root, "work", "file");
  writeFileSync(file, "mine");
  expect(
    await failureOf(() => extractContent(pkg, findSlot(pkg, "app"), file, { replace: true })),
  ).toMatchObject({ code: "output-exists" });
  expect(readFileSync(file, "utf8")).toBe("mine");
});

test("the folder that we stand in, or one above it, is never written to", async () => {
  // All of them are folders of this test, and empty but for each other: a fault of the guard costs nothing.
  const here = join(root, "stand", "here");
  mkdirSync(here, { recursive: true });
  const pkg = await opened({ slots: [treeSlot("app", tree)] });
  const before = process.cwd();
  process.chdir(here);
  try {
    for (const folder of [here, join(root, "stand"), "."])
      expect(
        await failureOf(() => extractContent(pkg, findSlot(pkg, "app"), folder, { replace: true })),
      ).toMatchObject({
        code: "output-exists",
        message: `Cannot write ${folder}: the current folder lies in it`,
      });
  } finally {
    process.chdir(before);
  }
  expect(readdirSync(join(root, "stand"), { recursive: true })).toEqual(["here"]);
});

/** The package with one bit of a slot's stored bytes turned. */
async function damaged(recipe: Recipe): Promise<Package> {
  const bytes: Bytes = await packageBytes(recipe);
  const { slots } = await openPackage(memorySource(bytes));
  const at = (slots[0]?.stored.offset ?? 0) + 4;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return openPackage(memorySource(bytes));
}

test("of damaged bytes nothing appears, and what was there stays", async () => {
  const cases = [
    await damaged({ slots: [fileSlot("a", "some content", { operations: [] })] }),
    await damaged({ slots: [treeSlot("a", tree, { operations: ["TAR"] })] }),
  ];
  for (const pkg of cases) {
    for (const extract of [extractContent, extractStored])
      expect(await failureOf(() => extract(pkg, findSlot(pkg, "a"), output))).toMatchObject({
        code: "slot-checksum-mismatch",
      });
    expect(await failureOf(() => extractAll(pkg, output))).toMatchObject({ code: "slot-checksum-mismatch" });
    expect(beside()).toEqual([]);
  }
  writeFileSync(output, "old");
  for (const extract of [extractContent, extractStored])
    expect(
      await failureOf(() =>
        extract(cases[0] as Package, findSlot(cases[0] as Package, "a"), output, { replace: true }),
      ),
    ).toMatchObject({ code: "slot-checksum-mismatch" });
  expect(readFileSync(output, "utf8")).toBe("old");
  expect(beside()).toEqual(["out"]);
});

test("all slots come under names that cannot lead elsewhere, the signed JSON beside them", async () => {
  const pkg = await opened({
    slots: [
      treeSlot("app", tree),
      fileSlot("../../x y", "text", { target: "b" }),
      selfSlot("self"),
      fileSlot("..", "dots", { target: "d" }),
    ],
  });
  const extracted = await extractAll(pkg, output);
  expect(extracted.map(({ name }) => name)).toEqual(["00_app", "01_.._.._x_y", "03_.."]);
  expect(readdirSync(output).sort()).toEqual(["00_app", "01_.._.._x_y", "03_..", "metadata.json"]);
  expect(readFileSync(join(output, "01_.._.._x_y"), "utf8")).toBe("text");
  expect(readFileSync(join(output, "metadata.json"))).toEqual(Buffer.from(pkg.json));
  expect(beside()).toEqual(["out"]);
});

test("an empty folder is free, and a package without slots has its metadata", async () => {
  mkdirSync(output);
  await extractAll(await opened({}), output);
  expect(readdirSync(output)).toEqual(["metadata.json"]);
  expect(await failureOf(async () => extractAll(await opened({}), output))).toMatchObject({
    code: "output-exists",
  });
});

test("the slot that is the package itself holds nothing", async () => {
  const pkg = await opened({ slots: [selfSlot("self")] });
  for (const extract of [extractContent, extractStored])
    expect(await failureOf(() => extract(pkg, findSlot(pkg, "self"), output))).toMatchObject({
      code: "slot-not-found",
    });
  expect(beside()).toEqual([]);
});
