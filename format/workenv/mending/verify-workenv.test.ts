import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { failureOf } from "../../../tests/support/failure.ts";
import { fileSlot, packageBytes, type Recipe, treeSlot } from "../../../tests/support/packages.ts";
import type { WorkenvLayout } from "../../cache/layout.ts";
import { acquire, tryShare } from "../../cache/locks/lock.ts";
import { memorySource } from "../../io/byte-source.ts";
import { openPackage } from "../../reader.ts";
import { rawArchive } from "../../tar/testing.ts";
import { findReady } from "../entry.ts";
import { repairWorkenv, type RepairRequest } from "./repair-workenv.ts";
import type { IndexedFile } from "./stat-index.ts";
import { createWorkshop } from "../testing.ts";
import { verifyWorkenv } from "./verify-workenv.ts";

let shop: ReturnType<typeof createWorkshop>;
let source: string;
let layout: WorkenvLayout;
let digest: Parameters<typeof findReady>[1];
beforeEach(async () => {
  shop = createWorkshop();
  source = join(shop.path, "app.psp");
});
afterEach(() => shop[Symbol.dispose]());

const BIG = new Uint8Array(3_000_000).map((_, i) => (i * 7919) >> 5);

/** Folders, files small and large, links of both kinds, a slot that is one file, and one of the user's. */
function recipe(more: Recipe["about"] = {}): Recipe {
  const tree = join(shop.path, "tree");
  mkdirSync(join(tree, "deep"), { recursive: true });
  for (const [name, content] of [
    ["one", "first"],
    ["two", "second"],
    ["deep/big", BIG],
  ] as const)
    writeFileSync(join(tree, name), content);
  symlinkSync("one", join(tree, "link"));
  const raw = rawArchive(
    { name: "raw/a", body: "the same bytes" },
    { name: "raw/b", type: "1", linkName: "raw/a" },
    { name: "raw/twice", body: "before" },
    { name: "raw/twice", body: "after!" },
  );
  return {
    slots: [
      treeSlot("app", tree, { operations: ["TAR", "ZSTD"] }),
      fileSlot("raw", raw, { target: "raw", operations: ["TAR"] }),
      fileSlot("single", "one file"),
      fileSlot("settings", "colour = blue", { lifecycle: "config" }),
      fileSlot("cached", "worked out before", { lifecycle: "cache" }),
      // A later slot wins over an earlier one.
      fileSlot("over", "SECOND", { target: "app/two" }),
      // Nobody has asked for it: it is not there.
      fileSlot("lazy", "other", { target: "app/one", lifecycle: "lazy" }),
    ],
    about: { setupCommands: [], ...more },
  };
}

const make = (more: Recipe["about"] = {}) => makeFrom(recipe(more));
async function makeFrom(what: Recipe) {
  const bytes = await packageBytes(what);
  writeFileSync(source, bytes);
  const pkg = await openPackage(memorySource(bytes, source));
  digest = pkg.index.digest;
  layout = await shop.ensure(pkg, { source });
}

const at = (path: string) => join(layout.content, path);
const isReady = () => findReady(layout, digest) !== undefined;

/** Runs something that changes a file, and gives it its time back. */
function secretly(path: string, change: () => void): void {
  const stamp = join(shop.path, "stamp");
  Bun.spawnSync(["cp", "-p", at(path), stamp]);
  change();
  // Not utimes: JavaScript has no numbers for all digits of a time.
  expect(Bun.spawnSync(["touch", "-r", stamp, at(path)]).exitCode).toBe(0);
}

/** Other bytes, with size and time as they were: what a failing disk makes of a file. */
const rot = (path: string): void =>
  secretly(path, () => writeFileSync(at(path), new Uint8Array(statSync(at(path)).size).fill(7)));

const pathsOf = (files: readonly IndexedFile[] = []) => files.map(([path]) => path).toSorted();
async function verified(path?: string) {
  const { missing, truncated, changed, damaged, ...rest } = (await verifyWorkenv(layout, path)) ?? {};
  const found = { missing, truncated, changed, damaged };
  const named = Object.entries(found).flatMap(([what, files]) => pathsOf(files).map((one) => [what, one]));
  return { found: named, ...rest };
}
const repaired = async (request: Partial<RepairRequest> = {}) => {
  const { repaired: files, ofSetup, changed } = await repairWorkenv(layout, { extent: "damage", ...request });
  return { files: pathsOf(files), ofSetup: pathsOf(ofSetup), changed: pathsOf(changed) };
};

test("a workenv as it was made has nothing wrong, every byte compared", async () => {
  await make();
  expect(await verified()).toEqual({ found: [], intact: 9, ofSetup: 0, compared: { with: source } });
  expect(await repaired()).toEqual({ files: [], ofSetup: [], changed: [] });
});

test("nor has one in a cache whose folders take their group from the one around them", async () => {
  chmodSync(shop.path, 0o2755);
  mkdirSync(join(shop.path, "tree", "empty"), { recursive: true });
  const { slots = [] } = recipe();
  await makeFrom({ slots: slots.filter(({ lifecycle }) => lifecycle === "runtime") });
  expect((await verified()).found).toEqual([]);
});

test.each(["app/one", "app/two", "app/deep/big", "raw/a", "raw/b", "raw/twice", "share/single"])(
  "%s with other bytes, but the size and time that it had, is damaged; repaired it is as it was",
  async (path) => {
    await make();
    const before = readFileSync(at(path));
    rot(path);
    expect((await verified()).found).toEqual([["damaged", path]]);
    const { files } = await repaired();
    expect(files).toEqual([path]);
    expect(readFileSync(at(path)).equals(before)).toBe(true);
    expect((await verified()).found).toEqual([]);
    expect(isReady()).toBe(true);
  },
);

test("a single changed byte anywhere in a large file is found", async () => {
  await make();
  for (const offset of [0, 1_048_576, BIG.length - 1]) {
    const bytes = BIG.slice();
    bytes[offset] = (bytes[offset] as number) ^ 1;
    secretly("app/deep/big", () => writeFileSync(at("app/deep/big"), bytes));
    expect((await verified()).found).toEqual([["damaged", "app/deep/big"]]);
  }
});

test("a link to elsewhere is damaged, though it is as long as before", async () => {
  await make();
  rmSync(at("app/link"));
  symlinkSync("two", at("app/link"));
  expect((await verified()).found).toEqual([["damaged", "app/link"]]);
  await repaired();
  expect(readlinkSync(at("app/link"))).toBe("one");
});

test("each kind is told apart; what was changed is put back only when asked for", async () => {
  await make();
  rmSync(at("app/deep"), { recursive: true });
  truncateSync(at("raw/a"), 3);
  writeFileSync(at("app/one"), "first, and more");
  rot("share/single");
  writeFileSync(at("share/settings"), "colour = red, and much longer");
  const { found } = await verified();
  expect(found).toEqual([
    ["missing", "app/deep"],
    ["missing", "app/deep/big"],
    ["truncated", "raw/a"],
    ["changed", "app/one"],
    ["damaged", "share/single"],
  ]);
  expect(await repaired()).toEqual({
    files: ["app/deep", "app/deep/big", "raw/a", "share/single"],
    ofSetup: [],
    changed: ["app/one"],
  });
  expect((await verified()).found).toEqual([["changed", "app/one"]]);
  expect(await repaired({ extent: "everything" })).toEqual({ files: ["app/one"], ofSetup: [], changed: [] });
  expect(readFileSync(at("app/one"), "utf8")).toBe("first");
  expect(readFileSync(at("share/settings"), "utf8")).toBe("colour = red, and much longer");
  expect((await verified()).found).toEqual([]);
});

test("repairing is no use, and needs no end of the application", async () => {
  await make();
  const then = Math.floor(Date.now() / 1000) - 7200;
  utimesSync(layout.marker, then, then);
  using lease = tryShare(layout.lock) as Disposable;
  expect(lease).toBeObject();
  rot("app/one");
  expect((await repaired()).files).toEqual(["app/one"]);
  expect(statSync(layout.marker).mtimeMs).toBe(then * 1000);
});

test.each(["suspected", "repaired"] as const)(
  "a repair that ends at %s is finished by the next start",
  async (point) => {
    await make();
    rmSync(at("app/one"));
    try {
      globalThis.failPoint = (name) => {
        if (name === point) throw new Error("killed");
      };
      await expect(repaired()).rejects.toThrow("killed");
    } finally {
      globalThis.failPoint = undefined;
    }
    expect(isReady()).toBe(false);
    await shop.ensure(await openPackage(memorySource(new Uint8Array(readFileSync(source)), source)), {
      source,
    });
    expect(readFileSync(at("app/one"), "utf8")).toBe("first");
    expect([isReady(), (await verified()).found]).toEqual([
      true,
      point === "repaired" ? [["changed", "app/one"]] : [],
    ]);
  },
);

describe("the package file", () => {
  test("that is gone or another one leaves sizes and times to look at", async () => {
    await make();
    rot("app/one");
    rmSync(at("app/two"));
    const away = `${source}.away`;
    renameSync(source, away);
    expect(await verified()).toMatchObject({
      found: [["missing", "app/two"]],
      compared: { not: `${source} is not there any more` },
    });
    expect(await failureOf(() => repaired())).toMatchObject({
      code: "workenv-damaged",
      exitCode: 103,
      message: `Cannot repair the workenv ${layout.id}: ${source} is not there any more`,
      hint: "--package FILE names the package's file",
    });
    expect((await verified(away)).found).toEqual([
      ["missing", "app/two"],
      ["damaged", "app/one"],
    ]);
    writeFileSync(source, await packageBytes({ about: { package: { name: "other", version: "2" } } }));
    expect((await verified()).compared).toEqual({ not: `${source} is another package now` });
    expect(await failureOf(() => verified(source))).toMatchObject({ code: "bad-arguments" });
    writeFileSync(source, "no package");
    expect((await verified()).compared).toEqual({ not: `${source} is another package now` });
    expect((await repaired({ path: away })).files).toEqual(["app/one", "app/two"]);
  });

  test("that is damaged is no measure: nothing is put back from it", async () => {
    await make();
    const bytes = readFileSync(source);
    const where = bytes.indexOf("one file");
    bytes.write("One", where);
    writeFileSync(source, bytes);
    rmSync(at("share/single"));
    expect((await failureOf(() => repaired())).code).toBe("slot-checksum-mismatch");
    expect(existsSync(at("share/single"))).toBe(false);
  });
});

const SETUP = [
  { type: "execute", command: "sh -c 'echo made > {workenv}/made; echo more >> {workenv}/app/one'" },
] as const;

test("what setup commands made or changed is not compared, and cannot be put back alone", async () => {
  await make({ setupCommands: SETUP });
  expect(await verified()).toMatchObject({ found: [], ofSetup: 2 });
  rmSync(at("made"));
  rot("app/two");
  expect(await repaired()).toEqual({ files: ["app/two"], ofSetup: ["made"], changed: [] });
  // The next start makes it anew.
  expect(isReady()).toBe(false);
});

test("one that is not complete, or whose record is unreadable, is neither verified nor repaired", async () => {
  await make();
  writeFileSync(layout.files, "{}");
  expect(await verifyWorkenv(layout)).toBeUndefined();
  expect(await failureOf(() => repaired())).toMatchObject({
    code: "workenv-damaged",
    hint: "the next start makes it anew",
  });
});

test("while a launcher makes it, a repair does not wait", async () => {
  await make();
  using _making = await acquire(layout.making, () => {});
  expect(await failureOf(() => repaired())).toMatchObject({ code: "workenv-busy", exitCode: 106 });
});

test("a file whose mode is another one was changed, and is left so", async () => {
  await make();
  chmodSync(at("app/one"), 0);
  expect((await verified()).found).toEqual([["changed", "app/one"]]);
  expect(lstatSync(at("app/one")).mode & 0o777).toBe(0);
});

test("what a cache slot holds now is the application's: it is neither compared nor put back", async () => {
  await make();
  const path = join(layout.content, "share/cached");
  writeFileSync(path, "worked out later");
  expect((await verifyWorkenv(layout))?.damaged).toEqual([]);
  await repairWorkenv(layout, { extent: "damage" });
  expect(readFileSync(path, "utf8")).toBe("worked out later");
});
