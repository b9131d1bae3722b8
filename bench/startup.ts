import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureLauncher } from "../builder/launchers/cache.ts";
import { hostTarget } from "../builder/launchers/host.ts";
import { parseManifest } from "../builder/manifest/manifest.ts";
import { packManifest } from "../builder/pack.ts";

/**
 * Warm start of a packed `/bin/true` against a bare compiled Bun program that only becomes `/bin/true`. The two run in
 * turn, so that a machine whose speed drifts cannot favour one; the ratio of the medians is the result.
 */
const RUNS = Number(process.argv[2] ?? 200);
const folder = mkdtempSync(join(tmpdir(), "flavor-bench-"));

try {
  const entry = join(import.meta.dir, "bare.ts");
  const bare = (await ensureLauncher(hostTarget(), { entry, cacheDir: folder })).path;
  const packed = await packTrue();
  const env = { ...process.env, FLAVOR_CACHE: join(folder, "cache"), XDG_STATE_HOME: join(folder, "state") };
  const start = (program: string): number => {
    const before = Bun.nanoseconds();
    const { exitCode } = Bun.spawnSync([program], { env, stdio: ["ignore", "ignore", "ignore"] });
    if (exitCode !== 0) throw new Error(`${program} ended with ${exitCode}`);
    return (Bun.nanoseconds() - before) / 1e6;
  };
  for (let i = 0; i < 10; i++) for (const program of ["/bin/true", bare, packed]) start(program);
  const times = { "/bin/true": [] as number[], "bare Bun": [] as number[], "packed, warm": [] as number[] };
  for (let i = 0; i < RUNS; i++) {
    times["/bin/true"].push(start("/bin/true"));
    times["bare Bun"].push(start(bare));
    times["packed, warm"].push(start(packed));
  }
  for (const [name, list] of Object.entries(times)) show(name, list);
  const ratio = median(times["packed, warm"]) / median(times["bare Bun"]);
  process.stdout.write(
    `\nwarm start / bare Bun = ${ratio.toFixed(2)} (medians of ${RUNS} runs each, in turn)\n`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function packTrue(): Promise<string> {
  copyFileSync("/bin/true", join(folder, "true"));
  const manifest = `
    [package]
    name = "true"
    version = "1"
    [execution]
    command = "{workenv}/true"
    [[slots]]
    id = "true"
    source = "true"
  `;
  writeFileSync(join(folder, "flavor.toml"), manifest);
  const [packed] = await packManifest(parseManifest(manifest, join(folder, "flavor.toml")), {
    keySeed: "bench",
  });
  return (packed as { path: string }).path;
}

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] as number;
}

function show(name: string, list: readonly number[]): void {
  const sorted = list.toSorted((a, b) => a - b);
  const at = (share: number) =>
    (sorted[Math.floor((sorted.length - 1) * share)] as number).toFixed(2).padStart(7);
  process.stdout.write(
    `${name.padEnd(14)} median ${at(0.5)} ms   fastest ${at(0)} ms   slowest tenth ${at(0.9)} ms\n`,
  );
}
