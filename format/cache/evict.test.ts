import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { storeOf, type WorkenvLayout } from "./layout.ts";
import { CacheManager } from "../../builder/cache-manager.ts";
import { evict, isBusy, trashOf } from "./evict.ts";
import { createCache } from "./testing.ts";

const LOCK_MODULE = join(import.meta.dir, "lock.ts");

/** Another process that holds a lock until it is killed. */
async function holderOf(path: string) {
  const script = `
    const { acquire } = await import(${JSON.stringify(LOCK_MODULE)});
    await acquire(${JSON.stringify(path)}, () => {});
    process.stdout.write("held");
    setInterval(() => {}, 1000);`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  const { value } = await child.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toBe("held");
  return child;
}

test("what another process prepares stays, and goes when that process has died", async () => {
  using fixture = createCache();
  const layout = await fixture.fill("demo");
  const holder = await holderOf(layout.lock);
  try {
    expect([await isBusy(layout), await evict(layout)]).toEqual([true, "busy"]);
    expect(existsSync(layout.marker)).toBe(true);
  } finally {
    holder.kill("SIGKILL");
    await holder.exited;
  }
  expect([await isBusy(layout), await evict(layout)]).toEqual([false, "removed"]);
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
