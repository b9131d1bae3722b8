import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { CacheManager } from "../../builder/cache-manager.ts";
import { layoutOf, storeOf } from "../../format/cache/layout.ts";
import { stampOf } from "../../format/cache/cleaning/turn.ts";
import { oneFolder, packApp, type Ran, runPackage, startPackage } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

// Packages clean the cache beside their application, once a day.

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;

// What an application can see of a process that was started before it, and of how its own was left.
const LOOK = `
children=
if [ -r /proc/$$/task/$$/children ]; then
  read children < /proc/$$/task/$$/children
  while read line; do case "$line" in Sig*|Shd*) echo "$line";; esac; done < /proc/$$/status
  for fd in /proc/$$/fd/*; do readlink "$fd"; done
fi
echo "children: $children"
[ -z "$1" ] || { : > "$1.started"; while [ -e "$1" ]; do sleep 0.02; done; }
`;

const dir = tempDir();
let app: string;
let other: string;
let third: string;
beforeAll(async () => {
  const pack = (name: string) =>
    packApp(join(dir.path, name), oneFolder(name, "sh {workenv}/app/look.sh"), { "app/look.sh": LOOK });
  [app, other, third] = [await pack("app"), await pack("other"), await pack("third")];
});
afterAll(() => dir[Symbol.dispose]());

/** Each process has streams of its own. */
const withoutNumbers = (ran: Ran): Ran => ({
  ...ran,
  stdout: ran.stdout.replaceAll(/(socket|pipe):\[\d+\]|SigQ:.*/g, "$1"),
});

const until = async (condition: () => boolean) => {
  while (!condition()) await Bun.sleep(10);
};

const touch = (path: string, ago: number): void => {
  const then = (Date.now() - ago) / 1000;
  utimesSync(path, then, then);
};

/** A cache with some packages, cleaned a day ago. */
async function cacheWith(...packages: readonly string[]) {
  const home = join(dir.path, `home-${crypto.randomUUID().slice(0, 8)}`);
  const cache = join(home, "cache");
  const manager = new CacheManager({ cacheDir: cache });
  const at = {
    home,
    cache,
    manager,
    run: (
      path: string,
      env: Readonly<Record<string, string | undefined>> = {},
      args: readonly string[] = [],
    ) => runPackage(path, args, { home, env: { ...env } }),
    idOf: (name: string): string => manager.listCached().find((entry) => entry.name === name)?.id as string,
    /** As if it had been used last so long ago. */
    age: (name: string, ago: number) => touch(layoutOf(cache, at.idOf(name)).marker, ago),
    names: () =>
      manager
        .listCached()
        .map(({ name }) => name)
        .toSorted(),
    cleanedAt: () => statSync(stampOf(cache)).mtimeMs,
    /** Makes the next start of it a slow one, and cleaning due. */
    makeDue(name: string) {
      at.age(name, 25 * HOUR);
      touch(stampOf(cache), 25 * HOUR);
      return at.cleanedAt();
    },
    /** The background process has ended: it has the lock until then. */
    settled: () => until(() => !existsSync(join(storeOf(cache).locks, "clean"))),
  };
  for (const path of packages) expect(await at.run(path)).toMatchObject({ stderr: "", exitCode: 0 });
  return at;
}

test("what was not used for a month goes with the first slow start of a day, and the application sees nothing", async () => {
  const at = await cacheWith(app, other, third);
  at.age("other", 31 * DAY);
  at.age("third", 29 * DAY);
  const { content, bookkeeping } = layoutOf(at.cache, at.idOf("other"));
  const usual = await at.run(app);
  const before = at.makeDue("app");
  const beside = readdirSync(at.home).toSorted();
  expect(withoutNumbers(await at.run(app))).toEqual(withoutNumbers(usual));
  expect(usual.stdout).toEndWith("children: \n");
  expect(at.cleanedAt()).toBeGreaterThan(before);
  await until(() => !existsSync(content) && !existsSync(bookkeeping));
  await at.settled();
  expect(at.names()).toEqual(["app", "third"]);
  expect(readdirSync(at.home).toSorted()).toEqual(beside);
});

test("a cache that is too large loses what was used least recently, and never what is in use or was used last", async () => {
  const at = await cacheWith(app, other, third);
  const flag = join(dir.path, "flag-held");
  writeFileSync(flag, "");
  const held = startPackage(other, [flag], { home: at.home });
  await until(() => existsSync(`${flag}.started`));
  at.age("other", 3 * DAY);
  at.age("third", 2 * DAY);
  at.makeDue("app");
  const { content } = layoutOf(at.cache, at.idOf("third"));
  expect(await at.run(app, { FLAVOR_CACHE_MAX_SIZE: "1k" })).toMatchObject({ stderr: "", exitCode: 0 });
  await until(() => !existsSync(content));
  await at.settled();
  expect(at.names()).toEqual(["app", "other"]);
  rmSync(flag);
  expect(await held.exited).toBe(0);
});

test("once a day and not twice; a warm start never", async () => {
  const at = await cacheWith(app, other);
  at.age("other", 31 * DAY);
  at.age("app", 25 * HOUR);
  // A new cache has its first turn in a day.
  const made = at.cleanedAt();
  await at.run(app);
  expect([at.cleanedAt(), at.names()]).toEqual([made, ["app", "other"]]);
  // Due, but this start is a warm one.
  touch(stampOf(at.cache), 25 * HOUR);
  const due = at.cleanedAt();
  await at.run(app);
  expect(at.cleanedAt()).toBe(due);
  at.makeDue("app");
  await at.run(app);
  const cleaned = at.cleanedAt();
  await until(() => !at.names().includes("other"));
  await at.settled();
  at.age("app", 25 * HOUR);
  await at.run(app);
  expect(at.cleanedAt()).toBe(cleaned);
});

test("of several slow starts at once one cleans", async () => {
  const at = await cacheWith(app, other, third);
  at.age("other", 31 * DAY);
  at.age("third", 25 * HOUR);
  at.makeDue("app");
  const runs = await Promise.all([app, third, app, third].map((path) => at.run(path)));
  expect(runs.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual(Array(4).fill([0, ""]));
  await until(() => !at.names().includes("other"));
  await at.settled();
  expect(at.names()).toEqual(["app", "third"]);
});

test.each([
  { CI: "true" },
  { CI: "1" },
  { FLAVOR_CACHE_STRATEGY: "aggressive" },
  { FLAVOR_CACHE_MAX_AGE: "off", FLAVOR_CACHE_MAX_SIZE: "off" },
])("not where it is off: %p", async (env) => {
  const at = await cacheWith(app, other);
  at.age("other", 400 * DAY);
  const before = at.makeDue("app");
  expect(await at.run(app, env)).toMatchObject({ stderr: "", exitCode: 0 });
  expect([at.cleanedAt(), at.names()]).toEqual([before, ["app", "other"]]);
  expect(existsSync(join(storeOf(at.cache).locks, "clean"))).toBe(false);
});

test.each([
  [{ CI: "false" }, 31 * DAY],
  [{ FLAVOR_CACHE_STRATEGY: "aggressive", FLAVOR_CACHE_MAX_AGE: "12h" }, 13 * HOUR],
  [{ FLAVOR_CACHE_MAX_AGE: "1" }, 25 * HOUR],
] as const)("where it is on: %p", async (env, unused) => {
  const at = await cacheWith(app, other);
  at.age("other", unused);
  at.makeDue("app");
  await at.run(app, env);
  await until(() => !at.names().includes("other"));
  await at.settled();
});

test("the first process of a container does not clean: everything that loses its parent would be its child", async () => {
  const at = await cacheWith(app, other);
  at.age("other", 31 * DAY);
  const before = at.makeDue("app");
  const command = ["unshare", "--pid", "--fork", "--mount-proc", app];
  const env = { HOME: at.home, FLAVOR_CACHE: at.cache, PATH: "/usr/bin:/bin" };
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { env });
  if (exitCode !== 0) {
    process.stdout.write(`skipped: no namespace for processes here: ${stderr}`);
    return;
  }
  expect(stdout.toString()).toEndWith("children: \n");
  expect([at.cleanedAt(), at.names()]).toEqual([before, ["app", "other"]]);
});

test.each(["FLAVOR_CACHE_MAX_AGE", "FLAVOR_CACHE_MAX_SIZE", "FLAVOR_CACHE_STRATEGY"])(
  "%s with something else is refused by every start, also a warm one",
  async (name) => {
    const at = await cacheWith(app);
    const { stderr, exitCode } = await at.run(app, { [name]: "5y" });
    expect(stderr).toStartWith(`app.psp: Cannot use ${name}="5y": it is `);
    expect(exitCode).toBe(105);
  },
);

test("a stamp that cannot be written stops no start", async () => {
  const at = await cacheWith(app, other);
  at.makeDue("app");
  rmSync(stampOf(at.cache));
  // Nobody can write where a link leads into a folder that is not there.
  writeFileSync(join(at.home, "file"), "");
  symlinkSync(join(at.home, "file", "x"), stampOf(at.cache));
  expect(await at.run(app)).toMatchObject({ stderr: "", exitCode: 0 });
  expect(readFileSync(join(at.home, "file"), "utf8")).toBe("");
});
