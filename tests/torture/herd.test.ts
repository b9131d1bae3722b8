import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import { cacheIn } from "./cache-state.ts";
import { byLength } from "./length.ts";
import { packWitness, said } from "./witness.ts";

// Many first starts of a large package at the same moment: one unpacks, and all run.

const STARTS = byLength(16, 32);
const WEIGHT = byLength(20, 300) * 2 ** 20;

const dir = tempDir();
let app: string;
let small: string;
beforeAll(async () => {
  small = await packWitness(dir.path, { version: "2.0" });
  app = await packWitness(dir.path, { version: "1.0", weight: WEIGHT });
}, 120_000);
afterAll(() => dir[Symbol.dispose]());

test(
  `${STARTS} first starts of ${WEIGHT / 2 ** 20} MiB`,
  async () => {
    const at = cacheIn(dir.path);
    const [setups, hits] = [join(dir.path, "setups"), join(dir.path, "hits")];
    const env = { SETUPS: setups, FLAVOR_TEST_HITS: hits };
    const runs = await Promise.all(Array.from({ length: STARTS }, () => at.run(app, [], env)));
    for (const { stdout, stderr, exitCode } of runs) {
      expect([stdout, exitCode]).toEqual([said("1.0"), 0]);
      expect([
        "",
        "witness.psp: waiting for another start of this package to finish unpacking it\n",
      ]).toContain(stderr);
    }
    const steps = readFileSync(hits, "utf8").trim().split("\n");
    const count = (step: string) => steps.filter((line) => line === step).length;
    expect([count("staging-opened"), count("slot-unpacked"), count("published")]).toEqual([1, 3, 1]);
    expect(readFileSync(setups, "utf8")).toBe("ran\n");
    expect(at.state()).toMatchObject({ workenvs: 1, others: [], staging: [], trash: [] });
  },
  byLength(60_000, 600_000),
);

/** What a system may lack. Each of its processes then does. */
const LACKING = {
  flock: "flock",
  "a C library to call": "libc",
  "flock and SQLite": "flock,sqlite",
} as const;

describe.each(Object.entries(LACKING))("without %s", (_, lacking) => {
  // Nobody sees at once that the owner of a folder is dead, which is the lock that is left without both.
  const kills = lacking === "flock,sqlite" ? [] : ["unpacked", "published", "set-up"];

  test(`one of many first starts unpacks, after ${kills.length} that were killed while they did`, async () => {
    const home = join(dir.path, lacking.replace(",", "-"));
    mkdirSync(home);
    const at = cacheIn(home);
    const hits = join(home, "hits");
    const env = { FLAVOR_TEST_WITHOUT: lacking };
    for (const point of kills) {
      const { signal } = await at.run(small, [], { ...env, FLAVOR_TEST_KILL: `${point}:1` });
      expect(signal).toBe("SIGKILL");
    }
    const runs = await Promise.all(
      Array.from({ length: 10 }, () => at.run(small, [], { ...env, FLAVOR_TEST_HITS: hits })),
    );
    for (const { stdout, exitCode, stderr } of runs)
      expect([stdout, exitCode, stderr]).toEqual([said("2.0"), 0, expect.any(String)]);
    const steps = readFileSync(hits, "utf8").trim().split("\n");
    expect(steps.filter((line) => line === "published")).toHaveLength(1);
    expect(at.state()).toMatchObject({ workenvs: 1, others: [], staging: [], trash: [] });
  }, 120_000);
});
