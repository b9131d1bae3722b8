import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { openFileSource } from "../../format/io/byte-source.ts";
import { removeTree } from "../../format/io/remove-tree.ts";
import { openPackage } from "../../format/reader.ts";
import { sha256Hex } from "../../format/wire/hashes.ts";
import { unpackSlots } from "../../format/workenv/unpacking/unpack.ts";
import { testLauncher } from "../support/compiled.ts";
import { failureOf } from "../support/failure.ts";
import { packApp, runPackage, writeFiles } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

// Large slots are unpacked by several threads of the launcher; nobody can tell from the result.

const canUseThreads = availableParallelism() > 1;
if (!canUseThreads) process.stderr.write("skipped: threads, there is one processor only\n");

const MANIFEST = `
[package]
name = "threads"
version = "1"
[execution]
command = "/bin/cat {workenv}/one/small.txt"
${[
  ["one", "one", "tar|zstd"],
  ["two", "lib/two", "tar|gzip"],
  ["three", "lib/three", "tar|zstd"],
  ["raw", "share/raw.bin", "raw"],
  ["over", "one", "tar|zstd"],
  ["large", "share/large.bin", "zstd"],
]
  .map(([source, target, chain]) => {
    const isFolder = chain?.startsWith("tar") === true;
    const name = isFolder ? source : `${source}.bin`;
    const times = isFolder ? "keep_times = true\n" : "";
    return `[[slots]]\nid = "${source}"\nsource = "${name}"\ntarget = "${target}"\noperations = "${chain}"\n${times}`;
  })
  .join("")}`;

const noise = (size: number, seed: number): Uint8Array => {
  const bytes = new Uint8Array(size);
  for (let i = 0, x = seed; i < size; i++) {
    x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff;
    bytes[i] = i % 16 === 0 ? x >> 16 : 7;
  }
  return bytes;
};

let dir: ReturnType<typeof tempDir>;
let path: string;
beforeAll(async () => {
  dir = tempDir();
  const files: Record<string, string | Uint8Array> = {
    "raw.bin": noise(5_000_000, 9),
    "large.bin": noise(20_000_000, 10),
    "three/large": noise(20_000_000, 11),
    "over/small.txt": "from over",
  };
  for (const [i, name] of ["one", "two", "three"].entries())
    for (let k = 0; k < 30; k++) files[`${name}/d${k % 5}/f${k}`] = noise(400_000, i * 100 + k + 1);
  files["one/small.txt"] = "from one";
  files["two/tool"] = "#!/bin/sh\n";
  writeFiles(dir.path, files);
  symlinkSync("d1/f1", join(dir.path, "three", "link"));
  chmodSync(join(dir.path, "two", "d2"), 0o555);
  const launcher = (await testLauncher()).path;
  path = await packApp(dir.path, MANIFEST, {}, { launcher });
}, 60_000);
afterAll(() => removeTree(dir.path));

/** Everything below a folder: kind, mode, time, content. */
const treeOf = (root: string): readonly string[] =>
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .toSorted()
    .map((name) => {
      const file = join(root, name);
      const stats = lstatSync(file);
      if (stats.isSymbolicLink()) return `${name} -> ${readlinkSync(file)}`;
      const mode = (stats.mode & 0o7777).toString(8);
      if (stats.isDirectory()) return `${name}/ ${mode}`;
      // times come from archives; a slot that is one file has that of its writing
      const time = name.endsWith(".bin") ? "" : stats.mtimeMs;
      return `${name} ${mode} ${time} ${sha256Hex(new Uint8Array(readFileSync(file)))}`;
    });

/** The tree that one thread makes of the package. */
async function aloneAt(root: string, from = path): Promise<readonly string[]> {
  using source = openFileSource(from);
  const pkg = await openPackage(source);
  await unpackSlots(pkg, pkg.slots, root);
  return treeOf(root);
}

const start = (home: string, from = path, env = {}) =>
  runPackage(from, [], { home, env: { FLAVOR_LOG_LEVEL: "debug", FLAVOR_DURABLE: "0", ...env } });

const workenvOf = (home: string): string => {
  const [id] = readdirSync(join(home, "cache")).filter((name) => /^[0-9a-f]{16}$/.test(name));
  return join(home, "cache", id as string);
};
const stagingOf = (home: string) => readdirSync(join(home, "cache", ".store", "v1", "staging"));

test.if(canUseThreads)(
  "the tree is the one that a single thread makes",
  async () => {
    using out = tempDir();
    const home = join(out.path, "home");
    const { stdout, stderr, exitCode } = await start(home);
    expect([stdout, exitCode]).toEqual(["from over", 0]);
    expect(stderr).toMatch(/unpacked by \d threads/);
    expect(treeOf(workenvOf(home))).toEqual(await aloneAt(join(out.path, "alone")));
    removeTree(out.path);
  },
  30_000,
);

/** A copy of the package in which a stored byte of these slots is another one. */
async function damagedAt(slots: readonly number[], to: string): Promise<void> {
  const bytes = readFileSync(path);
  using source = openFileSource(path);
  const pkg = await openPackage(source);
  for (const index of slots) {
    const { offset, size } = pkg.slots[index]?.stored ?? { offset: 0, size: 0 };
    bytes[offset + (size >> 1)] = (bytes[offset + (size >> 1)] as number) ^ 0xff;
  }
  writeFileSync(to, bytes, { mode: 0o755 });
}

test.if(canUseThreads)(
  "of several damaged slots the first is named, and nothing of the others is kept",
  async () => {
    using out = tempDir();
    const [home, damaged] = [join(out.path, "home"), join(out.path, "damaged.psp")];
    await damagedAt([3, 1], damaged);
    const expected = await failureOf(() => aloneAt(join(out.path, "alone"), damaged));
    const { stderr, exitCode } = await start(home, damaged);
    expect(exitCode).toBe(107);
    expect(stderr).toContain("unpacking again, one thing after the other");
    expect(stderr).toContain(`damaged.psp: ${expected.message} [${expected.code}]\n`);
    expect(stderr).toContain(`hint: ${expected.hint}`);
    expect(expected.message).toContain("slot 1 (two)");
    expect(stagingOf(home)).toEqual([]);
    expect(readdirSync(join(home, "cache")).filter((name) => /^[0-9a-f]{16}$/.test(name))).toEqual([]);
    removeTree(out.path);
  },
  30_000,
);

test.if(canUseThreads).each(["slot-unpacked:1", "frame-unpacked:1", "frame-unpacked:3"])(
  "a start that is killed while threads work leaves nothing that the next one does not remove: %s",
  async (point) => {
    using out = tempDir();
    const home = join(out.path, "home");
    const killed = await start(home, path, { FLAVOR_TEST_KILL: point });
    expect(killed.signal).toBe("SIGKILL");
    expect(stagingOf(home)).toHaveLength(1);
    const { stdout, exitCode } = await start(home);
    expect([stdout, exitCode]).toEqual(["from over", 0]);
    expect(stagingOf(home)).toEqual([]);
    removeTree(out.path);
  },
  30_000,
);

test.if(canUseThreads)(
  "no settings of the folder that the user is in reach a thread",
  async () => {
    using out = tempDir();
    const cwd = join(out.path, "cwd");
    writeFiles(cwd, {
      "bunfig.toml": 'preload = ["./preload.js"]',
      "preload.js": 'process.stderr.write("PRELOADED");',
      ".env": "FLAVOR_TEST_KILL=slot-unpacked:1",
    });
    const { stderr, exitCode } = await runPackage(path, [], {
      home: join(out.path, "home"),
      cwd,
      env: { FLAVOR_LOG_LEVEL: "debug", FLAVOR_DURABLE: "0" },
    });
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/unpacked by \d threads/);
    expect(stderr).not.toContain("PRELOADED");
    removeTree(out.path);
  },
  30_000,
);
