import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { CacheManager } from "../../builder/cache-manager.ts";
import { testLauncher } from "../support/compiled.ts";
import { failureOf } from "../support/failure.ts";
import { oneFolder, packApp, runPackage, startPackage } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

// While an application runs, nobody takes its workenv away; and whatever is killed, the next start works.

const MAIN = join(import.meta.dir, "..", "..", "builder", "cli", "main.ts");
/** `wait` until its input ends, `leave` a child behind that waits for a file, or say what it was made of. */
const APP = `#!/bin/sh
case "$1" in
  wait) echo ready; read -r line; cat "$FLAVOR_WORKENV/app/version" ;;
  until) (touch "$2.started"; while [ ! -e "$2" ]; do sleep 0.02; done) & wait ;;
  leave) (echo ready; while [ ! -e "$2" ]; do sleep 0.02; done) & ;;
  leases) (cd /proc/self/fd && for fd in *; do case "$(readlink "$fd")" in */locks/env-*) echo "$fd" ;; esac; done); ls /proc/self/fd ;;
  *) cat "$FLAVOR_WORKENV/app/version" ;;
esac
`;

let dir: ReturnType<typeof tempDir>;
let one: string;
let two: string;
/** With the launcher from which tests can take locks away. Its setup counts itself. */
let poor: string;
beforeAll(async () => {
  dir = tempDir();
  const pack = (version: string) =>
    packApp(
      dir.path,
      oneFolder("held", "{workenv}/app/app.sh").replace('version = "1.0"', `version = "${version}"`),
      { "app/app.sh": APP, "app/version": `${version}\n` },
      { output: join(dir.path, version, "held.psp") },
    );
  one = await pack("1");
  two = await pack("2");
  const setup = '[[setup_commands]]\ntype = "execute"\ncommand = "sh {workenv}/app/count.sh"';
  poor = await packApp(
    dir.path,
    oneFolder("poor", "{workenv}/app/app.sh", setup),
    { "app/app.sh": APP, "app/version": "1\n", "app/count.sh": 'echo set up >> "$COUNT"' },
    { output: join(dir.path, "poor.psp"), launcher: (await testLauncher()).path },
  );
});
afterAll(() => dir[Symbol.dispose]());

let homes = 0;
function newHome() {
  const home = join(dir.path, `home-${homes++}`);
  mkdirSync(home);
  const cache = join(home, "cache");
  const manager = new CacheManager({ cacheDir: cache });
  return {
    home,
    cache,
    manager,
    entry: () =>
      manager.inspectWorkenv(manager.listCached()[0]?.id ?? "") as {
        id: string;
        contentDir: string;
        metadataDir: string;
      },
    leftOver: () => ["staging", "trash"].flatMap((name) => readdirSync(join(cache, ".store", "v1", name))),
    locks: () => readdirSync(join(cache, ".store", "v1", "locks")),
  };
}
type Home = ReturnType<typeof newHome>;

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await Bun.sleep(10);
}

/** A pipe with a name, which is closed when this process ends, however it ends. */
function pipeIn(folder: string) {
  const path = join(folder, `pipe-${crypto.randomUUID()}`);
  Bun.spawnSync(["mkfifo", path]);
  const both = openSync(path, "r+"); // so that neither end waits for the other
  const ends = { input: openSync(path, "w"), output: openSync(path, "r") };
  closeSync(both);
  return ends;
}

/** A running application, once it has said that it runs. */
async function running(path: string, at: Home, env: Readonly<Record<string, string>> = {}) {
  // Not a pipe of Bun's: it closes that when the launcher has ended, though the application may still read it.
  const { input, output } = pipeIn(at.home);
  const child = Bun.spawn([path, "wait"], {
    cwd: at.home,
    env: { HOME: at.home, FLAVOR_CACHE: at.cache, PATH: "/usr/bin:/bin", ...env },
    stdin: output,
    stdout: "pipe",
    stderr: "inherit",
  });
  closeSync(output);
  const reader = child.stdout.getReader();
  const read = async () => new TextDecoder().decode((await reader.read()).value);
  expect(await read()).toBe("ready\n");
  return {
    /** Lets it end. What it then reads from its workenv. */
    async end() {
      closeSync(input);
      let text = "";
      for (let part = await read(); part !== ""; part = await read()) text += part;
      await child.exited;
      return text;
    },
  };
}

test.each(["exec", "spawn"])(
  "what runs (%s) is neither cleaned nor removed, and afterwards is",
  async (mode) => {
    const at = newHome();
    for (const start of ["cold", "warm"]) {
      const app = await running(one, at, { FLAVOR_EXEC_MODE: mode });
      const { id, contentDir } = at.entry();
      expect([start, await at.manager.clean({ dryRun: true })]).toMatchObject([
        start,
        { removed: [], busy: [{ id, why: "running" }] },
      ]);
      expect(await at.manager.clean()).toMatchObject({ removed: [], busy: [{ id }], failed: [] });
      expect(await failureOf(() => at.manager.remove(id))).toMatchObject({
        code: "workenv-busy",
        message: `Cannot remove the workenv ${id}: an application is running from it`,
      });
      const env = { HOME: at.home, FLAVOR_CACHE: at.cache, PATH: "/usr/bin:/bin" };
      const cli = Bun.spawnSync([process.execPath, MAIN, "workenv", "remove", id, "-y"], { env });
      expect([cli.exitCode, cli.stderr.toString()]).toEqual([106, expect.stringContaining("[workenv-busy]")]);
      expect(existsSync(contentDir)).toBe(true);
      expect(await app.end()).toBe("1\n");
    }
    const { id } = at.entry();
    expect(await at.manager.clean()).toMatchObject({ removed: [{ id }], busy: [] });
    expect([readdirSync(at.cache), at.locks()]).toEqual([[".store"], []]);
  },
);

test("a child that the application leaves behind keeps the workenv until it ends", async () => {
  const at = newHome();
  const signal = join(at.home, "signal");
  const child = startPackage(one, ["leave", signal], { home: at.home });
  expect(await child.exited).toBe(0);
  const { id } = at.entry();
  expect((await failureOf(() => at.manager.remove(id))).code).toBe("workenv-busy");
  writeFileSync(signal, "");
  await new Response(child.stdout).text(); // ends with its last writer
  expect(await at.manager.remove(id)).toMatchObject({ id });
});

test("a program that runs in {bun} holds its workenv like any other", async () => {
  const at = newHome();
  const script = await packApp(
    dir.path,
    oneFolder("script", "{bun} {workenv}/app/main.ts"),
    { "app/main.ts": 'console.log("ready"); await Bun.stdin.text(); console.log("done");' },
    { output: join(dir.path, "script.psp") },
  );
  for (const _ of ["cold", "warm"]) {
    const app = await running(script, at);
    expect(await at.manager.clean()).toMatchObject({ removed: [], busy: [{ name: "script" }] });
    expect(await app.end()).toBe("done\n");
  }
  expect(await at.manager.clean()).toMatchObject({ removed: [{ name: "script" }], busy: [] });
});

test.skipIf(process.platform !== "linux")(
  "standard streams and file 3 of the caller reach the application",
  async () => {
    const at = newHome();
    const file = join(at.home, "file");
    writeFileSync(file, "through three\n");
    const reader = await packApp(
      dir.path,
      oneFolder("reader", "sh -c 'cat <&3'"),
      { "app/nothing": "" },
      { output: join(dir.path, "reader.psp") },
    );
    const { stdout } = Bun.spawnSync(["sh", "-c", 'exec 3<"$2"; exec "$1"', "sh", reader, file], {
      env: { HOME: at.home, FLAVOR_CACHE: at.cache, PATH: "/usr/bin:/bin" },
    });
    expect(stdout.toString()).toBe("through three\n");
  },
);

test("a new version runs beside the old one, and each is removed when it has ended", async () => {
  const at = newHome();
  const first = await running(one, at);
  const second = await running(two, at);
  expect((await at.manager.clean()).busy).toHaveLength(2);
  expect(await second.end()).toBe("2\n");
  expect(await at.manager.clean()).toMatchObject({ removed: [{ version: "2" }], busy: [{ version: "1" }] });
  expect(await first.end()).toBe("1\n");
  expect(await at.manager.clean()).toMatchObject({ removed: [{ version: "1" }], busy: [] });
});

test("a workenv that must be made anew waits until the application has ended, and says so", async () => {
  const at = newHome();
  const app = await running(one, at);
  const { metadataDir } = at.entry();
  rmSync(join(metadataDir, "instance", "extract", "complete"));
  const second = startPackage(one, [], { home: at.home });
  const reader = second.stderr.getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toBe(
    "held.psp: waiting for the application to end: its files must be unpacked again\n",
  );
  expect((await failureOf(() => at.manager.remove(at.entry().id))).message).toEndWith(
    "a launcher is making it",
  );
  expect(await app.end()).toBe("1\n");
  expect([await new Response(second.stdout).text(), await second.exited]).toEqual(["1\n", 0]);
  expect(at.leftOver()).toEqual([]);
});

test.skipIf(process.platform !== "linux")(
  "the application has one open file more than its caller gave it, with a number that nobody chooses",
  async () => {
    const at = newHome();
    for (const start of ["cold", "exec", "spawn"]) {
      const env = start === "spawn" ? { FLAVOR_EXEC_MODE: "spawn" } : {};
      const { stdout } = await runPackage(one, ["leases"], { home: at.home, env });
      const [lease, ...open] = stdout.trim().split("\n");
      expect([start, lease, open.toSorted()]).toEqual([start, "900", ["0", "1", "2", "3", "900"]]); // 3: of ls
    }
  },
);

test("a package that an application starts has a lease of its own beside that of the application", async () => {
  const at = newHome();
  const outer = await packApp(
    dir.path,
    oneFolder("outer", `sh -c '"$0" wait; echo after' ${one}`),
    { "app/nothing": "" },
    { output: join(dir.path, "outer.psp") },
  );
  const app = await running(outer, at);
  expect(await at.manager.clean()).toMatchObject({ removed: [], busy: [{}, {}] });
  expect(await app.end()).toBe("1\nafter\n");
});

test("a launcher that is killed leaves the lease to what its application has started", async () => {
  const at = newHome();
  const signal = join(at.home, "signal");
  const launcher = startPackage(one, ["until", signal], {
    home: at.home,
    env: { FLAVOR_EXEC_MODE: "spawn" },
  });
  await until(async () => existsSync(`${signal}.started`));
  launcher.kill("SIGKILL");
  await launcher.exited;
  const { id } = at.entry();
  expect(await at.manager.clean()).toMatchObject({ removed: [], busy: [{ id, why: "running" }] });
  writeFileSync(signal, "");
  await until(async () => (await at.manager.clean()).removed.length === 1);
});

test("many and long arguments and variables arrive whole, and signals have their defaults", async () => {
  const at = newHome();
  const show = await packApp(
    dir.path,
    oneFolder("show", "sh {workenv}/app/show.sh"),
    {
      "app/show.sh":
        'for a in "$@"; do printf "<%s>" "$a"; done; env | grep -c ^MANY_; printf %s "$ODD"; grep Sig /proc/self/status >&2',
    },
    { output: join(dir.path, "show.psp") },
  );
  const args = ["", "ü 日本 😀", "", ...Array.from({ length: 1000 }, (_, i) => `${i} `.repeat(25)), ""];
  const env = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`MANY_${i}`, "y".repeat(50)]));
  const ran = await runPackage(show, args, { home: at.home, env: { ...env, ODD: "a=b\n=ü" } });
  expect(ran.stdout).toBe(`${args.map((arg) => `<${arg}>`).join("")}3000\na=b\n=ü`);
  if (process.platform !== "linux") return;
  const plain = Bun.spawnSync(["sh", "-c", "grep Sig /proc/self/status >&2"]);
  const masks = (text: string) => text.match(/Sig(Blk|Ign):\s*[0-9a-f]+/g);
  expect(masks(ran.stderr)).toEqual(masks(plain.stderr.toString()));
});

test.skipIf(process.getuid?.() !== 0 || !existsSync("/usr/bin/setpriv"))(
  "a cache that is only readable is used as it is, with a lease (this test needs root, to become somebody else)",
  async () => {
    const at = newHome();
    await runPackage(one, [], { home: at.home });
    Bun.spawnSync(["chmod", "-R", "a+rX", dir.path]);
    const listed = () => Bun.spawnSync(["find", at.cache, "-printf", "%p %T@ %m\n"]).stdout.toString();
    const before = listed();
    expect(before).toContain("complete");
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    const env = { HOME: "/nowhere", FLAVOR_CACHE: at.cache, PATH: "/usr/bin:/bin" };
    const { stdout, stderr } = Bun.spawnSync([...nobody, one, "leases"], { env, cwd: "/" });
    expect([stdout.toString().split("\n")[0], stderr.toString()]).toEqual(["900", ""]);
    expect(listed()).toBe(before);
    // Without a lock file, too: then there is no lease.
    for (const name of readdirSync(join(at.cache, ".store/v1/locks")))
      rmSync(join(at.cache, ".store/v1/locks", name));
    const second = Bun.spawnSync([...nobody, one], { env, cwd: "/" });
    expect([second.stdout.toString(), second.stderr.toString()]).toEqual(["1\n", ""]);
  },
);

test("a warm start whose lock file was removed makes it again and has its lease", async () => {
  const at = newHome();
  await runPackage(one, [], { home: at.home });
  rmSync(join(at.cache, ".store"), { recursive: true });
  const app = await running(one, at);
  expect((await failureOf(() => at.manager.remove(at.entry().id))).code).toBe("workenv-busy");
  await app.end();
  expect(readFileSync(join(at.entry().contentDir, "app", "version"), "utf8")).toBe("1\n");
});

describe("where file locks do not work", () => {
  const start = async (at: Home, without: string, args: readonly string[] = []) =>
    runPackage(poor, args, {
      home: at.home,
      env: { FLAVOR_TEST_WITHOUT: without, COUNT: join(at.home, "count") },
    });

  test.each(["flock", "libc", "flock,sqlite"])(
    "(%s) a package runs, and says once what that means",
    async (without) => {
      const at = newHome();
      expect(await start(at, without)).toEqual({
        stdout: "1\n",
        stderr: `poor.psp: warning: file locks do not work in ${at.cache}: cleaning cannot see what runs\n`,
        exitCode: 0,
        signal: null,
      });
      expect(await start(at, without)).toMatchObject({ stdout: "1\n", stderr: "", exitCode: 0 });
      const { id } = at.entry();
      expect(await at.manager.clean()).toMatchObject({ removed: [], kept: [{ id, why: "unclear" }] });
      expect(await at.manager.remove(id)).toMatchObject({ id });
      expect(at.leftOver()).toEqual([]);
    },
  );

  test.each(["flock", "flock,sqlite"])("(%s) of many first starts one does the work", async (without) => {
    const at = newHome();
    const count = join(at.home, "count");
    const env = { FLAVOR_TEST_WITHOUT: without, COUNT: count };
    const runs = await Promise.all(
      Array.from({ length: 4 }, () => runPackage(poor, [], { home: at.home, env })),
    );
    const said = expect.not.stringContaining("Cannot");
    expect(runs).toEqual(Array(4).fill({ stdout: "1\n", stderr: said, exitCode: 0, signal: null }));
    expect(readFileSync(count, "utf8")).toBe("set up\n");
    expect(at.leftOver()).toEqual([]);
  });
});
