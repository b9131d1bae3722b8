import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { documentOf, runCli } from "../testing.ts";

const MANIFEST = `[package]
name = "app"
version = "1"
[execution]
command = "run"
[[slots]]
id = "data"
source = "data"
target = "data"
`;

/** A project whose one slot is worth keeping. */
function project() {
  const dir = tempDir();
  mkdirSync(join(dir.path, "data"));
  writeFileSync(join(dir.path, "data", "file"), "some content ".repeat(100_000));
  writeFileSync(join(dir.path, "flavor.toml"), MANIFEST);
  Bun.sleepSync(120);
  const folder = join(dir.path, "cache");
  const flavor = (args: string, env = { FLAVOR_BUILD_CACHE: folder }) =>
    runCli(args.split(" "), { env, cwd: dir.path });
  return { ...dir, folder, flavor };
}

const PACK = "pack --launcher shebang --key-seed x -p linux-x64 --explain";

test("pack says what it takes from the cache, and list and clean what is in it", async () => {
  using dir = project();
  const { flavor, folder } = dir;
  expect((await flavor(PACK)).err).toBe("slot data: made anew, nothing like it was packed before\n");
  expect((await flavor(PACK)).err).toBe("slot data: from the build cache, unchanged\n");
  const list = documentOf(await flavor("cache list --json"));
  expect(list).toMatchObject({ schema: "flavor.cache-list/1", cacheDir: folder, slots: [{ versions: 1 }] });
  expect((await flavor("cache list")).out).toMatch(
    new RegExp(`^[0-9a-f]{16} .* 1 version  20.*Z\n1 slot, .*, in ${folder}\n$`),
  );
  expect((await flavor("cache clean --max-size 1G")).out).toBe(`removed 0 slots, 0 B, from ${folder}\n`);
  expect((await flavor("cache clean")).out).toMatch(/^removed 1 slot, /);
  expect((await flavor(PACK)).err).toContain("made anew, nothing like it");
});

test("it can be left aside, or switched off", async () => {
  using dir = project();
  const { flavor } = dir;
  for (const run of [() => flavor(`${PACK} --no-cache`), () => flavor(PACK, { FLAVOR_BUILD_CACHE: "off" })])
    expect((await run()).err).toBe("slot data: made anew, there is no build cache\n");
  expect((await flavor("cache list")).out).toBe(`0 slots, 0 B, in ${dir.folder}\n`);
  expect((await flavor("cache list", { FLAVOR_BUILD_CACHE: "off" })).out).toBe("there is no build cache\n");
});

test.each([
  [{ FLAVOR_BUILD_CACHE: "/own" }, "/own"],
  [{ XDG_CACHE_HOME: "/xdg", HOME: "/home/me" }, "/xdg/flavor/build"],
  [{ XDG_CACHE_HOME: "relative", HOME: "/home/me" }, "/home/me/.cache/flavor/build"],
  [{}, null],
])("with %j it lies in %s", async (env, path) => {
  const list = documentOf(await runCli(["cache", "list", "--json"], { env }));
  expect(list["cacheDir"]).toBe(path);
});

test("a size that is none is refused", async () => {
  expect(await runCli(["cache", "clean", "--max-size", "much"])).toMatchObject({ exitCode: 105 });
});
