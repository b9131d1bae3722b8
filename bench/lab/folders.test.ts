import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { openWorkFolder } from "./folders.ts";

test("a folder that nobody named is new, and gone at the end", async () => {
  using parent = tempDir();
  const { path, remove } = openWorkFolder(undefined, parent.path);
  writeFileSync(join(path, "file"), "");
  await remove();
  expect(readdirSync(parent.path)).toEqual([]);
});

test("a named folder is made, used again by the next run, and empty at the end", async () => {
  using parent = tempDir();
  const path = join(parent.path, "work", "here");
  const first = openWorkFolder(path, "/nowhere", true);
  mkdirSync(join(path, "kept", "deep"), { recursive: true });
  await first.remove();
  const second = openWorkFolder(path, "/nowhere");
  expect(existsSync(join(path, "kept", "deep"))).toBe(true);
  await second.remove();
  expect(readdirSync(path)).toEqual([]);
});

test("a folder goes also when the benchmark is killed", async () => {
  using parent = tempDir();
  const script = `
    const { openWorkFolder } = await import(${JSON.stringify(join(import.meta.dir, "folders.ts"))});
    await Bun.write(openWorkFolder(undefined, ${JSON.stringify(parent.path)}).path + "/file", "");
    process.stdout.write("ready");
    await Bun.sleep(60_000);
  `;
  const bench = Bun.spawn([process.execPath, "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const _ of bench.stdout) break;
  expect(readdirSync(parent.path).length).toBe(1);
  bench.kill("SIGKILL");
  await bench.exited;
  while (readdirSync(parent.path).length > 0) await Bun.sleep(10);
  expect(existsSync(parent.path)).toBe(true);
});

test("a folder with files of others is refused, and left alone", () => {
  using parent = tempDir();
  mkdirSync(join(parent.path, "documents"));
  expect(() => openWorkFolder(parent.path, "/nowhere")).toThrow(
    `Cannot work in ${parent.path}: it has files of others, wanted an empty folder`,
  );
  expect(readdirSync(parent.path)).toEqual(["documents"]);
});
