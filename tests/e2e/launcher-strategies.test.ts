import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CacheManager } from "../../builder/cache-manager.ts";
import { runCli } from "../../builder/cli/testing.ts";
import { oneFolder, packApp, runPackage, startPackage } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

// Workenvs that go when their application ends.

const APP = `
case "$1" in
  where) echo "$FLAVOR_WORKENV"; ls -ld "$(dirname "$(dirname "$FLAVOR_WORKENV")")" | cut -c1-10; echo "$FLAVOR_CACHE" ;;
  edit) echo mine > "$FLAVOR_WORKENV/conf/settings" ;;
  exit) exit "$2" ;;
  kill) kill "-$2" $$ ;;
  wait) : > "$2.started"; while [ -e "$2" ]; do sleep 0.02; done; cat "$FLAVOR_WORKENV/app/data" ;;
  child) (: > "$2.started"; while [ -e "$2" ]; do sleep 0.02; done) & wait ;;
  *) echo "hello $*" ;;
esac
`;

const dir = tempDir();
let app: string;
let fleeting: string;
let failing: string;
let settings: string;
beforeAll(async () => {
  const files = {
    "app/app.sh": APP,
    "app/data": "the data\n",
    "tmp/scratch": "1",
    "conf/settings": "theirs\n",
  };
  const pack = (name: string, more = "") =>
    packApp(join(dir.path, name), oneFolder(name, "sh {workenv}/app/app.sh", more), files);
  app = await pack("app");
  fleeting = await pack(
    "fleeting",
    '[[slots]]\nid = "tmp"\nsource = "tmp"\ntarget = "tmp"\nlifecycle = "temporary"\n',
  );
  settings = await pack(
    "settings",
    '[[slots]]\nid = "conf"\nsource = "conf"\ntarget = "conf"\nlifecycle = "config"\n',
  );
  failing = await pack("failing", '[[setup_commands]]\ntype = "execute"\ncommand = "false"\n');
});
afterAll(() => dir[Symbol.dispose]());

const until = async (condition: () => boolean) => {
  while (!condition()) await Bun.sleep(10);
};

/** A home and a temporary folder for one test. */
function place(strategy: "conservative" | "minimal") {
  const home = join(dir.path, `home-${crypto.randomUUID().slice(0, 8)}`);
  const tmp = join(home, "tmp");
  mkdirSync(tmp, { recursive: true, mode: 0o700 });
  const env = { FLAVOR_CACHE_STRATEGY: strategy, FLAVOR_CACHE: undefined, TMPDIR: tmp };
  const cache = join(home, ".cache", "flavor", "workenv");
  const flags: string[] = [];
  return {
    home,
    tmp,
    cache,
    workenvs: () => (existsSync(cache) ? new CacheManager({ cacheDir: cache }).listCached().length : 0),
    run: (path: string, args: readonly string[] = [], more = {}) =>
      runPackage(path, args, { home, env: { ...env, ...more } }),
    /** Starts the application and waits until it runs; `end` lets it go. */
    async hold(path: string, how: "wait" | "child" = "wait") {
      const flag = join(home, `flag-${flags.push("")}`);
      writeFileSync(flag, "");
      const child = startPackage(path, [how, flag], { home, env });
      await until(() => existsSync(`${flag}.started`));
      return { child, end: () => rmSync(flag) };
    },
  };
}

describe.each(["conservative", "minimal"] as const)("%s", (strategy) => {
  test("nothing is left when the application has ended, and it ends as it does", async () => {
    const at = place(strategy);
    for (const path of [app, fleeting]) {
      expect(await at.run(path, ["a", "b c"])).toEqual({
        stdout: "hello a b c\n",
        stderr: "",
        exitCode: 0,
        signal: null,
      });
      expect((await at.run(path, ["exit", "42"])).exitCode).toBe(42);
      expect(await at.run(path, ["kill", "TERM"])).toMatchObject({ exitCode: null, signal: "SIGTERM" });
      expect([at.workenvs(), readdirSync(at.tmp)]).toEqual([0, []]);
    }
  });

  test("who still runs keeps what is needed", async () => {
    const at = place(strategy);
    const held = await at.hold(app);
    expect((await at.run(app)).stdout).toBe("hello \n");
    held.end();
    expect(await new Response(held.child.stdout).text()).toBe("the data\n");
    expect(await held.child.exited).toBe(0);
    expect([at.workenvs(), readdirSync(at.tmp)]).toEqual([0, []]);
  });

  test("a signal for the launcher is the application's, and nothing is left then either", async () => {
    const at = place(strategy);
    const held = await at.hold(app);
    held.child.kill("SIGTERM");
    await held.child.exited;
    expect(held.child.signalCode).toBe("SIGTERM");
    expect([at.workenvs(), readdirSync(at.tmp)]).toEqual([0, []]);
  });

  test("a failing setup leaves nothing that counts", async () => {
    const at = place(strategy);
    expect((await at.run(failing)).exitCode).toBe(103);
    expect(readdirSync(at.tmp)).toEqual([]);
  });
});

test("conservative keeps a workenv with settings that were edited, and so does cleaning until it is named", async () => {
  const at = place("conservative");
  expect(await at.run(settings)).toMatchObject({ stderr: "", exitCode: 0 });
  expect(at.workenvs()).toBe(0);
  expect(await at.run(settings, ["edit"])).toMatchObject({ stderr: "", exitCode: 0 });
  const manager = new CacheManager({ cacheDir: at.cache });
  const { removed, kept } = await manager.clean();
  expect([removed, kept.map(({ name, why }) => [name, why])]).toEqual([[], [["settings", "edited"]]]);
  const id = kept[0]?.id as string;
  const env = { FLAVOR_CACHE: at.cache };
  expect((await runCli(["workenv", "inspect", id], { env })).out).toContain(
    "Edited     settings in it are not in a later version yet\n",
  );
  const { asked } = await runCli(["workenv", "remove", id], { env, answer: true });
  expect(asked).toEqual([`remove ${id}, with edited settings that are in no later version?`]);
  expect(at.workenvs()).toBe(0);
});

test("minimal unpacks to a private folder, and neither looks at the cache nor makes one", async () => {
  const at = place("minimal");
  const [workenv = "", mode, cache] = (await at.run(app, ["where"])).stdout.split("\n");
  expect(workenv).toStartWith(`${at.tmp}/flavor-`);
  expect([mode, workenv.startsWith(`${cache}/`)]).toEqual(["drwx------", true]);
  expect(existsSync(at.cache)).toBe(false);
  // One that is named is no cache then, either.
  const named = join(at.home, "named");
  const [again = ""] = (await at.run(app, ["where"], { FLAVOR_CACHE: named })).stdout.split("\n");
  expect([again.startsWith(at.tmp), existsSync(named)]).toEqual([true, false]);
});

test("what a killed launcher left under minimal goes with a later start, and what is in use stays", async () => {
  const at = place("minimal");
  const killed = await at.hold(app, "child");
  killed.child.kill("SIGKILL");
  await killed.child.exited;
  const held = await at.hold(app);
  const folders = readdirSync(at.tmp);
  expect(folders).toHaveLength(2);
  const foreign = join(at.tmp, "flavor-notes");
  mkdirSync(foreign);
  // Young ones are left alone: their locks may not be there yet.
  await at.run(app);
  expect(readdirSync(at.tmp).toSorted()).toEqual([...folders, "flavor-notes"].toSorted());
  const laterStart = async () => {
    for (const name of readdirSync(at.tmp)) utimesSync(join(at.tmp, name), 1, 1);
    await at.run(app);
    return readdirSync(at.tmp).length;
  };
  // What the application of the killed one has started goes on.
  expect(await laterStart()).toBe(3);
  killed.end();
  while ((await laterStart()) > 2);
  expect(existsSync(foreign)).toBe(true);
  held.end();
  expect(await held.child.exited).toBe(0);
  expect(readdirSync(at.tmp)).toEqual(["flavor-notes"]);
});

test("a temporary folder that does not serve is named as what it is", async () => {
  const at = place("minimal");
  const { stderr, exitCode } = await at.run(app, [], { TMPDIR: join(at.home, "missing") });
  expect(stderr).toStartWith(`app.psp: Cannot create a folder in ${at.home}/missing`);
  expect(exitCode).toBe(106);
});
