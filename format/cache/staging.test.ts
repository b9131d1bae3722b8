import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeTree } from "../io/remove-tree.ts";
import { storeOf } from "./layout.ts";
import { openStaging, sweepStaging } from "./staging.ts";

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "staging-"));
  for (const folder of Object.values(storeOf(cache))) mkdirSync(folder, { recursive: true });
});
afterEach(() => removeTree(cache));

const left = () => Object.values(storeOf(cache)).flatMap((folder) => readdirSync(folder));

test("is a private folder that is gone with its scope, lock included", async () => {
  {
    using staging = await openStaging(cache, "remove");
    writeFileSync(join(staging.path, "file"), "");
    expect(left().length).toBe(2);
  }
  expect(left()).toEqual([]);
});

test("may be renamed away", async () => {
  const published = join(cache, "published");
  {
    using staging = await openStaging(cache, "remove");
    renameSync(staging.path, published);
  }
  expect(existsSync(published)).toBe(true);
  expect(left()).toEqual([]);
});

test("is kept on request, under a name that nobody sweeps", async () => {
  {
    using _staging = await openStaging(cache, "keep");
  }
  await sweepStaging(cache);
  expect(left()).toEqual([expect.stringMatching(/^kept-/)]);
});

test("a lock alone, left by a process that was killed before or after its folder was there, is swept", async () => {
  writeFileSync(join(storeOf(cache).locks, `staging-${crypto.randomUUID()}`), "");
  await sweepStaging(cache);
  expect(left()).toEqual([]);
});

test("in a cache that is not there, nothing is swept and nothing made", async () => {
  await sweepStaging(join(cache, "none"));
  expect(existsSync(join(cache, "none"))).toBe(false);
});

test("of a living process is left alone, of a killed one swept, whatever its age", async () => {
  const script = join(cache, "owner.ts");
  writeFileSync(
    script,
    `import { openStaging } from ${JSON.stringify(join(import.meta.dir, "staging.ts"))};
     const staging = await openStaging(${JSON.stringify(cache)}, "remove");
     await Bun.write(staging.path + "/file", "half");
     process.stdout.write(staging.path);
     setInterval(() => {}, 1000);`,
  );
  await using owner = Bun.spawn([process.execPath, script], { stdout: "pipe", stderr: "inherit" });
  const path = new TextDecoder().decode((await owner.stdout.getReader().read()).value);
  expect(existsSync(join(path, "file"))).toBe(true);
  await sweepStaging(cache);
  expect(existsSync(join(path, "file"))).toBe(true);
  owner.kill("SIGKILL");
  await owner.exited;
  await sweepStaging(cache);
  expect(left()).toEqual([]);
});
