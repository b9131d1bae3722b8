import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { openTreeWriter } from "../../format/io/tree-writer.ts";
import { CUT_SIZES } from "../../format/tar/archive-part.ts";
import { collect, outcome, pathsBelow, run, tempDir } from "../../format/tar/testing.ts";
import { unpackTar } from "../../format/tar/unpack.ts";
import { writeTar } from "../../format/tar/write-tar.ts";
import { listTree, type TreeRules } from "./tree.ts";

const posix = process.platform !== "win32";
if (!posix)
  process.stderr.write("skipped: tests of fifos, sockets, modes and names in bytes, Windows has none\n");

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
});
afterEach(() => dir[Symbol.dispose]());

const at = (path: string) => join(dir.path, path);

function make(...paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(path.endsWith("/") ? at(path) : dirname(at(path)), { recursive: true });
    if (!path.endsWith("/")) writeFileSync(at(path), path);
  }
}

const list = (rules?: TreeRules) => listTree(dir.path, rules).map(({ path }) => path);

test("entries say what they are", () => {
  make("d/f", "e/");
  symlinkSync("d/f", at("l"));
  linkSync(at("d/f"), at("z"));
  chmodSync(at("d/f"), 0o640);
  chmodSync(at("e"), 0o4711);
  utimesSync(at("d/f"), 7.9, 7.9);
  const tree = listTree(dir.path);
  expect(tree).toMatchObject([
    { path: "d", kind: "directory", size: 0, absolute: at("d") },
    { path: "d/f", kind: "file", size: 3, mtime: 7 },
    { path: "e", kind: "directory", size: 0 },
    { path: "l", kind: "symlink", size: 0, linkName: "d/f" },
    { path: "z", kind: "file", size: 3 },
  ]);
  if (posix) expect([tree[1]?.mode, tree[2]?.mode]).toEqual([0o640, 0o711]);
});

describe("the order", () => {
  test("is that of the bytes of the path", () => {
    make("b/x", "b-c", "B", "a", "b.d", "\u{1f4e6}", "\uff21", "é", "z");
    expect(list()).toEqual(["B", "a", "b", "b-c", "b.d", "b/x", "z", "é", "\uff21", "\u{1f4e6}"]);
  });

  test("has every folder in front of what is in it", () => {
    const name = fc.string({
      unit: fc.constantFrom("a", "B", "-", ".", "é", "~"),
      minLength: 1,
      maxLength: 3,
    });
    const path = fc.array(
      name.filter((text) => !/^\.\.?$/.test(text)),
      { minLength: 1, maxLength: 3 },
    );
    fc.assert(
      fc.property(fc.array(path, { maxLength: 6 }), (paths) => {
        for (const parts of paths) mkdirSync(at(parts.join("/")), { recursive: true });
        const listed = list();
        for (const [i, one] of listed.entries())
          if (one.includes("/")) expect(listed.slice(0, i)).toContain(dirname(one));
        for (const below of pathsBelow(dir.path)) rmSync(at(below), { recursive: true, force: true });
      }),
      { numRuns: 30 },
    );
  });
});

describe("rules", () => {
  beforeEach(() =>
    make(
      "bin/run",
      "lib/a.py",
      "lib/a.pyc",
      "lib/sub/b.pyc",
      "lib/sub/__pycache__/c",
      "empty/",
      ".git/x",
      "README",
    ),
  );

  test.each([
    [
      {},
      [
        ".git",
        ".git/x",
        "README",
        "bin",
        "bin/run",
        "empty",
        "lib",
        "lib/a.py",
        "lib/a.pyc",
        "lib/sub",
        "lib/sub/__pycache__",
        "lib/sub/__pycache__/c",
        "lib/sub/b.pyc",
      ],
    ],
    [
      { include: [] },
      [
        ".git",
        ".git/x",
        "README",
        "bin",
        "bin/run",
        "empty",
        "lib",
        "lib/a.py",
        "lib/a.pyc",
        "lib/sub",
        "lib/sub/__pycache__",
        "lib/sub/__pycache__/c",
        "lib/sub/b.pyc",
      ],
    ],
    [{ exclude: [".git", "lib"] }, ["README", "bin", "bin/run", "empty"]],
    [
      { exclude: ["**/*.pyc", "**/__pycache__", ".git/", "empty"] },
      ["README", "bin", "bin/run", "lib", "lib/a.py", "lib/sub"],
    ],
    [{ exclude: ["lib/**", ".*"] }, ["README", "bin", "bin/run", "empty", "lib"]],
    [{ include: ["**/*.pyc"] }, ["lib", "lib/a.pyc", "lib/sub", "lib/sub/b.pyc"]],
    [{ include: ["bin", "empty"] }, ["bin", "bin/run", "empty"]],
    [{ include: ["lib/**"], exclude: ["lib/sub"] }, ["lib", "lib/a.py", "lib/a.pyc"]],
    [
      { include: ["lib"], exclude: ["**/*.py*"] },
      ["lib", "lib/sub", "lib/sub/__pycache__", "lib/sub/__pycache__/c"],
    ],
    [{ include: ["nothing"] }, []],
    [{ exclude: ["**"] }, []],
  ] satisfies [TreeRules, string[]][])("%j", (rules, wanted) => {
    expect(list(rules)).toEqual(wanted);
  });

  test("what is excluded is not looked at", () => {
    symlinkSync("/etc", at("lib/out"));
    expect(list({ exclude: ["lib"] })).not.toContain("lib");
    expect(list({ include: ["bin"] })).toEqual(["bin", "bin/run"]);
  });
});

describe("links", () => {
  test("are not followed", () => {
    make("d/f");
    symlinkSync("d", at("l"));
    symlinkSync(".", at("d/loop"));
    symlinkSync("missing", at("dangling"));
    expect(list()).toEqual(["d", "d/f", "d/loop", "dangling", "l"]);
  });

  test.each(["/etc/passwd", "..", "../x", "d/../../x", "d/.."])("to %s are refused", async (target) => {
    symlinkSync(target, at("l"));
    expect(await outcome(() => list())).toBe("build-failed");
    expect(() => list()).toThrow(at("l"));
    expect(list({ exclude: ["l"] })).toEqual([]);
  });
});

describe.skipIf(!posix)("refused by name", () => {
  test("a fifo", async () => {
    run(["mkfifo", "pipe"], dir.path);
    expect(await outcome(() => list())).toBe("build-failed");
    expect(() => list()).toThrow(at("pipe"));
    expect(list({ exclude: ["pipe"] })).toEqual([]);
  });

  test("a socket", async () => {
    const server = createServer();
    await new Promise<void>((ready) => server.listen(at("socket"), ready));
    try {
      expect(await outcome(() => list())).toBe("build-failed");
      expect(() => list()).toThrow(at("socket"));
    } finally {
      server.close();
    }
  });

  test("a file name that is not UTF-8", async () => {
    make("d/");
    try {
      writeFileSync(Buffer.concat([Buffer.from(at("d/x")), Buffer.of(0xff)]), "");
    } catch {
      // macOS does not make such names: then there is nothing to refuse
      process.stderr.write("skipped: this file system takes UTF-8 names only\n");
      return;
    }
    expect(await outcome(() => list())).toBe("build-failed");
    expect(() => list()).toThrow(at("d"));
  });

  test("a link target that is not UTF-8", async () => {
    symlinkSync(Buffer.of(0x78, 0xff), at("l"));
    expect(await outcome(() => list())).toBe("build-failed");
  });
});

const asNobody = posix && process.getuid?.() === 0 ? Bun.which("setpriv") : null;
const canLackPermission = posix && (process.getuid?.() !== 0 || asNobody !== null);
if (!canLackPermission)
  process.stderr.write("skipped: test of unreadable files, everything is readable to this user\n");

test.skipIf(!canLackPermission).each(["file", "folder/"])(
  "an unreadable %s is an error of the disk",
  async (path) => {
    make(path);
    chmodSync(at(path), 0);
    chmodSync(dir.path, 0o755);
    const script = `
    const { listTree } = await import(${JSON.stringify(join(import.meta.dir, "tree.ts"))});
    try { listTree(${JSON.stringify(dir.path)}); } catch (error) { process.stdout.write(error.code + " " + error.message); }`;
    const prefix = asNobody === null ? [] : [asNobody, "--reuid=65534", "--regid=65534", "--clear-groups"];
    const child = Bun.spawnSync([...prefix, process.execPath, "-e", script], {
      cwd: "/",
      env: { HOME: dir.path },
    });
    chmodSync(at(path), 0o700);
    expect(child.stdout.toString() + child.stderr.toString()).toMatch(
      /^io-failed Cannot (read|list) .*(file|folder)$/,
    );
  },
);

test("without a C library the tree is the same", () => {
  make("b/x", "b-c", "B/.hidden/y", "e/", "\u{1f4e6}", "\uff21");
  symlinkSync("x", at("b/l"));
  utimesSync(at("b/x"), 7.9, -7.9);
  const pickedOf = (tree: ReturnType<typeof listTree>) =>
    tree.map(({ stats: { mode, size, ino, dev, mtimeMs, ctimeMs }, ...entry }) => {
      return { ...entry, stats: { mode, size, ino, dev, mtimeMs, ctimeMs } };
    });
  const rules = { exclude: ["b-*"] };
  const tree = pickedOf(listTree(dir.path, rules));
  globalThis.isWithout = (what) => what === "libc";
  try {
    expect(pickedOf(listTree(dir.path, rules))).toEqual(tree);
    expect(tree).toHaveLength(9);
  } finally {
    globalThis.isWithout = undefined;
  }
});

test("what is missing is an error of the disk", async () => {
  expect(await outcome(() => listTree(at("missing")))).toBe("io-failed");
});

test.each(["grew", "shrank", "became a folder"])(
  "a file that %s since it was listed is not packed",
  async (how) => {
    make("a", "b");
    const tree = listTree(dir.path);
    rmSync(at("b"));
    if (how === "became a folder") mkdirSync(at("b"));
    else writeFileSync(at("b"), how === "grew" ? "longer" : "");
    const packing = collect(writeTar(tree));
    expect(await outcome(() => packing)).toBe("build-failed");
    await expect(packing).rejects.toThrow(at("b"));
  },
);

test("a file that grows while it is packed is refused", async () => {
  writeFileSync(at("a"), "");
  truncateSync(at("a"), 4 * CUT_SIZES.long);
  const packing = async () => {
    let pieces = 0;
    for await (const _ of writeTar(listTree(dir.path)))
      if (pieces++ === 0) writeFileSync(at("a"), "!", { flag: "a" });
  };
  expect(await outcome(packing)).toBe("build-failed");
});

test("a tree comes back as it was", async () => {
  make("bin/run", "lib/é/x", "lib/empty/", "big");
  writeFileSync(at("big"), new Uint8Array(2_500_000).fill(7));
  chmodSync(at("bin/run"), 0o755);
  chmodSync(at("lib/empty"), 0o555);
  symlinkSync("../bin/run", at("lib/run"));
  const tree = listTree(dir.path);
  using out = tempDir();
  using writer = openTreeWriter(out.path);
  await unpackTar(writeTar(tree, { mtimes: "keep" }), writer, (name) => name);
  writer.finish();
  const comparable = (root: string) =>
    listTree(root).map(({ absolute: _, stats: __, mtime, ...facts }) =>
      facts.kind === "file" ? { ...facts, mtime } : facts,
    );
  expect(comparable(out.path)).toEqual(comparable(dir.path));
  expect(statSync(join(out.path, "big")).size).toBe(2_500_000);
});
