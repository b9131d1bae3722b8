import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanCaches } from "./clean.ts";
import type { Limits } from "./clean-plan.ts";
import { entriesOf } from "../entries.ts";
import { type Lease, tryShare } from "../locks/lock.ts";
import { storeOf, type WorkenvLayout } from "../layout.ts";
import { measure } from "./measure.ts";
import { createCache } from "../testing.ts";

let fixture: ReturnType<typeof createCache>;
beforeEach(() => {
  fixture = createCache();
});
afterEach(() => fixture[Symbol.dispose]());

const DAY_SECONDS = 24 * 60 * 60;
const NONE = Number.POSITIVE_INFINITY;

const age = ({ marker }: WorkenvLayout, days: number): void => {
  const then = Date.now() / 1000 - days * DAY_SECONDS;
  utimesSync(marker, then, then);
};

const clean = (more: Partial<Limits> = {}, mode: "do" | "say" = "do") =>
  cleanCaches({
    caches: [fixture.cache],
    limits: { maxAge: NONE, maxSize: NONE, spare: "none", ...more },
    mode,
  });

/** Three of them, unused for three, two and one days. */
async function three(): Promise<readonly [WorkenvLayout, WorkenvLayout, WorkenvLayout]> {
  const all = [await fixture.fill("a"), await fixture.fill("b"), await fixture.fill("c")] as const;
  for (const [i, layout] of all.entries()) age(layout, 3 - i);
  return all;
}

/** Bytes that the limits are about. */
const sizeOfAll = (): number => {
  const entries = entriesOf(fixture.cache).flatMap(({ content, bookkeeping }) => [content, bookkeeping]);
  return measure(...entries, ...Object.values(storeOf(fixture.cache))).size;
};
const namesOf = (entries: readonly { name: string | undefined; why: string }[]) =>
  Object.fromEntries(entries.map(({ name, why }) => [name, why]));

describe("for one that is leased", () => {
  test.each(["do", "say"] as const)("the next one goes: %s", async (mode) => {
    const [a] = await three();
    using _lease = tryShare(a.lock) as Lease;
    const report = await clean({ maxSize: sizeOfAll() - 1 }, mode);
    expect(namesOf(report.removed)).toEqual({ b: "size" });
    expect(namesOf(report.kept)).toEqual({ a: "running", c: "recent" });
    expect(report.busy.map(({ name }) => name)).toEqual(["a"]);
  });
});

test("the one that was used last is spared where that is asked", async () => {
  await three();
  const report = await clean({ maxSize: 0, spare: "last used" });
  expect(namesOf(report.removed)).toEqual({ a: "size", b: "size" });
  expect(namesOf(report.kept)).toEqual({ c: "last used" });
});

test("what goes by age and what by size are told apart", async () => {
  const [a] = await three();
  const maxSize = sizeOfAll() - measure(a.content, a.bookkeeping).size - 1;
  const report = await clean({ maxAge: 2.5 * DAY_SECONDS * 1000, maxSize });
  expect(namesOf(report.removed)).toEqual({ a: "old", b: "size" });
  expect(sizeOfAll()).toBeLessThanOrEqual(maxSize);
});

test("what was used last in the future, by a clock that was wrong, has an age from now on", async () => {
  const [a] = await three();
  age(a, -30_000);
  await clean({ maxAge: 30 * DAY_SECONDS * 1000 }, "say");
  expect(statSync(a.marker).mtimeMs).toBeGreaterThan(Date.now() + DAY_SECONDS * 1000);
  expect(namesOf((await clean({ maxAge: 30 * DAY_SECONDS * 1000 })).kept)).toHaveProperty("a");
  expect(Math.abs(statSync(a.marker).mtimeMs - Date.now())).toBeLessThan(DAY_SECONDS * 1000);
});

test("what was used after it was looked at, and before its turn, stays", async () => {
  const [, b] = await three();
  try {
    globalThis.failPoint = (name) => {
      if (name === "evict-locked") age(b, 0);
    };
    const report = await clean({ maxAge: 0 });
    expect(namesOf(report.removed)).toEqual({ a: "old", c: "old" });
    expect(namesOf(report.kept)).toEqual({ b: "used again" });
  } finally {
    globalThis.failPoint = undefined;
  }
});

test("a dry run counts what will be swept before, and so plans the same", async () => {
  await three();
  const maxSize = sizeOfAll() + 50_000;
  writeFileSync(join(storeOf(fixture.cache).trash, "left"), new Uint8Array(200_000).fill(1));
  const planned = await clean({ maxSize }, "say");
  expect(await clean({ maxSize })).toEqual(planned);
  expect(planned.removed).toEqual([]);
});

test("what was kept of a failed start goes by its age, and with everything", async () => {
  const [a] = await three();
  const { staging } = storeOf(fixture.cache);
  const put = (name: string, days: number) => {
    const folder = join(staging, `kept-${name}`);
    mkdirSync(folder, { recursive: true });
    age({ ...a, marker: folder }, days);
  };
  put("old", 40);
  put("young", 20);
  await clean({ maxSize: 0 });
  expect(readdirSync(staging).toSorted()).toEqual(["kept-old", "kept-young"]);
  await clean({ maxAge: 30 * DAY_SECONDS * 1000 });
  expect(readdirSync(staging)).toEqual(["kept-young"]);
  await cleanCaches({ caches: [fixture.cache], limits: "everything", mode: "do" });
  expect(readdirSync(staging)).toEqual([]);
});

test("of two cleanings at once none fails, and everything is gone once", async () => {
  await three();
  for (let i = 0; i < 5; i++)
    mkdirSync(join(storeOf(fixture.cache).trash, `left-${i}`, "deep"), { recursive: true });
  const reports = await Promise.all([clean({ maxAge: 0 }), clean({ maxAge: 0 })]);
  expect(reports.flatMap(({ failed }) => failed)).toEqual([]);
  expect(reports.flatMap(({ removed }) => removed.map(({ name }) => name)).toSorted()).toEqual([
    "a",
    "b",
    "c",
  ]);
  expect(entriesOf(fixture.cache)).toEqual([]);
});

describe("one that cannot be removed", () => {
  test("is reported, counts, and others go in its stead", async () => {
    const [a] = await three();
    rmSync(a.making);
    mkdirSync(a.making);
    const report = await clean({ maxSize: sizeOfAll() - 1 });
    expect(report.failed).toMatchObject([{ path: a.content, error: { code: "io-failed" } }]);
    expect(namesOf(report.removed)).toEqual({ b: "size" });
    expect(namesOf(report.kept)).toEqual({ a: "failed", c: "recent" });
  });

  test("because something is mounted in it, or a file in it cannot be changed, does not stop the rest", async () => {
    const [a, b, c] = await three();
    using obstacle = immovable(b.content);
    if (obstacle === undefined) {
      process.stdout.write("skipped: this user or system can neither mount nor make files immutable\n");
      return;
    }
    const report = await clean({ maxAge: 0 });
    expect(namesOf(report.removed)).toEqual({ a: "old", c: "old" });
    expect(report.failed.length).toBeGreaterThan(0);
    expect(readdirSync(fixture.cache)).not.toContain(a.id);
    expect(readdirSync(fixture.cache)).not.toContain(c.id);
  });
});

/** Makes something in a folder that not even its owner can remove; undefined where that is impossible. */
function immovable(folder: string): Disposable | undefined {
  const inner = join(folder, "mounted");
  mkdirSync(inner);
  const run = (...command: string[]) => {
    try {
      return Bun.spawnSync(command, { stdout: "ignore", stderr: "ignore" }).exitCode === 0;
    } catch {
      return false;
    }
  };
  const find = () =>
    Bun.spawnSync(["find", fixture.cache, "-name", "mounted"]).stdout.toString().trim().split("\n");
  if (run("mount", "-t", "tmpfs", "none", inner))
    return {
      [Symbol.dispose]: () => {
        for (const path of find()) run("umount", path);
      },
    };
  writeFileSync(join(inner, "fixed"), "");
  if (run("chattr", "+i", inner))
    return {
      [Symbol.dispose]: () => {
        for (const path of find()) run("chattr", "-i", path);
      },
    };
  return undefined;
}

test("what is only linked into the cache is never reached", async () => {
  const outside = join(fixture.outside, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "precious"), "1");
  const [a] = await three();
  symlinkSync(outside, join(a.content, "link"));
  symlinkSync(outside, join(fixture.cache, "0000000000000000"));
  symlinkSync(outside, join(fixture.cache, ".1111111111111111.pspf"));
  symlinkSync(outside, join(storeOf(fixture.cache).trash, "link"));
  await cleanCaches({ caches: [fixture.cache], limits: "everything", mode: "do" });
  expect(readdirSync(outside)).toEqual(["precious"]);
  expect(readdirSync(fixture.cache).toSorted()).toEqual([
    ".1111111111111111.pspf",
    ".store",
    "0000000000000000",
  ]);
});

test("a cache that is a link to nowhere is empty", async () => {
  symlinkSync(join(fixture.outside, "nowhere"), fixture.cache);
  expect(await clean({ maxAge: 0 })).toEqual({ removed: [], kept: [], busy: [], failed: [], freed: 0 });
});
