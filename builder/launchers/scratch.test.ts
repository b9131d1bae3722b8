import { expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { canLackPermission, runUnprivileged } from "../../format/tar/testing.ts";
import { removeTree } from "../../format/io/remove-tree.ts";
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

/** Runs a script as an ordinary user below a folder that all may write to. What it said, and what is left there. */
function asSomebody(script: string) {
  using dir = tempDir();
  chmodSync(dir.path, 0o1777);
  mkdirSync(join(dir.path, ".flavor-work-foreign"), { mode: 0o700 });
  utimesSync(join(dir.path, ".flavor-work-foreign"), 0, 0);
  const said = runUnprivileged(`
    import { chmodSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
    const { withScratch } = await import(${JSON.stringify(join(import.meta.dir, "scratch.ts"))});
    const parent = ${JSON.stringify(dir.path)};
    const fill = (path) => {
      mkdirSync(path + "/locked", { recursive: true });
      writeFileSync(path + "/locked/file", "x");
      chmodSync(path + "/locked", 0o500);
    };
    ${script}`);
  const left = readdirSync(dir.path).filter((name) => name !== ".flavor-work-foreign");
  removeTree(dir.path);
  return { said, left };
}

test.skipIf(!canLackPermission())("leftovers that resist stop nobody, and read-only folders do not", () => {
  const script = `
    fill(parent + "/.flavor-work-old");
    utimesSync(parent + "/.flavor-work-old", 0, 0);
    await withScratch(parent, async ({ path }) => { fill(path); console.log("worked"); });`;
  expect(asSomebody(script)).toEqual({ said: "worked\n", left: [] });
});

test.skipIf(!canLackPermission())("a signal removes read-only folders as well", () => {
  const script = `
    process.on("SIGTERM", () => setImmediate(() => { console.log("heard"); process.exit(); }));
    await withScratch(parent, async ({ path }) => {
      fill(path);
      process.kill(process.pid, "SIGTERM");
      await Bun.sleep(10_000);
    });`;
  expect(asSomebody(script)).toEqual({ said: "heard\n", left: [] });
});
