import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { sha256Hex } from "../../format/wire/hashes.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import {
  buildLaunchers,
  type EnsuredLauncher,
  ensureLauncher,
  findLauncher,
  launcherCacheDir,
  launcherPrints,
  listLaunchers,
} from "./cache.ts";
import { printsOf } from "../prints.ts";
import { hostTarget } from "./host.ts";

const entry = join(import.meta.dir, "..", "..", "tests", "support", "stand-in", "main.ts");
const host = hostTarget();
const notes = (dir: string) => readdirSync(dir).filter((name) => name.endsWith(".sha256"));

// One launcher is compiled here; tests that damage something work on a copy of the folder.
let shared: ReturnType<typeof tempDir>;
let first: EnsuredLauncher;
beforeAll(async () => {
  shared = tempDir();
  first = await ensureLauncher(host, { cacheDir: shared.path, entry });
});
afterAll(() => shared[Symbol.dispose]());

function copyOfShared() {
  const dir = tempDir();
  cpSync(shared.path, dir.path, { recursive: true });
  return { ...dir, options: { cacheDir: dir.path, entry }, launcher: join(dir.path, basename(first.path)) };
}

const run = (path: string, args: readonly string[], cwd: string, env = {}) => {
  const { stdout, stderr, exitCode } = Bun.spawnSync([path, ...args], {
    cwd,
    env: { ...process.env, ...env },
  });
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode };
};

test("what is built says what it is, and nothing else is left in the folder", async () => {
  const bytes = readFileSync(first.path);
  expect(first).toMatchObject({
    target: host,
    built: true,
    size: bytes.length,
    sha256: sha256Hex(new Uint8Array(bytes)),
  });
  expect(readdirSync(shared.path).toSorted()).toEqual(
    [basename(first.path), `${basename(first.path)}.prints`, ...notes(shared.path)].toSorted(),
  );
  expect(launcherPrints(first)).toEqual([...printsOf(new Uint8Array(bytes))]);
  expect(readFileSync(join(shared.path, notes(shared.path)[0] as string), "utf8")).toBe(
    `${first.sha256}  ${basename(first.path)}\n`,
  );
});

test("it runs, loads late what is loaded late, and knows its own path", async () => {
  using dir = tempDir();
  const { stdout, exitCode } = run(first.path, [], dir.path);
  expect(JSON.parse(stdout)).toEqual({ program: "stand-in", path: first.path });
  expect(exitCode).toBe(42);
  expect(run(first.path, ["late"], dir.path)).toEqual({ stdout: "loaded late", stderr: "", exitCode: 42 });
});

test("files of the folder where it is started do not reach it", async () => {
  using dir = tempDir();
  writeFileSync(join(dir.path, "bunfig.toml"), 'preload = ["./evil.ts"]');
  writeFileSync(join(dir.path, "evil.ts"), 'process.stdout.write("EVIL")');
  writeFileSync(join(dir.path, ".env"), "PLANTED=by-dotenv");
  writeFileSync(join(dir.path, "package.json"), "not even JSON");
  writeFileSync(join(dir.path, "tsconfig.json"), "neither");
  const { stdout, stderr, exitCode } = run(first.path, [], dir.path);
  expect(stdout).toBe(JSON.stringify({ program: "stand-in", path: first.path }));
  expect(stderr).toBe("");
  expect(exitCode).toBe(42);
});

test("the second time it comes from the cache", async () => {
  expect(await ensureLauncher(host, { cacheDir: shared.path, entry })).toEqual({ ...first, built: false });
});

test.each([
  [
    "one byte of the launcher",
    ({ launcher }) => {
      const bytes = readFileSync(launcher);
      writeFileSync(launcher, bytes.fill((bytes[5000] as number) ^ 1, 5000, 5001));
    },
  ],
  [
    "the end of the launcher",
    ({ launcher }) => writeFileSync(launcher, readFileSync(launcher).subarray(0, -1)),
  ],
  ["the launcher", ({ launcher }) => rmSync(launcher)],
  ["the note", ({ path }) => writeFileSync(join(path, notes(path)[0] as string), `${"0".repeat(64)}  x\n`)],
  [
    "the note's text",
    ({ path }) => writeFileSync(join(path, notes(path)[0] as string), "../../../etc/passwd"),
  ],
] satisfies [string, (copy: ReturnType<typeof copyOfShared>) => void][])(
  "damage to %s is seen, never used, and repaired",
  async (_, damage) => {
    using copy = copyOfShared();
    damage(copy);
    expect((await listLaunchers(copy.options)).find(({ target }) => target === host)?.state).toBe("damaged");
    expect(await ensureLauncher(host, copy.options)).toEqual({ ...first, path: copy.launcher, built: true });
    expect(sha256Hex(new Uint8Array(readFileSync(copy.launcher)))).toBe(first.sha256);
  },
);

test("two builders at once both succeed, with the same launcher", async () => {
  using dir = tempDir();
  const both = await Promise.all([1, 2].map(() => ensureLauncher(host, { cacheDir: dir.path, entry })));
  const same = { ...first, path: join(dir.path, basename(first.path)), built: true };
  expect(both).toEqual([same, same]);
  expect(readdirSync(dir.path).length).toBe(3);
});

test("force builds what is there", async () => {
  using copy = copyOfShared();
  const built = { ...first, path: copy.launcher };
  expect(await buildLaunchers([host], copy.options)).toEqual([{ ...built, built: false }]);
  expect(await buildLaunchers([host], { ...copy.options, force: true })).toEqual([{ ...built, built: true }]);
});

test("the list names every target, and what is there with its digest", async () => {
  const states = await listLaunchers({ cacheDir: shared.path, entry });
  expect(states.filter(({ state }) => state !== "missing")).toEqual([
    { target: host, path: first.path, size: first.size, sha256: first.sha256, state: "ready" },
  ]);
  expect(states.length).toBe(9);
});

test("another program, or another content, is another launcher", async () => {
  using copy = copyOfShared();
  using sources = tempDir();
  cpSync(join(entry, ".."), sources.path, { recursive: true });
  writeFileSync(join(sources.path, "late.ts"), 'export const late = () => "changed";');
  const options = { ...copy.options, entry: join(sources.path, "main.ts") };
  expect((await listLaunchers(options)).find(({ target }) => target === host)?.state).toBe("missing");
});

test("the folder can be chosen", () => {
  const dir = (env: Record<string, string>) => launcherCacheDir(env, "/home/me");
  expect(dir({})).toBe("/home/me/.cache/flavor/launchers");
  expect(dir({ XDG_CACHE_HOME: "/cache" })).toBe("/cache/flavor/launchers");
  expect(dir({ XDG_CACHE_HOME: "/cache", FLAVOR_LAUNCHERS: "/l" })).toBe("/l");
  expect(dir({ XDG_CACHE_HOME: "", FLAVOR_LAUNCHERS: "" })).toBe("/home/me/.cache/flavor/launchers");
});

test("one that is only looked for is not read, but made when there is none", async () => {
  using copy = copyOfShared();
  const bytes = readFileSync(copy.launcher);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(copy.launcher, bytes);
  const { path, size, sha256 } = { ...first, path: copy.launcher };
  expect(await findLauncher(host, copy.options)).toEqual({ target: host, path, size, sha256, built: false });
  rmSync(copy.launcher);
  expect(await findLauncher(host, copy.options)).toMatchObject({ sha256, built: true });
});

test("prints that are gone, or of other bytes, are none", () => {
  using copy = copyOfShared();
  const file = `${copy.launcher}.prints`;
  const prints = () => launcherPrints({ path: copy.launcher, size: first.size });
  expect(prints()).toEqual(launcherPrints(first));
  writeFileSync(file, readFileSync(file).subarray(0, -16));
  expect(prints()).toBeUndefined();
  rmSync(file);
  expect(prints()).toBeUndefined();
});
