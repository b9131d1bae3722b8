import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseManifest } from "../builder/manifest/manifest.ts";
import { packManifest } from "../builder/pack.ts";
import { keyPairFromText } from "../format/seal/keys.ts";
import { toHex } from "../format/wire/hashes.ts";

/**
 * What a start under `strict` costs: packages whose workenvs have 100 MB, warm at `standard`, strict, and `sha256sum` of
 * every file of the workenv; in turn, so that a machine whose speed drifts favours nobody. Arguments: the number of
 * rounds, and a folder to work in.
 */
const ROUNDS = Number(process.argv[2] ?? 9);
const folder = mkdtempSync(join(process.argv[3] ?? tmpdir(), "flavor-bench-"));
const SIZE = 100e6;
const SLOTS = ["s0", "s1", "s2", "s3"];
const PACKAGES = { "20 large files": 20, "2000 files": 2000, "10000 files": 10_000 } as const;

try {
  for (const [name, files] of Object.entries(PACKAGES)) await measure(name, files);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure(name: string, files: number): Promise<void> {
  const dir = join(folder, String(files));
  makeContent(dir, files);
  const manifest = `
[package]
name = "strict"
version = "1"
[execution]
command = "/bin/true"
${SLOTS.map((slot) => `[[slots]]\nid = "${slot}"\nsource = "${slot}"\ntarget = "lib/${slot}"\noperations = "tar|zstd"\n`).join("")}`;
  const [packed] = await packManifest(parseManifest(manifest, join(dir, "flavor.toml")), {
    keySeed: "bench",
  });
  const { path } = packed as { path: string };
  const base = {
    PATH: process.env["PATH"] ?? "",
    HOME: dir,
    FLAVOR_CACHE: join(dir, "cache"),
    FLAVOR_TRUSTED_KEYS: toHex(keyPairFromText("bench").publicKey),
    CI: "1",
  };
  const rows: Readonly<Record<string, () => void>> = {
    "standard, warm": () => run([path], base),
    strict: () => run([path], { ...base, FLAVOR_VALIDATION: "strict" }),
    sha256sum: () => run(["sh", "-c", `find ${dir}/cache -type f -print0 | xargs -0 sha256sum`], base),
  };
  const times = new Map<string, number[]>(Object.keys(rows).map((row) => [row, []]));
  for (let round = -1; round < ROUNDS; round++)
    for (const [row, work] of Object.entries(rows)) {
      const before = Bun.nanoseconds();
      work();
      if (round >= 0) times.get(row)?.push((Bun.nanoseconds() - before) / 1e6);
    }
  process.stdout.write(`${name}, 100 MB\n`);
  for (const [row, list] of times)
    process.stdout.write(`  ${row.padEnd(16)} median ${median(list).toFixed(1).padStart(7)} ms\n`);
}

/** Text of words: it shrinks much, and is the same at every run. */
function makeContent(dir: string, files: number): void {
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return seed >> 8;
  };
  const words = Array.from({ length: 3000 }, () => `${random().toString(36)} `);
  const each = files / SLOTS.length;
  for (const slot of SLOTS)
    for (let file = 0; file < each; file++) {
      const pieces: string[] = [];
      for (let size = 0; size < SIZE / files;) {
        const word = words[random() % words.length] as string;
        pieces.push(word);
        size += word.length;
      }
      const place = join(dir, slot, `d${file % 40}`);
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, `f${file}`), pieces.join(""));
    }
}

function run(command: string[], env: Readonly<Record<string, string>>): void {
  const { exitCode, stderr } = Bun.spawnSync(command, { env, stdio: ["ignore", "ignore", "pipe"] });
  if (exitCode !== 0 || (stderr.length > 0 && command.length === 1))
    throw new Error(`${command[0]} ended with ${exitCode}: ${stderr}`);
}

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] as number;
}
