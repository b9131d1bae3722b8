import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { entriesOf } from "../../format/cache/entries.ts";
import { isInPlace, readMarker } from "../../format/workenv/entry.ts";
import { FAIL_POINTS, type FailPoint } from "../../format/io/fail-point.ts";
import type { Ran, RunOptions } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";
import { cacheIn } from "./cache-state.ts";
import { isLong } from "./length.ts";
import { packWitness, said } from "./witness.ts";

// Whatever step a process is killed after: the next start of the same package, one of another version and a cleaning
// all succeed without help, and nothing is left behind.

type Cache = ReturnType<typeof cacheIn>;

const dir = tempDir();
let v1: string;
let v2: string;
/** Has slots that come and go with the application. */
let v3: string;
beforeAll(async () => {
  v1 = await packWitness(dir.path, { version: "1.0" });
  v2 = await packWitness(dir.path, { version: "2.0" });
  v3 = await packWitness(dir.path, { version: "3.0", comings: true });
}, 60_000);
afterAll(() => dir[Symbol.dispose]());

interface Scenario {
  /** What was there before. */
  readonly prepare: (at: Cache) => Promise<unknown>;
  /** The process that is killed. */
  readonly victim: (at: Cache, env: RunOptions["env"]) => Promise<Ran>;
}

const succeeded = async (run: Promise<Ran>, stdout: string): Promise<void> => {
  expect(await run).toEqual({ stdout, stderr: "", exitCode: 0, signal: null });
};
const killed = async (run: Promise<Ran>): Promise<void> => expect((await run).signal).toBe("SIGKILL");
const first = (at: Cache) => succeeded(at.run(v1), said("1.0"));
const third = (at: Cache) => succeeded(at.run(v3), said("3.0"));
/** The last thorough look at each workenv was long ago. */
function age(at: Cache): void {
  for (const { marker } of entriesOf(at.cache)) utimesSync(marker, 1e9, 1e9);
}
function damage(at: Cache, ...paths: readonly string[]): void {
  for (const { content } of entriesOf(at.cache))
    for (const path of paths) rmSync(join(content, path), { recursive: true });
}
/** A marker that counts is never beside content that is not whole, also while nobody has mended anything yet. */
function expectNoLies(at: Cache): void {
  for (const layout of entriesOf(at.cache)) {
    const marker = readMarker(layout);
    if (marker === undefined || marker.suspect || !isInPlace(marker, layout)) continue;
    const env = { FLAVOR_WORKENV: layout.content, PATH: "/usr/bin:/bin" };
    const { stdout, stderr } = Bun.spawnSync([join(layout.content, "app/witness.sh")], { env });
    expect([stdout.toString(), stderr.toString()]).toEqual([said(marker.launch.package.version), ""]);
  }
}
const second = (at: Cache) => succeeded(at.run(v2), said("2.0"));

const SCENARIOS = {
  "first start": { prepare: async () => {}, victim: (at, env) => at.run(v1, [], env) },
  "warm start": { prepare: first, victim: (at, env) => at.run(v1, [], env) },
  update: { prepare: first, victim: (at, env) => at.run(v2, [], env) },
  "start without a marker": {
    prepare: async (at) => {
      await first(at);
      for (const { marker, content } of entriesOf(at.cache)) {
        rmSync(marker);
        writeFileSync(join(content, "of another attempt"), "");
      }
    },
    victim: (at, env) => at.run(v1, [], env),
  },
  "daily look": {
    prepare: async (at) => {
      await first(at);
      age(at);
    },
    victim: (at, env) => at.run(v1, [], env),
  },
  repair: {
    prepare: async (at) => {
      await first(at);
      damage(at, "app/witness.sh", "app/deep/3/file 3", "app/nothing", "heavy");
    },
    victim: (at, env) => at.run(v1, [], env),
  },
  "loss of what the setup made": {
    prepare: async (at) => {
      await first(at);
      damage(at, "set-up");
      age(at);
    },
    victim: (at, env) => at.run(v1, [], env),
  },
  "start after a killed one": {
    prepare: (at) => killed(at.run(v1, [], { FLAVOR_TEST_KILL: "slot-unpacked:2" })),
    victim: (at, env) => at.run(v1, [], env),
  },
  "first start of what comes and goes": { prepare: async () => {}, victim: (at, env) => at.run(v3, [], env) },
  "warm start of what comes and goes": { prepare: third, victim: (at, env) => at.run(v3, [], env) },
  "start in development": {
    prepare: third,
    victim: (at, env) => at.run(v3, [], { ...env, FLAVOR_DEV: "1" }),
  },
  clean: {
    prepare: async (at) => {
      await first(at);
      await second(at);
    },
    victim: (at, env) => at.clean(env),
  },
  "cleaning by itself": {
    prepare: async (at) => {
      await first(at);
      await second(at);
    },
    victim: (at, env) => at.cleanItself(v1, env),
  },
  "start whose workenv goes at its end": {
    prepare: first,
    victim: (at, env) => at.run(v1, [], { ...env, FLAVOR_CACHE_STRATEGY: "conservative" }),
  },
  "clean after a killed one": {
    prepare: async (at) => {
      await first(at);
      await second(at);
      await killed(at.clean({ FLAVOR_TEST_KILL: "buried:1" }));
    },
    victim: (at, env) => at.clean(env),
  },
} as const satisfies Record<string, Scenario>;
type Name = keyof typeof SCENARIOS;
/** What a marker does not vouch for: slots that come and go, and files that somebody has taken away since. */
const COMES_AND_GOES: readonly Name[] = [
  ...([
    "first start of what comes and goes",
    "warm start of what comes and goes",
    "start in development",
  ] as const),
];
const UNSURE: readonly Name[] = [...COMES_AND_GOES, "repair", "loss of what the setup made"];
const NAMES = Object.keys(SCENARIOS) as readonly Name[];

let caches = 0;
const newCache = () => {
  const home = join(dir.path, `home-${caches++}`);
  mkdirSync(home);
  return { home, at: cacheIn(home) };
};

/** How often a scenario passes each point when nobody kills it. */
async function hitsOf(name: Name): Promise<ReadonlyMap<FailPoint, number>> {
  const { at, home } = newCache();
  await SCENARIOS[name].prepare(at);
  const file = join(home, "hits");
  expect((await SCENARIOS[name].victim(at, { FLAVOR_TEST_HITS: file })).exitCode).toBe(0);
  const lines = existsSync(file) ? (readFileSync(file, "utf8").trim().split("\n") as FailPoint[]) : [];
  return new Map(FAIL_POINTS.map((point) => [point, lines.filter((line) => line === point).length]));
}

/** Kills one process and looks at what the next ones make of it. */
async function killAt(name: Name, point: FailPoint, hit: number): Promise<void> {
  const { at } = newCache();
  await SCENARIOS[name].prepare(at);
  await killed(SCENARIOS[name].victim(at, { FLAVOR_TEST_KILL: `${point}:${hit}` }));
  if (!UNSURE.includes(name)) expectNoLies(at);
  await (COMES_AND_GOES.includes(name) ? third : first)(at);
  await second(at);
  expect(at.state()).toMatchObject({ workenvs: 2, others: [], staging: [] });
  expect(await at.clean()).toMatchObject({ stdout: "2\n", stderr: "", exitCode: 0 });
  expect(at.state()).toEqual({ workenvs: 0, others: [], staging: [], trash: [], locks: [] });
}

const WARM: readonly FailPoint[] = ["lock-opened", "lock-held", "lease-taken", "marker-read", "before-exec"];
const CLEANING = [
  ...["lock-opened", "lock-held", "evict-locked", "retired-marker", "retired-content"],
  ...["evicted-bookkeeping", "evicted-lock", "buried"],
] as const satisfies readonly FailPoint[];
const COMING = [
  ...["start-locked", "start-files-changing", "start-files-cleared", "start-files-placed"],
  ...["end-noted", "end-files-placed", "end-files-cleared"],
] as const satisfies readonly FailPoint[];
const UNPACKING = ["staging-locked", "staging-opened", "slot-unpacked"] as const;
const RECORDING = [
  ...["making-locked", "file-written", "file-renamed", "before-marker", "marker-in-place", "before-lease"],
] as const satisfies readonly FailPoint[];
const MAKING = [
  ...UNPACKING,
  ...["frame-unpacked", "unpacked", "retired-marker", "published", "set-up", "users-files-settled", "synced"],
  ...RECORDING,
] as const satisfies readonly FailPoint[];

/** The points that each scenario passes, and all that there are: one that is lost or renamed is noticed here. */
const REACHED: Readonly<Record<Name, readonly FailPoint[]>> = {
  "first start": [...WARM, ...MAKING],
  "warm start": WARM,
  update: [...WARM, ...MAKING],
  "start without a marker": [...WARM, ...MAKING, "retired-content"],
  "daily look": [...WARM, ...RECORDING],
  repair: [...WARM, ...RECORDING, ...UNPACKING, "synced", "suspected", "file-put-back", "repaired"],
  "loss of what the setup made": [...WARM, ...MAKING, "suspected", "retired-content"],
  "start after a killed one": [...WARM, ...MAKING, "staging-swept"],
  "first start of what comes and goes": [...WARM, ...MAKING, ...COMING],
  "warm start of what comes and goes": [...WARM, ...COMING, ...UNPACKING, "file-written", "file-renamed"],
  "start in development": [...WARM, ...RECORDING, ...COMING, ...UNPACKING, "synced", "slots-added"],
  clean: CLEANING,
  "cleaning by itself": CLEANING,
  "start whose workenv goes at its end": [...WARM, ...CLEANING],
  "clean after a killed one": [...CLEANING, "trash-swept"],
};

const ALIKE: Readonly<Partial<Record<Name, readonly FailPoint[]>>> = {
  update: REACHED["first start"],
  "loss of what the setup made": REACHED["first start"],
  "first start of what comes and goes": REACHED["first start"],
  "warm start of what comes and goes": REACHED["warm start"],
  "start in development": REACHED["daily look"],
  "start after a killed one": REACHED["first start"],
  "clean after a killed one": REACHED.clean,
  "start whose workenv goes at its end": REACHED["warm start"],
};

test("every point is passed by some scenario", () => {
  const others = FAIL_POINTS.filter((point) => !NAMES.some((name) => REACHED[name].includes(point)));
  // see users-files.test.ts
  expect(others).toEqual(["users-files-stored", "users-files-carried"]);
});

describe.each(NAMES)("%s", (name) => {
  test("passes these points", async () => {
    const passed = [...(await hitsOf(name))].flatMap(([point, count]) => (count > 0 ? [point] : []));
    expect(passed.sort()).toEqual([...new Set<FailPoint>(REACHED[name])].sort());
  }, 60_000);

  // Scenarios that begin alike differ in few points: in the short form each of those is enough.
  const alike: readonly FailPoint[] = isLong ? [] : (ALIKE[name] ?? []);
  test.each([...new Set(REACHED[name])].filter((point) => !alike.includes(point)))(
    "killed at %s",
    (point) => killAt(name, point, 1),
    60_000,
  );

  if (isLong)
    test("killed when a point is passed again", async () => {
      for (const [point, count] of await hitsOf(name))
        for (let hit = 2; hit <= count; hit++) await killAt(name, point, hit);
    }, 600_000);
});
