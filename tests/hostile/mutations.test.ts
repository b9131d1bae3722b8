import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { EXIT_CODES } from "../../format/errors.ts";
import { memorySource, openFileSource } from "../../format/io/byte-source.ts";
import { verifyPackage } from "../../format/verify.ts";
import { hostLauncher, runPackage } from "../support/launcher.ts";
import { STUB_LAUNCHER } from "../support/packages.ts";
import { recording } from "../support/sources.ts";
import { tempDir } from "../support/temp-dir.ts";
import { largestAllocation } from "./allocations.ts";
import { MUTATIONS } from "./mutations/index.ts";
import type { Row } from "./mutations/row.ts";
import { ANSWER, authorKey, buildVictim, type Victim, victimIn, writeVictim } from "./victim.ts";

/*
 * Packages as attackers would make them: whatever can be repaired without a key is right again, so that each change
 * meets the check that is there for it. Every one must be refused, by `flavor verify` and by a real start.
 */

let dir: ReturnType<typeof tempDir>;
/** With a launcher of a few bytes, in memory, for verifying. */
let small: Victim;
/** The same package with a real launcher, and the file that it is started from. */
let real: Victim;
let app: string;

async function built(path: string, launcher: Parameters<typeof buildVictim>[1]): Promise<Victim> {
  await buildVictim(path, launcher);
  using source = openFileSource(path);
  return await victimIn(source);
}

beforeAll(async () => {
  dir = tempDir();
  app = join(dir.path, "app.psp");
  small = await built(join(dir.path, "small.psp"), STUB_LAUNCHER);
  using launcher = openFileSource(await hostLauncher());
  real = await built(app, launcher);
}, 60_000);
afterAll(() => dir[Symbol.dispose]());

const groups = Object.entries(MUTATIONS).map(([group, rows]) => ({ group, rows }));
const count = groups.reduce((sum, { rows }) => sum + rows.length, 0);

test("the table has at least sixty rows, each with a name of its own", () => {
  const names = groups.flatMap(({ rows }) => rows.map(({ name }) => name));
  process.stdout.write(`mutations of a package: ${count}\n`);
  expect(count).toBeGreaterThanOrEqual(60);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

/** A decoder of bzip2 works in so many bytes. Nothing larger is made for what has not been believed yet. */
const MOST = 5 * 1024 * 1024;

async function verdictOn({ tail }: Victim) {
  const { source, reads } = recording(memorySource(new Uint8Array([...STUB_LAUNCHER, ...tail]), "app.psp"));
  const { result, largest } = await largestAllocation(() => verifyPackage(source, authorKey));
  const failed = result.checks.filter((check) => !check.ok);
  return { failed, largest: Math.max(largest, ...reads.map(({ length }) => length)) };
}

describe("flavor verify", () => {
  test("has nothing against the honest package", async () => {
    expect((await verdictOn(small)).failed).toEqual([]);
  });

  describe.each(groups)("refuses what was done to $group", ({ rows }) => {
    test.each([...rows])(
      "$name",
      async (row) => {
        const { failed, largest } = await verdictOn(await row.change(small));
        expect(largest).toBeLessThanOrEqual(MOST);
        if (row.verify !== undefined) return expect(failed).toEqual([]);
        // what is too much for one slot may be too much for those after it
        expect([...new Set(failed.map(({ code }) => code))]).toEqual([row.code]);
        expect(failed[0]?.detail).toContain(row.words);
      },
      60_000,
    );
  });
});

/** Starts what a mutation has made; says also which files it left in the cache, lock files aside. */
async function start(row?: Row) {
  using home = tempDir();
  const cache = join(home.path, "cache");
  const run = async (victim: Victim) => {
    writeVictim(app, victim);
    return await runPackage(app, [], {
      home: home.path,
      env: { FLAVOR_VALIDATION: row?.level ?? "none" },
    });
  };
  if (row?.after !== undefined) {
    await run(real);
    rmSync(cache, { recursive: true });
  }
  const ran = await run(row === undefined ? real : await row.change(real));
  const entries = existsSync(cache) ? readdirSync(cache, { recursive: true, withFileTypes: true }) : [];
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name));
  return { ...ran, left: files.filter((path) => !path.includes(join(".store", "v1", "locks"))) };
}

const isWindows = process.platform === "win32";
if (isWindows)
  process.stderr.write("skipped: starts of changed packages, their application is a shell script\n");

describe.skipIf(isWindows)("a start", () => {
  test("runs the honest package", async () => {
    expect(await start()).toMatchObject({ stdout: ANSWER, stderr: "", exitCode: 0 });
  });

  describe.each(groups)("refuses what was done to $group", ({ rows }) => {
    const tried = rows.filter((row) => row.start === undefined || !("untried" in row.start));
    test.each(tried)(
      "$name",
      async (row) => {
        const { stdout, stderr, exitCode, left } = await start(row);
        if (row.start !== undefined && "runs" in row.start)
          return expect({ stdout, exitCode }).toEqual({ stdout: ANSWER, exitCode: 0 });
        const { code, words } = { code: row.code, words: row.words, ...row.start };
        expect(stderr).toContain(`[${code}]`);
        expect(stderr).toContain(words);
        expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: EXIT_CODES[code] });
        if (row.leaves === undefined) expect(left).toEqual([]);
        expect(left.filter((path) => path.endsWith("complete"))).toEqual([]);
      },
      60_000,
    );
  });
});
