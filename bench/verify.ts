import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launcherBundle } from "../builder/launchers/bundle.ts";
import { compileCli } from "../builder/launchers/compile-cli.ts";
import { parseManifest } from "../builder/manifest/manifest.ts";
import { packManifest } from "../builder/pack.ts";

/**
 * A compiled `flavor verify` of packages of 100 MB against `sha256sum` of the same file, in pairs, so that a machine whose speed
 * drifts favours neither; the ratio of the medians is the result. "zstd" is what `flavor pack` makes of folders when it
 * is not told otherwise. Arguments: the number of rounds, and a folder to work in.
 */
const ROUNDS = Number(process.argv[2] ?? 15);
const folder = mkdtempSync(join(process.argv[3] ?? tmpdir(), "flavor-bench-"));
const CLI = join(import.meta.dir, "..", "builder", "cli", "main.ts");

/** What lies in a package besides its launcher; bytes shrink to about six tenths. */
const PACKAGES = [
  { name: "our launcher, 2 MB zstd", launcher: "bun", operations: "tar|zstd", size: 3e6 },
  { name: "no launcher, 100 MB zstd", launcher: "shebang", operations: "tar|zstd", size: 170e6 },
  { name: "no launcher, 100 MB tar", launcher: "shebang", operations: "tar", size: 100e6 },
  { name: "no launcher, 100 MB gzip", launcher: "shebang", operations: "tar|gzip", size: 168e6 },
] as const;

interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

try {
  const flavor = await compileCli({
    entry: CLI,
    outfile: join(folder, "flavor"),
    bundle: await launcherBundle(),
  });
  for (const [i, recipe] of PACKAGES.entries()) {
    const path = await pack(String(i), recipe);
    const pairs = Array.from({ length: ROUNDS + 1 }, () => ({
      sum: cost(["sha256sum", path]),
      verify: cost([flavor, "verify", path]),
    })).slice(1);
    const of = (which: "sum" | "verify", what: keyof Cost) => median(pairs.map((pair) => pair[which][what]));
    const text = (which: "sum" | "verify") =>
      `${of(which, "wall").toFixed(0).padStart(4)} ms (${of(which, "cpu").toFixed(0)} ms CPU)`;
    const ratio = (what: keyof Cost) => (of("verify", what) / of("sum", what)).toFixed(2);
    process.stdout.write(
      `${recipe.name.padEnd(25)} ${(statSync(path).size / 1e6).toFixed(0).padStart(3)} MB   sha256sum ${text("sum")}   flavor verify ${text("verify")}   ratio ${ratio("wall")}, of CPU ${ratio("cpu")}\n`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function pack(
  name: string,
  { launcher, operations, size }: (typeof PACKAGES)[number],
): Promise<string> {
  const dir = join(folder, name);
  mkdirSync(join(dir, "files"), { recursive: true });
  for (let file = 0; file < 100; file++) writeFileSync(join(dir, "files", String(file)), letters(size / 100));
  const manifest = `
[package]
name = "verify"
version = "1"
[execution]
command = "/bin/true"
[[slots]]
id = "files"
source = "files"
operations = "${operations}"
`;
  const [packed] = await packManifest(parseManifest(manifest, join(dir, "flavor.toml")), {
    launcher,
    keySeed: "bench",
    verify: false,
    output: join(dir, "verify.psp"),
  });
  return (packed as { path: string }).path;
}

/** Random letters: they shrink, and no two files are the same. */
function letters(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes.map((byte) => 97 + (byte % 24));
}

function cost(command: string[]): Cost {
  const before = Bun.nanoseconds();
  const { exitCode, resourceUsage } = Bun.spawnSync(command, { stdio: ["ignore", "ignore", "ignore"] });
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}`);
  return { wall: (Bun.nanoseconds() - before) / 1e6, cpu: Number(resourceUsage?.cpuTime.total ?? 0) / 1e3 };
}

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] as number;
}
