import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { layoutOf, storeOf, type WorkenvLayout } from "../layout.ts";
import { CacheManager } from "../../../builder/cache-manager.ts";
import { busyWith, evict } from "./evict.ts";
import { sweepLocks } from "./leftovers.ts";
import { trashOf } from "./retire.ts";
import { createCache } from "../testing.ts";

const LOCK_MODULE = join(import.meta.dir, "..", "locks", "lock.ts");

const holders: Bun.Subprocess[] = [];
afterEach(() => {
  for (const holder of holders.splice(0)) holder.kill("SIGKILL");
});

/** Another process that holds a lock until it is killed. */
async function holderOf(path: string) {
  const script = `
    const { acquire } = await import(${JSON.stringify(LOCK_MODULE)});
    await acquire(${JSON.stringify(path)}, () => {});
    process.stdout.write("held");
    setInterval(() => {}, 1000);`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  holders.push(child);
  const { value } = await child.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toBe("held");
  return child;
}

test.each([
  ["making", "being made"],
  ["lock", "in use"],
] as const)(
  "while another process holds the lock %j, an entry is %s; it goes when that process has died",
  async (lock, why) => {
    using fixture = createCache();
    const layout = await fixture.fill("demo");
    const holder = await holderOf(layout[lock]);
    try {
      expect([await busyWith(layout), await evict(layout)]).toEqual([why, why]);
      expect(existsSync(layout.marker)).toBe(true);
    } finally {
      holder.kill("SIGKILL");
      await holder.exited;
    }
    expect([await busyWith(layout), await evict(layout)]).toEqual([undefined, "removed"]);
    expect(readdirSync(storeOf(fixture.cache).locks)).toEqual([]);
  },
);

test("locks of entries that are gone are swept, but not while somebody holds one", async () => {
  using fixture = createCache();
  const layout = await fixture.fill("demo");
  const { locks } = storeOf(fixture.cache);
  const gone = layoutOf(fixture.cache, "0123456789abcdef");
  writeFileSync(gone.lock, "");
  const holder = await holderOf(gone.making);
  const names = () => readdirSync(locks).sort();
  await sweepLocks(fixture.cache);
  expect(names()).toEqual([basename(layout.lock), basename(gone.making), basename(layout.making)].sort());
  holder.kill("SIGKILL");
  await holder.exited;
  await sweepLocks(fixture.cache);
  expect(names()).toEqual([basename(layout.lock), basename(layout.making)].sort());
});

test("an entry that is no longer meant when its lock is held stays whole", async () => {
  using fixture = createCache();
  const layout = await fixture.fill("demo");
  expect(await evict(layout, () => false)).toBe("kept");
  expect(new CacheManager({ cacheDir: fixture.cache }).listCached()).toMatchObject([{ ready: true }]);
});

const bury = (path: string, { cache }: WorkenvLayout) =>
  renameSync(path, join(storeOf(cache).trash, "grave"));

test.each<readonly [string, (layout: WorkenvLayout) => void]>([
  ["the marker", ({ marker }) => rmSync(marker)],
  [
    "the move of the content",
    (layout) => {
      rmSync(layout.marker);
      bury(layout.content, layout);
    },
  ],
  [
    "the move of the bookkeeping",
    (layout) => {
      rmSync(layout.content, { recursive: true });
      bury(layout.bookkeeping, layout);
    },
  ],
])(
  "a removal that was killed after %s is finished by the next cleaning, and starts work",
  async (_, until) => {
    using fixture = createCache();
    const manager = new CacheManager({ cacheDir: fixture.cache });
    const layout = await fixture.fill("demo");
    until(layout);
    expect(manager.listCached().filter(({ ready }) => ready)).toEqual([]);
    await manager.clean();
    expect(readdirSync(fixture.cache)).toEqual([".store"]);
    expect(trashOf(fixture.cache)).toEqual([]);
    await fixture.fill("demo");
    expect(manager.listCached()).toMatchObject([{ id: layout.id, ready: true }]);
  },
);

test("a start whose setup failed left content without bookkeeping: that is an entry, too", async () => {
  using fixture = createCache();
  const manager = new CacheManager({ cacheDir: fixture.cache });
  const layout = await fixture.fill("demo");
  rmSync(layout.bookkeeping, { recursive: true });
  expect(manager.listCached()).toMatchObject([{ id: layout.id, name: undefined, ready: false }]);
  expect(await manager.remove(layout.id)).toMatchObject({ id: layout.id });
  expect(existsSync(layout.content)).toBe(false);
});

test("a trash that does not exist is empty", () => {
  using fixture = createCache();
  expect(trashOf(fixture.cache)).toEqual([]);
  mkdirSync(join(storeOf(fixture.cache).trash, "one"), { recursive: true });
  expect(trashOf(fixture.cache)).toEqual([join(storeOf(fixture.cache).trash, "one")]);
});
