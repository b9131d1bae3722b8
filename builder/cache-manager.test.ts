import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { layoutOf, storeOf, type WorkenvLayout } from "../format/cache/layout.ts";
import { acquire } from "../format/cache/locks/lock.ts";
import { CacheManager } from "./cache-manager.ts";
import { createCache } from "../format/cache/testing.ts";
import { failureOf } from "../tests/support/failure.ts";

let fixture: ReturnType<typeof createCache>;
let manager: CacheManager;
beforeEach(() => {
  fixture = createCache();
  manager = new CacheManager({ cacheDir: fixture.cache });
});
afterEach(() => fixture[Symbol.dispose]());

const DAY_SECONDS = 24 * 60 * 60;

/** Makes the marker of an entry so many days older. */
function age(layout: WorkenvLayout, days: number): void {
  const then = Date.now() / 1000 - days * DAY_SECONDS;
  utimesSync(layout.marker, then, then);
}

/** An entry without package, as a crash may leave one. */
function plant(id: string): WorkenvLayout {
  const layout = layoutOf(fixture.cache, id);
  for (const folder of [layout.content, dirname(layout.marker), dirname(layout.metadata)])
    mkdirSync(folder, { recursive: true });
  writeFileSync(join(layout.content, "file"), "x");
  return layout;
}

const namesInCache = (): readonly string[] => readdirSync(fixture.cache).toSorted();

/** Everything below the cache, folders too. */
const everything = (): readonly string[] =>
  readdirSync(fixture.cache, { recursive: true }).map(String).toSorted();

describe("place", () => {
  test.each([
    [{ FLAVOR_CACHE: "/one", XDG_CACHE_HOME: "/two", HOME: "/three" }, "/one"],
    [{ XDG_CACHE_HOME: "/two", HOME: "/three" }, "/two/flavor/workenv"],
    [{ HOME: "/three" }, "/three/.cache/flavor/workenv"],
  ])("%p", (env, expected) => {
    expect(new CacheManager({ env }).cacheDir).toBe(expected);
  });

  test("a folder that is given wins", () => {
    expect(new CacheManager({ cacheDir: "/mine", env: { FLAVOR_CACHE: "/one" } }).cacheDir).toBe("/mine");
  });

  test("without a home there is the temporary folder, where users have numbers", () => {
    const uid = process.getuid?.();
    if (uid === undefined) expect(() => new CacheManager({ env: {} })).toThrow("home directory");
    else expect(new CacheManager({ env: {} }).cacheDir).toBe(`/tmp/flavor-${uid}/workenv`);
  });

  test("below a file, as with a HOME that is /dev/null, there is no cache either", () => {
    expect(new CacheManager({ env: { HOME: import.meta.path, TMPDIR: fixture.cache } }).listCached()).toEqual(
      [],
    );
  });

  test("a cache that does not exist is empty, and looking does not make it", async () => {
    expect(manager.listCached()).toEqual([]);
    const nothing = { cacheDir: fixture.cache, size: 0, count: 0, ready: 0 };
    expect(manager.info()).toEqual({ ...nothing, places: [{ ...nothing, why: "given" }] });
    expect(await manager.clean()).toEqual({ removed: [], kept: [], busy: [], failed: [], freed: 0 });
    expect(existsSync(fixture.cache)).toBe(false);
  });

  test("a cache that is a file is an error, not an empty one", () => {
    writeFileSync(fixture.cache, "");
    expect(() => manager.listCached()).toThrow("Cannot list");
  });
});

describe("what is there", () => {
  test("ready workenvs with name, version, size and time, the latest first", async () => {
    const old = await fixture.fill("old", "2.1.0");
    const recent = await fixture.fill("recent");
    age(old, 3);
    const [first, second] = manager.listCached();
    expect(first).toMatchObject({ id: recent.id, name: "recent", version: "1.0", ready: true });
    expect(second).toMatchObject({ id: old.id, name: "old", version: "2.1.0", ready: true });
    expect(Date.now() - second!.lastUsed.getTime()).toBeCloseTo(3 * DAY_SECONDS * 1000, -5);
    expect(Date.now() - second!.modified.getTime()).toBeLessThan(DAY_SECONDS * 1000);
    expect(first!.size).toBeGreaterThan(5000);
    expect(manager.info()).toMatchObject({ count: 2, ready: 2, size: manager.getCacheSize() });
    mkdirSync(storeOf(fixture.cache).trash, { recursive: true });
    writeFileSync(join(storeOf(fixture.cache).trash, "left"), new Uint8Array(10_000).fill(1));
    expect(manager.getCacheSize()).toBeGreaterThanOrEqual(first!.size + second!.size + 10_000);
  });

  test("all facts of one", async () => {
    const layout = await fixture.fill("demo");
    const marker = JSON.parse(readFileSync(layout.marker, "utf8"));
    expect(manager.inspectWorkenv(layout.id)).toEqual({
      exists: true,
      id: layout.id,
      cacheDir: fixture.cache,
      name: "demo",
      version: "1.0",
      contentDir: layout.content,
      metadataDir: layout.bookkeeping,
      ready: true,
      marker: { digest: marker.digest, seal: "valid", created: marker.created },
      packageInfo: { name: "demo", version: "1.0", builder: expect.stringMatching(/^flavor \d/) },
      size: expect.any(Number),
      modified: new Date(marker.created),
      lastUsed: expect.any(Date),
      files: 1,
      edited: false,
    });
  });

  test.each(["0123456789abcdef", "..", "../x", "", "0123456789ABCDEF", "a/b"])("%p does not exist", (id) => {
    expect(manager.inspectWorkenv(id)).toEqual({ exists: false, id });
  });
});

describe("damage", () => {
  const damages: readonly [string, (layout: WorkenvLayout) => unknown][] = [
    ["no marker", ({ marker }) => rmSync(marker)],
    ["an empty marker", ({ marker }) => writeFileSync(marker, "")],
    ["a marker of FlavorPack", ({ marker }) => writeFileSync(marker, "complete")],
    ["a marker of null", ({ marker }) => writeFileSync(marker, "null")],
    [
      "a marker that is a folder",
      ({ marker }) => {
        rmSync(marker);
        mkdirSync(join(marker, "deep"), { recursive: true });
      },
    ],
    ["another schema", ({ marker }) => change(marker, "flavor.workenv/", "flavor.workenv/9")],
    ["no digest", ({ marker }) => change(marker, '"digest"', '"other"')],
    [
      "another content under its name",
      ({ content }) => {
        renameSync(content, `${content}.old`);
        mkdirSync(content);
      },
    ],
    ["no content", ({ content }) => rmSync(content, { recursive: true })],
    [
      "a file for its folder",
      ({ bookkeeping }) => {
        rmSync(join(bookkeeping, "instance"), { recursive: true });
        writeFileSync(join(bookkeeping, "instance"), "");
      },
    ],
  ];

  function change(path: string, from: string, to: string): void {
    writeFileSync(path, readFileSync(path, "utf8").replace(from, to));
  }

  test.each(damages)("an entry with %s is not ready, and can be removed", async (_, damage) => {
    const layout = await fixture.fill("demo");
    damage(layout);
    expect(manager.listCached()).toMatchObject([{ id: layout.id, name: "demo", ready: false }]);
    expect(manager.inspectWorkenv(layout.id)).toMatchObject({ exists: true, marker: undefined });
    expect(manager.info()).toMatchObject({ count: 1, ready: 0 });
    await manager.remove(layout.id);
    expect(manager.listCached()).toEqual([]);
    expect([existsSync(layout.content), existsSync(layout.bookkeeping)]).toEqual([false, false]);
  });

  test.each([
    ["no metadata", undefined],
    ["an empty file", ""],
    ["garbage", "\0\0{"],
    ["other types", '{"package": {"name": 5, "version": ["1"]}, "build": "x"}'],
    ["a text", '"package"'],
  ])("with %s the package is unknown", (_, text) => {
    const { metadata, id } = plant("0123456789abcdef");
    if (text !== undefined) writeFileSync(metadata, text);
    expect(manager.listCached()).toMatchObject([{ id, name: undefined, version: undefined, ready: false }]);
    expect(manager.inspectWorkenv(id)).toMatchObject({ packageInfo: { builder: undefined } });
  });

  test("whatever stands in marker and metadata, nothing throws", () => {
    const { marker, metadata, id } = plant("0123456789abcdef");
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.oneof(fc.json(), fc.string()), (one, other) => {
        writeFileSync(marker, one);
        writeFileSync(metadata, other);
        expect(manager.listCached()).toHaveLength(1);
        expect(manager.inspectWorkenv(id)).toMatchObject({ exists: true, ready: false });
      }),
    );
  });
});

describe("cleaning", () => {
  test("removes everything of ours, trash and lock files too", async () => {
    const layouts = [await fixture.fill("a"), await fixture.fill("b")];
    const before = manager.getCacheSize();
    mkdirSync(join(storeOf(fixture.cache).trash, "left", "over"), { recursive: true });
    const { removed, busy, failed, freed } = await manager.clean();
    expect(removed.map(({ name }) => name).toSorted()).toEqual(["a", "b"]);
    expect([busy, failed]).toEqual([[], []]);
    expect(namesInCache()).toEqual([".store"]);
    expect(everything()).toEqual([
      ".store",
      ".store/v1",
      ".store/v1/locks",
      ".store/v1/staging",
      ".store/v1/trash",
    ]);
    expect(freed).toBeGreaterThan(before - 50_000);
    expect(manager.listCached()).toEqual([]);
    expect(layouts.map(({ lock }) => existsSync(lock))).toEqual([false, false]);
  });

  test("by age, which the marker decides", async () => {
    const old = await fixture.fill("old");
    const recent = await fixture.fill("recent");
    age(old, 8);
    age(recent, 6);
    expect((await manager.clean({ olderThanDays: 7, dryRun: true })).removed).toMatchObject([{ id: old.id }]);
    const { removed } = await manager.clean({ olderThanDays: 7 });
    expect(removed).toMatchObject([{ id: old.id }]);
    expect(manager.listCached()).toMatchObject([{ id: recent.id, ready: true }]);
  });

  test("a dry run says the same and changes nothing", async () => {
    const layout = await fixture.fill("demo");
    plant("0123456789abcdef");
    mkdirSync(join(storeOf(fixture.cache).trash, "left"), { recursive: true });
    const before = everything();
    const planned = await manager.clean({ dryRun: true });
    expect(everything()).toEqual(before);
    expect(manager.inspectWorkenv(layout.id)).toMatchObject({ ready: true });
    expect(await manager.clean()).toEqual(planned);
    expect(planned.removed).toHaveLength(2);
  });

  test.each([{ dryRun: true }, {}])("what is being prepared is skipped and reported: %p", async (options) => {
    const [held, free] = [await fixture.fill("held"), await fixture.fill("free")];
    {
      using _lock = await acquire(held.lock, () => {});
      const { removed, busy } = await manager.clean(options);
      expect([removed, busy]).toMatchObject([[{ id: free.id }], [{ id: held.id }]]);
      expect((await failureOf(() => manager.remove(held.id))).code).toBe("workenv-busy");
      expect(manager.inspectWorkenv(held.id)).toMatchObject({ ready: true });
    }
    expect((await manager.clean()).removed.map(({ id }) => id)).toContain(held.id);
  });

  test("what is not ours is never touched", async () => {
    await fixture.fill("demo");
    const outside = join(fixture.outside, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "precious"), "1");
    const foreign = ["notes", "myapp_1.0", ".myapp_1.0.pspf", "aaaaaaaaaaaaaaaa", ".BBBBBBBBBBBBBBBB.pspf"];
    for (const name of foreign) {
      mkdirSync(join(fixture.cache, name));
      writeFileSync(join(fixture.cache, name, "file"), "1");
    }
    writeFileSync(join(fixture.cache, ".cccccccccccccccc.pspf"), "");
    symlinkSync(outside, join(fixture.cache, ".dddddddddddddddd.pspf"));
    const inner = plant("eeeeeeeeeeeeeeee");
    symlinkSync(outside, join(inner.content, "link"));
    const linked = plant("ffffffffffffffff");
    rmSync(linked.content, { recursive: true });
    symlinkSync(outside, linked.content);
    expect((await manager.clean()).removed).toHaveLength(3);
    const left = [...foreign, ".cccccccccccccccc.pspf", ".dddddddddddddddd.pspf", ".store"];
    expect(namesInCache()).toEqual(left.toSorted());
    for (const name of foreign) expect(existsSync(join(fixture.cache, name, "file"))).toBe(true);
    expect(readdirSync(outside)).toEqual(["precious"]);
  });

  test("read-only folders are no obstacle", async () => {
    const layout = await fixture.fill("demo");
    mkdirSync(join(layout.content, "closed"));
    writeFileSync(join(layout.content, "closed", "file"), "1");
    chmodSync(join(layout.content, "closed"), 0o500);
    chmodSync(layout.content, 0o500);
    expect(await manager.clean()).toMatchObject({ removed: [{ id: layout.id }], failed: [] });
    expect(existsSync(layout.content)).toBe(false);
  });

  test("an error with one does not stop the others", async () => {
    const [one, two] = [await fixture.fill("one"), await fixture.fill("two")];
    rmSync(one.lock);
    mkdirSync(one.lock);
    const { removed, failed } = await manager.clean();
    expect(removed).toMatchObject([{ id: two.id }]);
    expect(failed).toMatchObject([{ path: one.content, error: { code: "io-failed" } }]);
    expect(manager.listCached()).toMatchObject([{ id: one.id, ready: true }]);
  });

  test("what is in the trash counts as freed", async () => {
    const { trash } = storeOf(fixture.cache);
    mkdirSync(trash, { recursive: true });
    writeFileSync(join(trash, "left"), new Uint8Array(100_000).fill(1));
    for (const options of [{ dryRun: true }, {}])
      expect((await manager.clean(options)).freed).toBeGreaterThanOrEqual(100_000);
    expect(await manager.clean()).toMatchObject({ freed: 0 });
  });

  test("whose content cannot be taken away is vouched for no longer", async () => {
    const layout = await fixture.fill("demo");
    const { trash } = storeOf(fixture.cache);
    rmSync(trash, { recursive: true });
    // No folder can be moved into itself.
    symlinkSync(layout.content, trash);
    expect(await manager.clean()).toMatchObject({ removed: [], failed: [{ path: layout.content }] });
    expect(manager.listCached()).toMatchObject([{ id: layout.id, ready: false }]);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("%p days are refused", async (olderThanDays) => {
    expect((await failureOf(() => manager.clean({ olderThanDays }))).code).toBe("bad-arguments");
  });

  test("a removed workenv is made anew by the next start", async () => {
    const { id } = await fixture.fill("demo");
    await manager.clean();
    expect((await fixture.fill("demo")).id).toBe(id);
    expect(manager.inspectWorkenv(id)).toMatchObject({ ready: true });
  });
});

describe("a file with names in several workenvs", () => {
  test("counts once, and is freed with the last of them", async () => {
    const [one, two] = [await fixture.fill("one"), await fixture.fill("two")];
    const big = 400_000;
    writeFileSync(join(one.content, "big"), new Uint8Array(big).fill(1));
    linkSync(join(one.content, "big"), join(two.content, "big"));
    for (const [layout, days] of [
      [one, 5],
      [two, 1],
    ] as const)
      age(layout, days);
    const sizes = manager.listCached().map(({ size }) => size);
    const all = manager.getCacheSize();
    expect(sizes.every((size) => size >= big)).toBe(true);
    expect(all).toBeLessThan(2 * big);
    const first = await manager.clean({ maxSize: all - 1 });
    expect(first.removed).toMatchObject([{ name: "one", why: "size" }]);
    expect(first.freed).toBeLessThan(big);
    const second = await manager.clean({ maxSize: 0 });
    expect(second.removed).toMatchObject([{ name: "two" }]);
    expect(second.freed).toBeGreaterThanOrEqual(big);
  });
});

describe("removing one", () => {
  test("by id or by a prefix that only it has", async () => {
    for (const id of ["aaaa000000000000", "aabb000000000000", "bb00000000000000"]) plant(id);
    expect(await manager.remove("b")).toMatchObject({ id: "bb00000000000000" });
    expect(await manager.remove("aaaa000000000000")).toMatchObject({ id: "aaaa000000000000" });
    expect(manager.listCached().map(({ id }) => id)).toEqual(["aabb000000000000"]);
  });

  test("a prefix of several names them, and removes none", async () => {
    const { id } = await fixture.fill("demo");
    const other = `${id.slice(0, 4)}${id[4] === "0" ? "1" : "0"}00000000000`;
    plant(other);
    const error = await failureOf(() => manager.remove(id.slice(0, 4)));
    expect(error.code).toBe("workenv-not-found");
    const where = `in ${fixture.cache}`;
    expect(error.problems.toSorted()).toEqual(
      [`${id} demo 1.0 ${where}`, `${other} unknown ${where}`].toSorted(),
    );
    expect(manager.listCached()).toHaveLength(2);
  });

  test.each([
    "../x",
    "..",
    ".",
    "",
    "/",
    "x",
    "AAAA",
    "aaaa0000000000000",
    ".aaaa000000000000.pspf",
    "a*",
    "bb",
  ])("%p is nothing that could be removed", async (id) => {
    plant("aaaa000000000000");
    writeFileSync(join(fixture.outside, "x"), "1");
    const before = everything();
    expect(await failureOf(() => manager.remove(id))).toMatchObject({
      code: "workenv-not-found",
      exitCode: 105,
    });
    expect(everything()).toEqual(before);
    expect(existsSync(join(fixture.outside, "x"))).toBe(true);
  });
});
