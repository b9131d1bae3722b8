import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { oneFolder, packApp, runPackage, startPackage } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

// First starts, second starts, and everything that can come between them.

let dir: ReturnType<typeof tempDir>;
/** Its setup writes a line into $COUNT, waits $PAUSE seconds, and fails while $FAIL exists. */
let app: string;
let updated: string;
const HELLO = { "app/hello.sh": "#!/bin/sh\necho hello from one\n", "app/data": "0".repeat(300_000) };
const SETUP = `
[[setup_commands]]
type = "execute"
command = "sh {workenv}/app/setup.sh"`;
const SETUP_SCRIPT =
  'echo ran >> "$COUNT"; sleep "$PAUSE"; if [ -e "$FAIL" ]; then echo "the disk of the ünit is full" >&2; exit 3; fi; echo done > set-up';

beforeAll(async () => {
  dir = tempDir();
  const files = { ...HELLO, "app/setup.sh": SETUP_SCRIPT };
  const manifest = oneFolder("hello", "{workenv}/app/hello.sh", SETUP);
  app = await packApp(dir.path, manifest, files, { output: join(dir.path, "v1", "hello.psp") });
  updated = await packApp(
    dir.path,
    manifest.replace('version = "1.0"', 'version = "1.1"'),
    { ...files, "app/hello.sh": "#!/bin/sh\necho hello from two\n" },
    { output: join(dir.path, "v2", "hello.psp") },
  );
});
afterAll(() => dir[Symbol.dispose]());

let homes = 0;
/** A home where nothing has run yet, with ways to look at what runs leave there. */
function newHome() {
  const home = join(dir.path, `home-${homes++}`);
  mkdirSync(home);
  const cache = join(home, "cache");
  const env = { COUNT: join(home, "count"), FAIL: join(home, "fail"), PAUSE: "0" };
  return {
    home,
    env,
    cache,
    setups: () => (existsSync(env.COUNT) ? readFileSync(env.COUNT, "utf8").trim().split("\n").length : 0),
    contents: () => readdirSync(cache).filter((name) => /^[0-9a-f]{16}$/.test(name)),
    markers: () =>
      readdirSync(cache)
        .map((name) => join(cache, name, "instance", "extract", "complete"))
        .filter((path) => existsSync(path)),
    leftOver: () => ["staging", "trash"].flatMap((name) => readdirSync(join(cache, ".store", "v1", name))),
  };
}

test("eight first starts at once: all run, one unpacks", async () => {
  const at = newHome();
  const slowly = { ...at, env: { ...at.env, PAUSE: "0.3" } };
  const runs = await Promise.all(Array.from({ length: 8 }, () => runPackage(app, [], slowly)));
  expect(runs).toEqual(Array(8).fill({ stdout: "hello from one\n", stderr: "", exitCode: 0, signal: null }));
  expect(at.setups()).toBe(1);
  expect(at.contents()).toHaveLength(1);
  expect(at.leftOver()).toEqual([]);
});

test("who waits for more than a second is told why", async () => {
  const at = newHome();
  const slowly = { ...at, env: { ...at.env, PAUSE: "1.6" } };
  const runs = await Promise.all([runPackage(app, [], slowly), runPackage(app, [], slowly)]);
  expect(runs.map(({ stdout }) => stdout)).toEqual(["hello from one\n", "hello from one\n"]);
  expect(runs.map(({ stderr }) => stderr).sort()).toEqual([
    "",
    "hello.psp: waiting for another start of this package to finish unpacking it\n",
  ]);
});

test("a second start changes nothing in the cache", async () => {
  const at = newHome();
  await runPackage(app, [], at);
  const state = () => [statSync(at.markers()[0] as string).mtimeMs, statSync(at.cache).mtimeMs, at.setups()];
  const before = state();
  await runPackage(app, [], at);
  expect(state()).toEqual(before);
});

test("a new version of the same name has its own workenv, and the old one stays", async () => {
  const at = newHome();
  expect((await runPackage(app, [], at)).stdout).toBe("hello from one\n");
  expect((await runPackage(updated, [], at)).stdout).toBe("hello from two\n");
  expect((await runPackage(app, [], at)).stdout).toBe("hello from one\n");
  expect(at.contents()).toHaveLength(2);
  expect(at.setups()).toBe(2);
});

test("a file that is replaced by the new version runs the new version", async () => {
  const at = newHome();
  const installed = join(at.home, "hello");
  const install = (from: string) => {
    const command = ["sh", "-c", 'cp "$1" "$2.new" && mv "$2.new" "$2"', "sh", from, installed];
    expect(Bun.spawnSync(command).exitCode).toBe(0);
  };
  install(app);
  expect((await runPackage(installed, [], at)).stdout).toBe("hello from one\n");
  install(updated);
  expect((await runPackage(installed, [], at)).stdout).toBe("hello from two\n");
});

test("a setup that fails is 103 with what it said; the next start tries again", async () => {
  const at = newHome();
  writeFileSync(at.env.FAIL, "");
  for (let i = 1; i <= 2; i++) {
    const { stdout, stderr, exitCode } = await runPackage(app, [], at);
    expect(stdout).toBe("");
    expect(stderr).toStartWith("hello.psp: Cannot set up the package");
    expect(stderr).toContain("[setup-failed]\n  the disk of the ünit is full\n");
    expect(exitCode).toBe(103);
    expect(at.setups()).toBe(i);
    expect(at.markers()).toEqual([]);
    expect(at.leftOver()).toEqual([]);
  }
  rmSync(at.env.FAIL);
  expect(await runPackage(app, [], at)).toMatchObject({ stdout: "hello from one\n", exitCode: 0 });
  expect(at.setups()).toBe(3);
});

test("a start that was killed in the middle is made good by the next one", async () => {
  const at = newHome();
  const first = startPackage(app, [], { ...at, env: { ...at.env, PAUSE: "1" } });
  while (at.setups() === 0) await Bun.sleep(5);
  first.kill("SIGKILL");
  await first.exited;
  expect(at.markers()).toEqual([]);
  expect(await runPackage(app, [], at)).toMatchObject({ stdout: "hello from one\n", exitCode: 0 });
  expect(at.setups()).toBe(2);
  expect(at.markers()).toHaveLength(1);
});

test("a content folder that somebody removed is unpacked again", async () => {
  const at = newHome();
  await runPackage(app, [], at);
  rmSync(join(at.cache, at.contents()[0] as string), { recursive: true });
  expect(await runPackage(app, [], at)).toMatchObject({ stdout: "hello from one\n", exitCode: 0 });
  expect(at.setups()).toBe(2);
});

test("a content folder that somebody put there is not trusted", async () => {
  const at = newHome();
  await runPackage(app, [], at);
  const content = join(at.cache, at.contents()[0] as string);
  rmSync(content, { recursive: true });
  // Made first, so that the file system cannot give out the inode of the old folder for the new one.
  mkdirSync(join(at.home, "takes-the-inode"));
  mkdirSync(join(content, "app"), { recursive: true });
  writeFileSync(join(content, "app", "hello.sh"), "#!/bin/sh\necho evil\n", { mode: 0o755 });
  expect((await runPackage(app, [], at)).stdout).toBe("hello from one\n");
});

test.each(["", "{", "null", "[]", '{"schema":"flavor.workenv/1"}', "\0\0"])(
  "a marker with %j inside is no marker",
  async (text) => {
    const at = newHome();
    await runPackage(app, [], at);
    writeFileSync(at.markers()[0] as string, text);
    expect(await runPackage(app, [], at)).toMatchObject({
      stdout: "hello from one\n",
      stderr: "",
      exitCode: 0,
    });
    expect(at.setups()).toBe(2);
  },
);

test("a cache that cannot be made is 103, with place and reason", async () => {
  const at = newHome();
  writeFileSync(at.cache, "a file");
  const { stdout, stderr, exitCode } = await runPackage(app, [], at);
  expect(stdout).toBe("");
  expect(stderr).toContain(`${at.cache} (from FLAVOR_CACHE): `);
  expect(stderr).toContain("[no-workenv-location]");
  expect(exitCode).toBe(103);
});
