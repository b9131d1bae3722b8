import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { withScratch } from "./scratch.ts";

test("the folder is there during the work, private, and gone after it", async () => {
  using dir = tempDir();
  const parent = join(dir.path, "made", "on", "the", "way");
  const [a, b] = await Promise.all(
    [1, 2].map((n) =>
      withScratch(parent, async ({ path }) => {
        writeFileSync(join(path, "file"), String(n));
        await Bun.sleep(1);
        return existsSync(join(path, "file")) ? path : "";
      }),
    ),
  );
  expect(a).toStartWith(parent);
  expect(b).not.toBe(a as string);
  expect(readdirSync(parent)).toEqual([]);
});

test("it is gone after a failure, too, and nobody listens to signals any more", async () => {
  using dir = tempDir();
  const before = process.listenerCount("SIGINT");
  const work = withScratch(dir.path, async ({ path }) => {
    writeFileSync(join(path, "file"), "x");
    expect(process.listenerCount("SIGINT")).toBe(before + 1);
    throw new Error("planned");
  });
  await expect(work).rejects.toThrow("planned");
  expect(readdirSync(dir.path)).toEqual([]);
  expect(process.listenerCount("SIGINT")).toBe(before);
});

test("leftovers of killed processes go after a day; what is young or not ours stays", async () => {
  using dir = tempDir();
  const old = new Date(Date.now() - 25 * 60 * 60 * 1000);
  for (const name of [".flavor-work-old", ".flavor-work-young", "other-old"]) mkdirSync(join(dir.path, name));
  writeFileSync(join(dir.path, ".flavor-work-old", "half"), "x");
  for (const name of [".flavor-work-old", "other-old"]) utimesSync(join(dir.path, name), old, old);
  await withScratch(dir.path, async () => undefined);
  expect(readdirSync(dir.path).toSorted()).toEqual([".flavor-work-young", "other-old"]);
});
