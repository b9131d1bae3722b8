import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { layoutOf } from "../format/cache/layout.ts";
import { makeLockFile, share } from "../format/cache/locks/lock.ts";
import { tempDir } from "../tests/support/temp-dir.ts";
import type { Invocation } from "./invocation.ts";
import { openPrivateCache } from "./private-cache.ts";

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
});
afterEach(() => {
  globalThis.isWithout = undefined;
  dir[Symbol.dispose]();
});

const call = (): Invocation => ({
  executable: "/launcher",
  package: "/launcher",
  argv0: "launcher",
  args: [],
  env: { TMPDIR: dir.path },
  cwd: () => "/",
  uid: process.getuid?.(),
  host: { os: "linux", arch: "amd64" },
});

/** What a launcher that was killed has left, changed last an hour ago. */
function leftover() {
  const uid = process.getuid?.();
  const folder = join(dir.path, `flavor-${uid === undefined ? "" : `${uid}-`}once-abcdef`);
  const layout = layoutOf(join(folder, "workenv"), "0123456789abcdef");
  mkdirSync(layout.content, { recursive: true });
  makeLockFile(layout.making);
  makeLockFile(layout.lock);
  const age = () => utimesSync(folder, Date.now() / 1000 - 3600, Date.now() / 1000 - 3600);
  age();
  return { folder, layout, age };
}

test("what an application of a killed launcher still runs from stays until it ends", async () => {
  const { folder, layout, age } = leftover();
  {
    using lease = await share(layout.lock);
    expect(lease).toBeDefined();
    using _cache = await openPrivateCache(call());
    expect(existsSync(layout.content)).toBe(true);
  }
  age();
  using _cache = await openPrivateCache(call());
  expect(existsSync(folder)).toBe(false);
});

test("who cannot lock as the owner did leaves its folder alone", async () => {
  const { folder, layout } = leftover();
  writeFileSync(join(folder, "lock"), "");
  utimesSync(folder, 1, 1);
  globalThis.isWithout = (what) => what === "flock";
  using _cache = await openPrivateCache(call());
  expect(existsSync(layout.content)).toBe(true);
});

test("a folder whose scope has ended is gone", async () => {
  {
    using cache = await openPrivateCache(call());
    writeFileSync(join(cache.path, "file"), "");
  }
  expect(readdirSync(dir.path)).toEqual([]);
});

test("where it cannot be made whole, nothing of it stays", async () => {
  globalThis.failPoint = (name) => {
    if (name === "lock-held") throw new Error("as on a full disk");
  };
  try {
    expect(await openPrivateCache(call()).catch(String)).toBe("Error: as on a full disk");
  } finally {
    globalThis.failPoint = undefined;
  }
  expect(readdirSync(dir.path)).toEqual([]);
});
