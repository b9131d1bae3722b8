import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { entriesOf } from "../../format/cache/entries.ts";
import type { FailPoint } from "../../format/io/fail-point.ts";
import type { Ran } from "../support/launcher.ts";
import { cannotMount, mounted, tmpfs } from "../support/mounts.ts";
import { tempDir } from "../support/temp-dir.ts";
import { cacheIn } from "./cache-state.ts";
import { packWitness, said } from "./witness.ts";

// Disks that run full at the worst moment, and times that cannot be. Caches that are read-only, noexec, a stranger's
// or too small from the start: tests/e2e/launcher-place.test.ts and format/cache/place.test.ts.

const dir = tempDir();
const WEIGHT = 2 ** 20;
let app: string;
beforeAll(async () => {
  app = await packWitness(dir.path, { version: "1.0", weight: WEIGHT });
}, 60_000);
afterAll(() => dir[Symbol.dispose]());

const GOOD: Ran = { stdout: said("1.0"), stderr: "", exitCode: 0, signal: null };
const reason = cannotMount(join(dir.path, "probe"));
if (reason !== undefined) process.stderr.write(`not tested: full disks (${reason})\n`);

let disks = 0;
/** A small disk with a cache on it that can be filled to its last byte. */
function smallDisk() {
  const disk = mounted(join(dir.path, `disk-${disks++}`), ...tmpfs("size=16m,mode=700"));
  const filler = join(disk.path, "filler");
  return {
    ...cacheIn(disk.path),
    fill: () => void Bun.spawnSync(["dd", "if=/dev/zero", `of=${filler}`, "bs=4k"], { stderr: "ignore" }),
    free: () => rmSync(filler),
    [Symbol.dispose]: () => disk[Symbol.dispose](),
  };
}

describe.skipIf(reason !== undefined)("a disk that runs full", () => {
  test.each<FailPoint>(["staging-opened", "unpacked", "published", "set-up", "before-marker"])(
    "when a first start has come to %s: one clear line, nothing half-made that counts, and the next start works",
    async (point) => {
      using at = smallDisk();
      const file = join(dir.path, `stop-${disks}`);
      const start = at.start(app, [], { FLAVOR_TEST_PAUSE: `${point}:${file}` });
      while (!existsSync(file)) await Bun.sleep(2);
      at.fill();
      rmSync(file);
      const [stdout, stderr] = await Promise.all([start.stdout.text(), start.stderr.text(), start.exited]);
      const lines = stderr.trimEnd().split("\n");
      expect(lines).toEqual([
        expect.stringMatching(/^witness\.psp: Cannot write .* \[io-failed\]$/),
        expect.stringContaining("ENOSPC"),
        "  hint: free some space on that disk, or choose another place",
      ]);
      expect([stdout, start.exitCode]).toEqual(["", 106]);
      expect(at.state()).toMatchObject({ others: [], staging: [], trash: [] });
      expect(entriesOf(at.cache).map(({ marker }) => existsSync(marker))).not.toContain(true);
      at.free();
      expect(await at.run(app)).toEqual(GOOD);
    },
  );

  test("starts what is ready", async () => {
    using at = smallDisk();
    await at.run(app);
    at.fill();
    expect(await at.run(app)).toEqual(GOOD);
  });

  test("starts what is ready and was not looked through for a day", async () => {
    using at = smallDisk();
    await at.run(app);
    for (const { marker } of entriesOf(at.cache)) utimesSync(marker, 1e9, 1e9);
    at.fill();
    expect(await at.run(app)).toEqual(GOOD);
    at.free();
    expect(await at.run(app)).toEqual(GOOD);
  });

  test("can be cleaned", async () => {
    using at = smallDisk();
    await at.run(app);
    at.fill();
    expect(await at.clean()).toMatchObject({ stdout: "1\n", stderr: "", exitCode: 0 });
    expect(at.state()).toEqual({ workenvs: 0, others: [], staging: [], trash: [], locks: [] });
  });
});

test("a cache that a link leads to is used, looked at and cleaned where it is", async () => {
  const home = join(dir.path, "linked");
  mkdirSync(join(home, "real"), { recursive: true, mode: 0o700 });
  symlinkSync("real", join(home, "cache"));
  const at = cacheIn(home);
  expect(await at.run(app)).toEqual(GOOD);
  expect(await at.run(app)).toEqual(GOOD);
  expect(readdirSync(join(home, "real"))).toHaveLength(3);
  expect(await at.clean()).toMatchObject({ stdout: "1\n", exitCode: 0 });
  expect(readdirSync(join(home, "real"))).toEqual([".store"]);
});

test.each([
  ["future", Date.now() / 1000 + 400 * 24 * 3600],
  ["far past", 1],
])("a workenv that was last used in the %s is looked through, and used", async (_, seconds) => {
  const at = cacheIn(join(dir.path, `clock-${disks++}`));
  await at.run(app);
  const [{ marker } = { marker: "" }] = entriesOf(at.cache);
  utimesSync(marker, seconds, seconds);
  const inode = statSync(at.cache).ino;
  expect(await at.run(app)).toEqual(GOOD);
  expect(Math.abs(Date.now() - statSync(marker).mtimeMs)).toBeLessThan(3600_000);
  expect(statSync(at.cache).ino).toBe(inode);
});
