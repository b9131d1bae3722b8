import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { cleanEnv } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";
import { byLength, isLong } from "../torture/length.ts";
import { withGap } from "./gap.ts";

// Payloads beyond what 32 bits can count: packed, verified, looked at, extracted and run, by `flavor` as its users have
// it. `npm run large` does it with 6 GiB in each slot; otherwise the slots are small, but lie behind 4 GiB of nothing.

const MIB = 1024 * 1024;
/** One file: holes, which become zeros. */
const BIG = byLength(20 * MIB, 6 * 1024 * MIB);
const FILES = byLength(4, 64);
const FILE = byLength(8 * MIB, 96 * MIB);
/** More than 32 bits can count. */
const GAP = 2 ** 32 + 4096;

/** Most memory of each step, all its threads included. */
const MOST_MEMORY = { pack: 250e6, other: 160e6 };

setDefaultTimeout(byLength(60_000, 600_000));

/** Files and packages of it, and twice of all that they hold, which a first start asks for. */
const NEEDED = byLength(13, 9) * BIG + 1000 * MIB;
const disk = tempDir();
const { bavail, bsize } = statfsSync(disk.path);
const isPossible = process.platform !== "win32" && bavail * bsize >= NEEDED;
if (!isPossible)
  process.stderr.write(
    `skipped: large payloads, they need files with holes and ${Math.ceil(NEEDED / MIB)} MiB in ${disk.path}\n`,
  );

const MANIFEST = `
[package]
name = "large"
version = "1"
[execution]
command = "/bin/sh {workenv}/check.sh {workenv}"
[[slots]]
id = "raw"
source = "zero/big"
target = "big.bin"
operations = "none"
[[slots]]
id = "zero"
source = "zero"
target = "zero"
operations = "tar|zstd"
[[slots]]
id = "many"
source = "many"
target = "many"
operations = "tar|zstd"
[[slots]]
id = "check"
source = "check.sh"
target = "check.sh"
`;

/** Says how long files are, and what is at the end of them. */
const CHECK = `cd "$1"; for file in big.bin zero/big many/*; do
  printf '%s %s ' "$file" "$(wc -c < "$file" | tr -d ' ')"; tail -c 5 "$file" | od -An -tx1 | tr -d ' \\n'; echo
done
`;
const endOf = (path: string): string => {
  const fd = openSync(path, "r");
  const bytes = Buffer.alloc(5);
  readSync(fd, bytes, 0, 5, lstatSync(path).size - 5);
  closeSync(fd);
  return bytes.toString("hex");
};
const names = Array.from({ length: FILES }, (_, i) => `many/f${i}`).toSorted();
const expected = (): string => {
  const zero = ["big.bin", "zero/big"].map((name) => `${name} ${BIG} 0000000000\n`);
  return [...zero, ...names.map((name) => `${name} ${FILE} ${endOf(join(disk.path, name))}\n`)].join("");
};

let flavor: string;
/** The package, and the same one with its parts behind 4 GiB of zeros. */
const app = join(disk.path, "large.psp");
const far = join(disk.path, "far.psp");

beforeAll(
  async () => {
    if (!isPossible) return;
    mkdirSync(join(disk.path, "zero"));
    writeFileSync(join(disk.path, "zero", "big"), "");
    truncateSync(join(disk.path, "zero", "big"), BIG);
    writeFileSync(join(disk.path, "zero", "small"), "small");
    mkdirSync(join(disk.path, "many"));
    for (const [i, name] of names.entries()) writeMixed(join(disk.path, name), i);
    writeFileSync(join(disk.path, "check.sh"), CHECK);
    writeFileSync(join(disk.path, "flavor.toml"), MANIFEST);
    flavor = join(disk.path, "flavor");
    // In a process of its own: what Linux says of the memory of a program begins with that of who started it.
    const made = Bun.spawnSync([process.execPath, join(import.meta.dir, "make.ts"), flavor]);
    const launcher = made.stdout.toString();
    const args = ["--output", app, "--launcher", launcher, "--key-seed", "test", "--no-verify"];
    const packed = run("pack", [flavor, "pack", ...args], MOST_MEMORY.pack);
    expect(packed).toMatchObject({ exitCode: 0 });
    if (!isLong) await withGap(app, far, GAP);
  },
  byLength(120_000, 600_000),
);
afterAll(() => disk[Symbol.dispose]());

/** A file of a pattern that shrinks, different in each MiB. */
function writeMixed(path: string, seed: number): void {
  const fd = openSync(path, "w");
  const block = new Uint8Array(MIB);
  for (let done = 0, x = seed + 1; done < FILE; done += MIB) {
    for (let at = 0; at < MIB; at += 64) {
      x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff;
      block[at] = x >> 16;
    }
    block.set([seed + 1, done / MIB], MIB - 2);
    writeSync(fd, block);
  }
  closeSync(fd);
}

const tooMuch: string[] = [];

function run(step: string, command: string[], most: number = MOST_MEMORY.other) {
  const child = Bun.spawnSync(command, {
    cwd: disk.path,
    env: { ...cleanEnv(join(disk.path, "home")), FLAVOR_DURABLE: "0" },
  });
  const memory = child.resourceUsage?.maxRSS ?? 0;
  if (isLong) process.stdout.write(`${step}: at most ${Math.round(memory / 1e6)} MB\n`);
  if (memory > most) tooMuch.push(`${step}: ${memory} bytes of memory, ${most} are allowed`);
  return { stdout: child.stdout.toString(), stderr: child.stderr.toString(), exitCode: child.exitCode };
}

// With large slots, the second one lies behind 4 GiB anyway.
const packages = [
  ["with large slots", app],
  ...(isLong ? [] : [["behind 4 GiB of zeros", far] as const]),
] as const;

test.skipIf(!isPossible).each(packages)("a package %s verifies", (_, path) => {
  const { stdout, exitCode } = run("verify", [flavor, "verify", path]);
  expect([exitCode, stdout.match(/^FAIL.*/gm)]).toEqual([0, null]);
  expect(stdout).toContain(`slot 0: raw: ${BIG} bytes stored, SHA-256 matches, ${BIG} bytes\n`);
  expect(stdout).toContain(`SHA-256 matches, ${FILES + 1} entries\n`);
});

test.skipIf(!isPossible).each(packages)("a package %s says where its slots lie", (_, path) => {
  const { stdout, exitCode } = run("inspect", [flavor, "inspect", "--json", path]);
  const { size, slots } = JSON.parse(stdout);
  expect([exitCode, size]).toEqual([0, lstatSync(path).size]);
  const last = slots.at(-1);
  expect(last.offset + last.size).toBeGreaterThan(path === far ? GAP : BIG);
  expect(last.offset + last.size).toBeLessThan(size);
});

test.skipIf(!isPossible).each(packages)("each slot of a package %s can be extracted", (_, path) => {
  for (const [slot, file, original] of [
    ["raw", "", "zero/big"],
    ["zero", "big", "zero/big"],
    ["many", "f1", "many/f1"],
  ] as const) {
    const out = join(disk.path, "out");
    expect(run(`extract ${slot}`, [flavor, "extract", path, slot, out])).toMatchObject({ exitCode: 0 });
    const [came, was] = [join(out, file), join(disk.path, original)];
    expect([lstatSync(came).size, endOf(came)]).toEqual([lstatSync(was).size, endOf(was)]);
    rmSync(out, { recursive: true });
  }
});

test.skipIf(!isPossible).each(packages)("all of a package %s can be extracted", (_, path) => {
  const out = join(disk.path, "all");
  expect(run("extract-all", [flavor, "extract-all", path, out])).toMatchObject({ exitCode: 0 });
  expect([endOf(join(out, "02_many", "f1")), lstatSync(join(out, "00_raw")).size]).toEqual([
    endOf(join(disk.path, "many", "f1")),
    BIG,
  ]);
  rmSync(out, { recursive: true });
});

test.skipIf(!isPossible).each(packages)("a package %s runs, the first time and again", (_, path) => {
  for (const step of ["first start", "warm start"])
    expect(run(step, [path])).toEqual({ stdout: expected(), stderr: "", exitCode: 0 });
  rmSync(join(disk.path, "home"), { recursive: true });
});

test.skipIf(!isPossible)("no step took more memory than it may", () => {
  expect(tooMuch).toEqual([]);
});
