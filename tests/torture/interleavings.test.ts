import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { entriesOf } from "../../format/cache/entries.ts";
import type { FailPoint } from "../../format/io/fail-point.ts";
import type { Ran, startPackage } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";
import { cacheIn } from "./cache-state.ts";
import { packWitness, said } from "./witness.ts";

// What chance hardly ever finds: one process stopped at the one place where another could do it harm.

const dir = tempDir();
let app: string;
beforeAll(async () => {
  app = await packWitness(dir.path, { version: "1.0" });
}, 60_000);
const children: Child[] = [];
afterAll(async () => {
  // A test that failed may have left some.
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(children.map((child) => child.exited));
  dir[Symbol.dispose]();
});

const GOOD: Ran = { stdout: said("1.0"), stderr: "", exitCode: 0, signal: null };
const NOTHING = { workenvs: 0, others: [], staging: [], trash: [], locks: [] };
const cleaned = (count: number) => ({ stdout: `${count}\n`, stderr: "", exitCode: 0, signal: null });

type Child = ReturnType<typeof startPackage>;

function noted(child: Child): Child {
  children.push(child);
  return child;
}

async function until(condition: () => boolean, child: Child): Promise<void> {
  while (!condition()) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error("it ended without getting there");
    await Bun.sleep(2);
  }
}

async function endOf(child: Child): Promise<Ran> {
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return {
    stdout,
    stderr,
    exitCode: child.exitCode,
    signal: child.signalCode === null ? null : String(child.signalCode),
  };
}

let homes = 0;
function newCache() {
  const home = join(dir.path, `home-${homes++}`);
  mkdirSync(home);
  const at = cacheIn(home);
  const hits = join(home, "hits");
  let files = 0;
  const stopped = async (start: (env: Record<string, string>) => Child, point: FailPoint, hit: number) => {
    const file = join(home, `stop-${files++}`);
    const child = noted(start({ FLAVOR_TEST_HITS: hits, FLAVOR_TEST_PAUSE: `${point}@${hit}:${file}` }));
    await until(() => existsSync(file), child);
    return {
      /** Lets it go on to its end. */
      goOn: (): Promise<Ran> => {
        rmSync(file);
        return endOf(child);
      },
      /** Lets it go on, though it does not end yet. */
      release: () => rmSync(file),
      until: (condition: () => boolean) => until(condition, child),
      ended: () => endOf(child),
    };
  };
  const newFlag = () => {
    const flag = join(home, `flag-${files++}`);
    writeFileSync(flag, "");
    return flag;
  };
  return {
    ...at,
    /** A file for an application that runs until it is gone. */
    newFlag,
    run: (args: readonly string[] = []) => at.run(app, args, { FLAVOR_TEST_HITS: hits }),
    start: (args: readonly string[] = []) => noted(at.start(app, args, { FLAVOR_TEST_HITS: hits })),
    /** A start that has stopped after a step. */
    startStoppedAt: (point: FailPoint, hit = 1, args: readonly string[] = []) =>
      stopped((env) => at.start(app, args, env), point, hit),
    /** A look at what could be cleaned that has stopped after a step. */
    dryRunStoppedAt: (point: FailPoint, hit = 1) =>
      stopped((env) => at.startCleaner(["--dry-run"], env), point, hit),
    /** A start whose application runs until `end` is called. */
    async running() {
      const flag = newFlag();
      const child = noted(at.start(app, ["until", flag]));
      await until(() => existsSync(`${flag}.started`), child);
      return {
        end: (): Promise<Ran> => {
          rmSync(flag);
          return endOf(child);
        },
      };
    },
    /** How often all of them together have passed a point. */
    passed: (point: FailPoint): number =>
      readFileSync(hits, "utf8")
        .split("\n")
        .filter((line) => line === point).length,
    damage: (...paths: readonly string[]) => {
      for (const { content } of entriesOf(at.cache))
        for (const path of paths) rmSync(join(content, path), { recursive: true });
    },
    killedAt: (point: FailPoint) =>
      at.run(app, [], { FLAVOR_TEST_HITS: hits, FLAVOR_TEST_KILL: `${point}:1` }),
  };
}

test.each(["lease-taken", "marker-read", "before-exec"] as const)(
  "a warm start that has come to %s keeps its workenv from being cleaned",
  async (point) => {
    const at = newCache();
    await at.run();
    const start = await at.startStoppedAt(point);
    expect(await at.clean()).toEqual(cleaned(0));
    expect(await start.goOn()).toEqual(GOOD);
    expect(at.passed("staging-opened")).toBe(1);
    expect(await at.clean()).toEqual(cleaned(1));
    expect(at.state()).toEqual(NOTHING);
  },
);

test("a workenv that is cleaned after a start has opened its lock, and before it holds it, is made anew", async () => {
  const at = newCache();
  await at.run();
  const start = await at.startStoppedAt("lock-opened");
  expect(await at.clean()).toEqual(cleaned(1));
  expect(await start.goOn()).toEqual(GOOD);
  expect(at.passed("staging-opened")).toBe(2);
});

test.each(["making-locked", "staging-opened", "unpacked", "retired-marker", "published", "set-up"] as const)(
  "a start that makes a workenv has come to %s: the next one waits for it, and cleaning leaves it alone",
  async (point) => {
    const at = newCache();
    const maker = await at.startStoppedAt(point);
    const other = at.start();
    expect(await at.clean()).toEqual(cleaned(0));
    expect(await maker.goOn()).toEqual(GOOD);
    expect(await endOf(other)).toMatchObject({ stdout: said("1.0"), exitCode: 0 });
    expect(at.passed("staging-opened")).toBe(1);
  },
);

test("a start whose workenv is ready, but not leased yet, keeps it from being cleaned", async () => {
  const at = newCache();
  const maker = await at.startStoppedAt("before-lease");
  expect(await at.clean()).toEqual(cleaned(0));
  expect(await maker.goOn()).toEqual(GOOD);
});

test("a look at what could be cleaned, which holds a lock for a moment, does not cost a start its lease", async () => {
  const at = newCache();
  await at.run();
  const look = await at.dryRunStoppedAt("lock-held", 2); // the second lock of an entry stands for its use
  const flag = at.newFlag();
  const before = at.passed("before-lease");
  const child = at.start(["until", flag]);
  await until(() => at.passed("before-lease") > before, child);
  await look.goOn();
  await until(() => existsSync(`${flag}.started`), child);
  expect(await at.clean()).toEqual(cleaned(0));
  rmSync(flag);
  expect(await endOf(child)).toEqual(GOOD);
});

test("a lock file that was removed after it was opened locks nothing: there is one maker at a time", async () => {
  const at = newCache();
  // In an empty cache, the first lock that is opened is the one for making.
  const late = await at.startStoppedAt("lock-opened");
  expect(await at.run()).toEqual(GOOD);
  expect(await at.clean()).toEqual(cleaned(1));
  const maker = await at.startStoppedAt("published");
  const before = at.passed("lock-opened");
  late.release();
  await late.until(() => at.passed("lock-opened") > before + 2);
  expect(await maker.goOn()).toEqual(GOOD);
  expect(await late.ended()).toMatchObject({ stdout: said("1.0"), exitCode: 0 });
  expect(at.passed("staging-opened")).toBe(2);
});

test.each(["suspected", "file-put-back", "repaired", "before-marker"] as const)(
  "files are put back under an application that runs, and a start that comes in at %s waits for all of them",
  async (point) => {
    const at = newCache();
    await at.run();
    const old = await at.running();
    at.damage("app/deep/2/file 2", "app/witness.sh", "heavy");
    const mender = await at.startStoppedAt(point);
    const other = at.start();
    expect(await at.clean()).toEqual(cleaned(0));
    expect(await mender.goOn()).toEqual(GOOD);
    expect(await endOf(other)).toMatchObject({ stdout: said("1.0"), exitCode: 0 });
    expect(await old.end()).toEqual(GOOD);
    expect(at.passed("published")).toBe(1);
  },
);

test.each(["suspected", "file-put-back"] as const)(
  "a mending that is killed at %s is finished by the next start, though the file that it missed is back",
  async (point) => {
    const at = newCache();
    await at.run();
    at.damage("app/witness.sh", "app/deep/0/file 0");
    expect((await at.killedAt(point)).signal).toBe("SIGKILL");
    expect(await at.run()).toEqual(GOOD);
    expect(at.passed("published")).toBe(1);
  },
);

test("what a setup command made is made anew only when nobody runs from the old workenv any more", async () => {
  const at = newCache();
  await at.run();
  const old = await at.running();
  at.damage("app/witness.sh", "set-up");
  const maker = at.start();
  const before = at.passed("unpacked");
  await until(() => at.passed("unpacked") > before, maker);
  // The application's own check misses the file that we took away; that nobody moved its folder is the point.
  expect(await old.end()).toMatchObject({ exitCode: 41, signal: null });
  expect(await endOf(maker)).toMatchObject({ stdout: said("1.0"), exitCode: 0 });
});
