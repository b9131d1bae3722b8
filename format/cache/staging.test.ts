import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { canLackPermission, runUnprivileged } from "../tar/testing.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { storeOf } from "./layout.ts";
import { acquire } from "./locks/lock.ts";
import { abandonedStaging, keptStaging, sweepAbandoned } from "./cleaning/leftovers.ts";
import { openStaging } from "./staging.ts";

let dir: ReturnType<typeof tempDir>;
let cache: string;
beforeEach(() => {
  dir = tempDir();
  cache = join(dir.path, "cache");
  for (const folder of Object.values(storeOf(cache))) mkdirSync(folder, { recursive: true });
});
const children: Bun.Subprocess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  dir[Symbol.dispose]();
});

const everything = () => {
  const { staging, locks, trash } = storeOf(cache);
  return [staging, locks, trash].flatMap((folder) => readdirSync(folder));
};

/** Another process that has a staging folder with a file, until it is killed. */
async function otherProcess() {
  const script = `
    import { writeFileSync } from "node:fs";
    import { openStaging } from ${JSON.stringify(join(import.meta.dir, "staging.ts"))};
    const staging = await openStaging(${JSON.stringify(cache)}, "remove");
    writeFileSync(staging.path + "/file", "");
    process.stdout.write(staging.path);
    setInterval(() => {}, 1000);`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  children.push(child);
  const { value } = await child.stdout.getReader().read();
  const path = new TextDecoder().decode(value);
  expect(existsSync(join(path, "file"))).toBe(true);
  return {
    path,
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

test("a folder of its own, and nothing is left of it", async () => {
  {
    using staging = await openStaging(cache, "remove");
    mkdirSync(join(staging.path, "deep", "er"), { recursive: true });
    expect(everything()).toHaveLength(2);
  }
  expect(everything()).toEqual([]);
});

test("what was renamed away stays there", async () => {
  const published = join(dir.path, "published");
  {
    using staging = await openStaging(cache, "keep");
    renameSync(staging.path, published);
  }
  expect([existsSync(published), everything()]).toEqual([true, []]);
});

test("what is kept for a look outlives sweeps, and is known", async () => {
  {
    using staging = await openStaging(cache, "keep");
    writeFileSync(join(staging.path, "half"), "");
  }
  await sweepAbandoned(cache);
  expect(await abandonedStaging(cache)).toEqual([]);
  const [kept] = keptStaging(cache);
  expect(readdirSync(kept as string)).toEqual(["half"]);
  expect(everything()).toHaveLength(1);
});

test("a folder is swept when its owner is dead, and not before", async () => {
  const owner = await otherProcess();
  await sweepAbandoned(cache);
  expect([await abandonedStaging(cache), existsSync(join(owner.path, "file"))]).toEqual([[], true]);
  await owner.kill();
  expect(await abandonedStaging(cache)).toEqual([owner.path]);
  expect(existsSync(owner.path)).toBe(true); // asking removes nothing
  await sweepAbandoned(cache);
  expect(everything()).toEqual([]);
});

test("a lock whose folder was not made yet is let alone while it is held, and swept afterwards", async () => {
  const path = join(storeOf(cache).locks, `staging-${crypto.randomUUID()}`);
  {
    using _lock = await acquire(path, () => {});
    await sweepAbandoned(cache);
    expect(existsSync(path)).toBe(true);
  }
  await sweepAbandoned(cache);
  expect(existsSync(path)).toBe(false);
});

test("locks of workenvs are not swept, and trash is", async () => {
  const { locks, trash } = storeOf(cache);
  for (const name of ["env-0123456789abcdef", "make-0123456789abcdef", "staging-x"])
    writeFileSync(join(locks, name), "");
  mkdirSync(join(trash, "one", "two"), { recursive: true });
  await sweepAbandoned(cache);
  expect(everything().toSorted()).toEqual(["env-0123456789abcdef", "make-0123456789abcdef", "staging-x"]);
});

test("a cache that is not there has no leftovers", async () => {
  rmSync(cache, { recursive: true });
  await sweepAbandoned(cache);
  expect([await abandonedStaging(cache), existsSync(cache)]).toEqual([[], false]);
});

test("many at once have different folders, and sweeps between them take none", async () => {
  const work = async () => {
    await sweepAbandoned(cache);
    using staging = await openStaging(cache, "remove");
    await sweepAbandoned(cache);
    return existsSync(staging.path) ? staging.path : "swept";
  };
  const paths = await Promise.all(Array.from({ length: 20 }, work));
  expect(paths).not.toContain("swept");
  expect(new Set(paths).size).toBe(20);
  expect(everything()).toEqual([]);
});

test.skipIf(!canLackPermission())(
  "where the folder cannot be removed, the error is why the work failed",
  () => {
    Bun.spawnSync(["chmod", "-R", "a+rwX", dir.path]);
    const said = runUnprivileged(`
    import { chmodSync } from "node:fs";
    const { openStaging } = await import(${JSON.stringify(join(import.meta.dir, "staging.ts"))});
    const { storeOf } = await import(${JSON.stringify(join(import.meta.dir, "layout.ts"))});
    process.umask(0);
    const work = async (cache) => {
      using _staging = await openStaging(cache, "remove");
      chmodSync(storeOf(cache).staging, 0o500);
      throw new Error("planned");
    };
    const cache = ${JSON.stringify(cache)} + "/somebody";
    const { mkdirSync } = await import("node:fs");
    for (const folder of Object.values(storeOf(cache))) mkdirSync(folder, { recursive: true });
    await work(cache).catch((error) => console.log(String(error)));
    chmodSync(storeOf(cache).staging, 0o700);`);
    expect(said).toBe("Error: planned\n");
  },
);
