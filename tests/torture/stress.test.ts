import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { entriesOf } from "../../format/cache/entries.ts";
import { readMarker } from "../../format/workenv/entry.ts";
import { tryAcquire } from "../../format/cache/locks/lock.ts";
import { FAIL_POINTS } from "../../format/io/fail-point.ts";
import { removeTree } from "../../format/io/remove-tree.ts";
import { tempDir } from "../support/temp-dir.ts";
import { cacheIn } from "./cache-state.ts";
import { byLength, isLong } from "./length.ts";
import { packWitness, said } from "./witness.ts";

// Many processes on one cache: starts of several packages, some of which stay, cleanings, files that vanish, and kills
// at any step.
// Whoever is not killed sees exactly its own tree, when it begins and when it ends.

const PROCESSES = 6;
const SECONDS = byLength(7, 60);

const dir = tempDir();
const packages: { readonly path: string; readonly version: string }[] = [];
beforeAll(async () => {
  for (const [name, version] of [
    ["one", "1.0"],
    ["one", "1.1"],
    ["two", "2.0"],
  ] as const)
    packages.push({ version, path: await packWitness(dir.path, { name, version }) });
  const comings = await packWitness(dir.path, { name: "three", version: "3.0", comings: true });
  packages.push({ version: "3.0", path: comings });
}, 60_000);
afterAll(() => dir[Symbol.dispose]());

const chance = (share: number): boolean => Math.random() < share;
const oneOf = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;
/** Sometimes, a process kills itself after a step. */
const kill = () => (chance(0.15) ? { FLAVOR_TEST_KILL: `${oneOf(FAIL_POINTS)}:${oneOf([1, 1, 2, 3])}` } : {});

interface Counts {
  good: number;
  killed: number;
  cleaned: number;
  damaged: number;
  readonly wrong: string[];
}

type Cache = ReturnType<typeof cacheIn>;

async function startOne(at: Cache, counts: Counts): Promise<void> {
  const { path, version } = oneOf(packages);
  const env = { SHARED: "1", ...(chance(0.15) ? { FLAVOR_CACHE_STRATEGY: "conservative" } : {}), ...kill() };
  const child = at.start(path, chance(0.4) ? ["hold", String(Math.random() * 0.3)] : [], env);
  const timer = chance(0.1) ? setTimeout(() => child.kill("SIGKILL"), Math.random() * 80) : undefined;
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  clearTimeout(timer);
  if (child.signalCode === "SIGKILL") counts.killed++;
  else if (child.exitCode === 0 && stdout === said(version)) counts.good++;
  else counts.wrong.push(`${version}: ${child.exitCode} ${child.signalCode} ${stdout}${stderr}`);
}

async function cleanOnce(at: Cache, counts: Counts): Promise<void> {
  const cleaning = chance(0.5) ? at.clean(kill()) : at.cleanItself(oneOf(packages).path, kill());
  const { exitCode, signal, stderr } = await cleaning;
  if (signal === "SIGKILL") counts.killed++;
  else if (exitCode === 0) counts.cleaned++;
  else counts.wrong.push(`clean: ${exitCode} ${signal} ${stderr}`);
}

/** Takes a file out of a workenv that nobody uses, and makes the next start look through it as after a day. */
async function damageOne(at: Cache, counts: Counts): Promise<void> {
  const layout = oneOf(entriesOf(at.cache));
  if (layout === undefined || !existsSync(layout.marker)) return;
  using making = await tryAcquire(layout.making);
  using lock = making && (await tryAcquire(layout.lock));
  const marker = lock && readMarker(layout);
  // With slots that come and go, a start has no lease for a moment between looking and using.
  if (marker === undefined || marker.launch.eachStart) return;
  utimesSync(layout.marker, 1e9, 1e9);
  const path = oneOf(["heavy", "app/deep/0", "app/link", "app/witness.sh", "set-up"]);
  rmSync(join(layout.content, path), { recursive: true, force: true });
  counts.damaged++;
}

const SHARED_MEMORY = "/dev/shm";
const PLACES = [
  ["where temporary files are", dir.path],
  ...(isLong && existsSync(SHARED_MEMORY) ? [["in memory", SHARED_MEMORY] as const] : []),
] as const;

describe.each(PLACES)("a cache %s", (_, parent) => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(parent, "flavor-stress-"));
  });
  afterAll(() => removeTree(home));

  test(
    "serves everybody who is not killed",
    async () => {
      const at = cacheIn(home);
      const counts: Counts = { good: 0, killed: 0, cleaned: 0, damaged: 0, wrong: [] };
      const end = performance.now() + SECONDS * 1000;
      const isDone = () =>
        performance.now() > end && counts.good > 20 && counts.killed > 2 && counts.cleaned > 2;
      const worker = async () => {
        while (!isDone() && counts.wrong.length === 0)
          await (chance(0.2) ? damageOne : chance(0.12) ? cleanOnce : startOne)(at, counts);
      };
      await Promise.all(Array.from({ length: PROCESSES }, worker));
      const { wrong, ...numbers } = counts;
      process.stderr.write(`stress: ${JSON.stringify({ ...numbers, wrong: wrong.length })}\n`);
      expect(wrong).toEqual([]);
      // What was killed may have left children that hold a workenv for a moment.
      while (at.state().workenvs > 0) await at.clean();
      await at.clean();
      expect(at.state()).toEqual({ workenvs: 0, others: [], staging: [], trash: [], locks: [] });
    },
    (SECONDS + 60) * 1000,
  );
});
