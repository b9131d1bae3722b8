import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { layoutOf, type WorkenvLayout } from "../format/cache/layout.ts";
import { createCache } from "../format/cache/testing.ts";
import { failureOf } from "../tests/support/failure.ts";
import { CacheManager } from "./cache-manager.ts";

// Launchers look into several folders for workenvs: a manager sees all of them.

let fixture: ReturnType<typeof createCache>;
beforeEach(() => {
  fixture = createCache();
});
afterEach(() => fixture[Symbol.dispose]());

/** Folders that launchers look into, in a home of our own. */
function home() {
  const env = {
    HOME: join(fixture.outside, "home"),
    XDG_CACHE_HOME: join(fixture.outside, "xdg"),
    TMPDIR: join(fixture.outside, "tmp"),
  };
  const places = [
    join(env.XDG_CACHE_HOME, "flavor", "workenv"),
    join(env.HOME, ".cache", "flavor", "workenv"),
    join(env.TMPDIR, `flavor-${process.getuid?.()}`, "workenv"),
  ] as const;
  for (const place of places) mkdirSync(place, { recursive: true, mode: 0o700 });
  return { env, places };
}

/** An entry in one of them, last used so many days ago. */
function put(cache: string, id: string, days = 0): WorkenvLayout {
  const layout = layoutOf(cache, id);
  for (const folder of [layout.content, dirname(layout.marker)]) mkdirSync(folder, { recursive: true });
  writeFileSync(layout.marker, "");
  const then = Date.now() / 1000 - days * 24 * 60 * 60;
  utimesSync(layout.marker, then, then);
  return layout;
}

const A = "aaaa000000000000";
const B = "bbbb000000000000";
const C = "cccc000000000000";

test("several places are all seen, measured and cleaned", async () => {
  const { env, places } = home();
  const all = new CacheManager({ env });
  for (const [i, id] of [A, B, C].entries()) put(places[i] as string, id, i);
  expect(all.listCached().map(({ id, cacheDir }) => [id, cacheDir])).toEqual([
    [A, places[0]],
    [B, places[1]],
    [C, places[2]],
  ]);
  const info = all.info();
  expect(info.places.map(({ cacheDir, why, count }) => [cacheDir, why, count])).toEqual([
    [places[0], "XDG_CACHE_HOME", 1],
    [places[1], "home", 1],
    [places[2], "temp", 1],
  ]);
  expect(info).toMatchObject({ cacheDir: places[0], count: 3, ready: 0 });
  expect(info.size).toBe(info.places.reduce((sum, { size }) => sum + size, 0));
  expect((await all.clean({ olderThanDays: 1.5 })).removed.map(({ id }) => id)).toEqual([C]);
  // One budget for all of them: the least recently used goes, wherever it is.
  expect((await all.clean({ maxSize: all.getCacheSize() - 1 })).removed.map(({ id }) => id)).toEqual([B]);
  expect(await all.remove(A)).toMatchObject({ id: A, cacheDir: places[0] });
});

test("FLAVOR_CACHE stands alone", () => {
  const { env, places } = home();
  put(places[1], A);
  expect(new CacheManager({ env: { ...env, FLAVOR_CACHE: fixture.cache } }).listCached()).toEqual([]);
});

test("two names of one folder are one place", () => {
  const { env, places } = home();
  put(places[1], A);
  rmSync(env.XDG_CACHE_HOME, { recursive: true });
  symlinkSync(join(env.HOME, ".cache"), env.XDG_CACHE_HOME);
  expect(new CacheManager({ env }).listCached()).toMatchObject([{ id: A }]);
});

test("a temporary folder that others can write to is not looked at", async () => {
  const { env, places } = home();
  const planted = put(places[2], A);
  chmodSync(places[2], 0o777);
  const all = new CacheManager({ env });
  expect([all.listCached(), all.info().places.length]).toEqual([[], 2]);
  expect((await all.clean()).removed).toEqual([]);
  expect(existsSync(planted.content)).toBe(true);
});

test("an id that is in two of them is neither: both are named", async () => {
  const { env, places } = home();
  put(places[0], A);
  put(places[1], A);
  const all = new CacheManager({ env });
  expect(await failureOf(() => all.remove(A))).toMatchObject({
    code: "workenv-not-found",
    problems: [`${A} unknown in ${places[0]}`, `${A} unknown in ${places[1]}`],
    hint: "set FLAVOR_CACHE to the folder that it is in",
  });
  expect(all.listCached()).toHaveLength(2);
  const one = new CacheManager({ env: { ...env, FLAVOR_CACHE: places[1] } });
  expect(await one.remove(A)).toMatchObject({ cacheDir: places[1] });
  expect(await all.remove(A)).toMatchObject({ cacheDir: places[0] });
});

test("a place that cannot be listed does not stop the cleaning of the others", async () => {
  const { env, places } = home();
  rmSync(places[0], { recursive: true });
  writeFileSync(places[0], "");
  put(places[1], A);
  const { removed, failed } = await new CacheManager({ env }).clean();
  expect(removed).toMatchObject([{ id: A }]);
  expect(failed).toMatchObject([{ path: places[0], error: { code: "io-failed" } }]);
});
