import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseManifest } from "../builder/manifest/manifest.ts";
import { packManifest } from "../builder/pack.ts";

/**
 * Cold start of a package with four slots of 75 MB each, tar|zstd: in threads, in the launcher's own thread, and GNU tar
 * with zstd on the same content, one archive after the other. In turn, so that a machine whose speed drifts favours
 * nobody. Arguments: the number of rounds, and a folder to work in.
 */
const ROUNDS = Number(process.argv[2] ?? 7);
const folder = mkdtempSync(join(process.argv[3] ?? tmpdir(), "flavor-bench-"));
const SLOTS = ["s0", "s1", "s2", "s3"];
const FILES = 1600;
const FILE_SIZE = Math.floor(75e6 / FILES);

const manifestOf = (name: string, more = "") => `
[package]
name = "${name}"
version = "1"
[execution]
command = "/bin/true"
${SLOTS.map((slot) => `[[slots]]\nid = "${slot}"\nsource = "${slot}"\ntarget = "lib/${slot}"\noperations = "tar|zstd"\n`).join("")}
${more}`;

/** A slot whose target is everything meets all others: so one thread must unpack them all. */
const EVERYWHERE = `[[slots]]\nid = "all"\nsource = "all"\ntarget = "{workenv}"\noperations = "tar"\n`;

try {
  makeContent();
  const threads = await pack("threads", manifestOf("threads"));
  const alone = await pack("alone", manifestOf("alone", EVERYWHERE));
  const archives = SLOTS.map((slot) => join(folder, `${slot}.tar.zst`));
  for (const [i, archive] of archives.entries())
    run(["tar", "--zstd", "-cf", archive, "-C", folder, SLOTS[i] as string]);
  const rows: Readonly<Record<string, () => void>> = {
    "cold, in threads": () => run([threads]),
    "cold, own thread": () => run([alone]),
    "tar --zstd -xf": () => {
      for (const archive of archives) run(["tar", "--zstd", "-xf", archive, "-C", cache()]);
    },
  };
  const times = new Map<string, number[]>(Object.keys(rows).map((name) => [name, []]));
  for (let round = -1; round < ROUNDS; round++)
    for (const [name, work] of Object.entries(rows)) {
      rmSync(cache(), { recursive: true, force: true });
      mkdirSync(cache());
      const before = Bun.nanoseconds();
      work();
      if (round >= 0) times.get(name)?.push((Bun.nanoseconds() - before) / 1e6);
    }
  const best = median(times.get("cold, in threads") ?? []);
  for (const [name, list] of times)
    process.stdout.write(
      `${name.padEnd(18)} median ${median(list).toFixed(0).padStart(6)} ms   ${(median(list) / best).toFixed(2)}\n`,
    );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function cache(): string {
  return join(folder, "cache");
}

/** Text of words: it shrinks much, and is the same at every run. */
function makeContent(): void {
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return seed >> 8;
  };
  const words = Array.from({ length: 3000 }, () => `${random().toString(36)} `);
  for (const slot of SLOTS)
    for (let file = 0; file < FILES; file++) {
      let text = "";
      while (text.length < FILE_SIZE) text += words[random() % words.length];
      const place = join(folder, slot, `d${file % 40}`);
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, `f${file}`), text.slice(0, FILE_SIZE));
    }
  mkdirSync(join(folder, "all"));
  writeFileSync(join(folder, "all", "one"), "one");
}

async function pack(name: string, manifest: string): Promise<string> {
  const parsed = parseManifest(manifest, join(folder, "flavor.toml"));
  const [packed] = await packManifest(parsed, { keySeed: "bench", output: join(folder, `${name}.psp`) });
  return (packed as { path: string }).path;
}

function run(command: string[]): void {
  // without a sync: tar makes none either
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    FLAVOR_CACHE: cache(),
    FLAVOR_DURABLE: "0",
    CI: "1",
  };
  const { exitCode, stderr } = Bun.spawnSync(command, { env, stdio: ["ignore", "ignore", "pipe"] });
  if (exitCode !== 0) throw new Error(`${command[0]} ended with ${exitCode}: ${stderr}`);
}

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] as number;
}
