import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CacheManager } from "../../builder/cache-manager.ts";
import { layoutOf } from "../../format/cache/layout.ts";
import { failureOf } from "../support/failure.ts";
import { oneFolder, packApp, runPackage, startPackage } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

// `wait.sh` says when it runs, and ends when the file that it is given goes away.
const WAIT = `#!/bin/sh
touch "$1.started"
while [ -e "$1" ]; do sleep 0.02; done
cat "$(dirname "$0")/data.txt"
`;
// A background child that outlives the program.
const LEAVE = `#!/bin/sh
"$(dirname "$0")/wait.sh" "$1" > "$1.out" 2>&1 &
`;

const dir = tempDir();
let app: string;
beforeAll(async () => {
  const files = { "app/wait.sh": WAIT, "app/leave.sh": LEAVE, "app/data.txt": "the data\n" };
  app = await packApp(dir.path, oneFolder("lease", "sh {workenv}/app/wait.sh"), files);
});
afterAll(() => dir[Symbol.dispose]());

const until = async (condition: () => boolean) => {
  while (!condition()) await Bun.sleep(10);
};

/** A running application with a cache of its own. */
async function running(script?: string) {
  const home = join(dir.path, `home-${crypto.randomUUID().slice(0, 8)}`);
  const cache = join(home, "cache");
  const flag = join(dir.path, `flag-${crypto.randomUUID().slice(0, 8)}`);
  await Bun.write(flag, "");
  const env = { FLAVOR_CACHE: cache };
  const child = startPackage(app, script === undefined ? [flag] : [flag, script], { home, env });
  return { home, env, cache, flag, child, manager: new CacheManager({ cacheDir: cache }) };
}

test("a workenv whose application runs is in use: it is neither cleaned nor removed", async () => {
  const at = await running();
  await until(() => existsSync(`${at.flag}.started`));
  const [entry] = at.manager.listCached();
  const id = entry?.id as string;
  const { busy, removed } = await at.manager.clean();
  expect([busy.map((one) => one.id), removed]).toEqual([[id], []]);
  expect((await failureOf(() => at.manager.remove(id))).code).toBe("workenv-busy");
  rmSync(at.flag);
  expect(await new Response(at.child.stdout as ReadableStream).text()).toBe("the data\n");
  expect(await at.child.exited).toBe(0);
  expect((await at.manager.clean()).removed.map((one) => one.id)).toEqual([id]);
  expect(readdirSync(at.cache).filter((name) => name !== ".store")).toEqual([]);
});

test("a child that outlives the application holds its workenv", async () => {
  const home = join(dir.path, "home-child");
  const cache = join(home, "cache");
  const leaving = await packApp(
    join(dir.path, "leaving"),
    oneFolder("leaving", "sh {workenv}/app/leave.sh"),
    { "app/wait.sh": WAIT, "app/leave.sh": LEAVE, "app/data.txt": "the data\n" },
  );
  const flag = join(dir.path, "flag-child");
  await Bun.write(flag, "");
  expect((await runPackage(leaving, [flag], { home, env: { FLAVOR_CACHE: cache } })).exitCode).toBe(0);
  await until(() => existsSync(`${flag}.started`));
  const manager = new CacheManager({ cacheDir: cache });
  expect((await manager.clean()).busy.length).toBe(1);
  rmSync(flag);
  await until(() => readFileSync(`${flag}.out`, "utf8") === "the data\n");
  // The child has written its last line, and ends now.
  while ((await manager.clean()).removed.length === 0) await Bun.sleep(10);
  expect(manager.listCached()).toEqual([]);
});

test("a workenv that must be made anew waits for the application that runs from it", async () => {
  const at = await running();
  await until(() => existsSync(`${at.flag}.started`));
  const id = at.manager.listCached()[0]?.id as string;
  rmSync(layoutOf(at.cache, id).marker);
  const other = join(dir.path, "other-flag");
  const second = startPackage(app, [other], { home: at.home, env: at.env });
  const { value } = await (second.stderr as ReadableStream<Uint8Array>).getReader().read();
  expect(new TextDecoder().decode(value)).toContain(
    "waiting for the application to end: its files must be unpacked again",
  );
  expect(second.exitCode).toBeNull();
  rmSync(at.flag);
  expect(await at.child.exited).toBe(0);
  expect(await second.exited).toBe(0);
});

test("the application has the lease and no other file that the launcher opened", async () => {
  const home = join(dir.path, "home-fds");
  const list = await packApp(join(dir.path, "fds"), oneFolder("fds", "sh {workenv}/app/list.sh"), {
    "app/list.sh": "for fd in /proc/$$/fd/*; do readlink $fd; done\n",
  });
  for (const start of ["cold", "warm"]) {
    const { stdout } = await runPackage(list, [], { home });
    const opened = stdout.split("\n").filter((path) => path.includes(home) || path.includes(".psp"));
    expect([start, opened.filter((path) => !path.endsWith("list.sh"))]).toEqual([
      start,
      [expect.stringMatching(/\/locks\/env-[0-9a-f]{16}$/)],
    ]);
  }
});
