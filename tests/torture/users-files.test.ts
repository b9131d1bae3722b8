import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { entriesOf } from "../../format/cache/entries.ts";
import type { FailPoint } from "../../format/io/fail-point.ts";
import { testLauncher } from "../support/compiled.ts";
import { packApp, type Ran, type RunOptions } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";
import { cacheIn } from "./cache-state.ts";
import { isLong } from "./length.ts";

// What a user has written outlives a kill after any step of an update and of a making anew, and every cleaning.

type Cache = ReturnType<typeof cacheIn>;

const dir = tempDir();
let v1: string;
let v2: string;
beforeAll(async () => {
  v1 = await packKeeper("1.0");
  v2 = await packKeeper("2.0");
}, 60_000);
afterAll(() => dir[Symbol.dispose]());

async function packKeeper(version: string): Promise<string> {
  const manifest = `
[package]
name = "keeper"
version = "${version}"
[execution]
command = "sh {workenv}/app/show.sh"
[[slots]]
source = "app"
[[slots]]
source = "data"
lifecycle = "persistent"
[[slots]]
source = "settings"
lifecycle = "config"
`;
  const files = {
    "app/show.sh": `cd "$FLAVOR_WORKENV" && cat data/notes data/deep/more settings && echo ${version}\n`,
    "data/notes": "no notes\n",
    "data/deep/more": "no more\n",
    settings: "default\n",
  };
  const launcher = (await testLauncher()).path;
  return packApp(join(dir.path, version), manifest, files, { launcher, keySeed: "ours" });
}

const MINE = "my notes\nno more\nmy settings\n";
const prints = (version: string): Ran => ({
  stdout: `${MINE}${version}\n`,
  stderr: "",
  exitCode: 0,
  signal: null,
});

async function edited(at: Cache): Promise<void> {
  expect(await at.run(v1)).toMatchObject({ stdout: "no notes\nno more\ndefault\n1.0\n", exitCode: 0 });
  for (const { content } of entriesOf(at.cache)) {
    writeFileSync(join(content, "data/notes"), "my notes\n");
    writeFileSync(join(content, "settings"), "my settings\n");
  }
}

const SCENARIOS = {
  "an update": {
    prepare: edited,
    victim: (at: Cache, env: RunOptions["env"]) => at.run(v2, [], env),
    again: async (at: Cache) => expect(await at.run(v2)).toEqual(prints("2.0")),
  },
  "a making anew": {
    prepare: async (at: Cache) => {
      await edited(at);
      for (const { marker } of entriesOf(at.cache)) rmSync(marker);
    },
    victim: (at: Cache, env: RunOptions["env"]) => at.run(v1, [], env),
    again: async (at: Cache) => {
      expect(await at.run(v1)).toEqual(prints("1.0"));
      expect(await at.run(v2)).toEqual(prints("2.0"));
    },
  },
  "a cleaning": {
    prepare: async (at: Cache) => {
      await edited(at);
      expect(await at.run(v2)).toEqual(prints("2.0"));
    },
    victim: (at: Cache, env: RunOptions["env"]) => at.clean(env),
    again: async (at: Cache) => expect(await at.run(v2)).toEqual(prints("2.0")),
  },
} as const;
const NAMES = Object.keys(SCENARIOS) as (keyof typeof SCENARIOS)[];

let homes = 0;
function newHome() {
  const home = join(dir.path, `home-${homes++}`);
  mkdirSync(home);
  return { home, at: cacheIn(home) };
}

/** The points that a scenario passes, each as often as it does. */
async function pointsOf(name: keyof typeof SCENARIOS): Promise<readonly FailPoint[]> {
  const { at, home } = newHome();
  const { prepare, victim, again } = SCENARIOS[name];
  await prepare(at);
  const hits = join(home, "hits");
  expect((await victim(at, { FLAVOR_TEST_HITS: hits })).exitCode).toBe(0);
  await again(at);
  return readFileSync(hits, "utf8").trim().split("\n") as FailPoint[];
}

/** Steps before anything is changed: the short form leaves them out. */
const EARLY: readonly FailPoint[] = [
  ...(["lock-opened", "lock-held", "lease-taken", "marker-read", "making-locked"] as const),
  ...(["staging-locked", "staging-opened", "staging-swept", "slot-unpacked"] as const),
];

describe.each(NAMES)("%s", (name) => {
  const { prepare, victim, again } = SCENARIOS[name];

  test("that is killed after any step loses nothing", async () => {
    const passed = await pointsOf(name);
    for (const point of new Set(passed)) {
      if (!isLong && EARLY.includes(point)) continue;
      const count = isLong ? passed.filter((other) => other === point).length : 1;
      for (let hit = 1; hit <= count; hit++) {
        const { at } = newHome();
        await prepare(at);
        const { signal } = await victim(at, { FLAVOR_TEST_KILL: `${point}:${hit}` });
        expect([point, hit, signal]).toEqual([point, hit, "SIGKILL"]);
        await at.clean();
        await again(at);
        await at.clean();
        await again(at);
        expect([point, hit, at.state()]).toMatchObject([point, hit, { others: [], staging: [], trash: [] }]);
      }
    }
  }, 600_000);
});

test("the steps that are about users' files are among them", async () => {
  const passed = [...(await pointsOf("an update")), ...(await pointsOf("a making anew"))];
  expect(passed).toContain("users-files-carried");
  expect(passed).toContain("users-files-stored");
  expect(passed).toContain("users-files-settled");
}, 60_000);
