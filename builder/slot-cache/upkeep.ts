import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseManifest } from "./entry-manifest.ts";
import { isScratch, isShard, MANIFEST } from "./layout.ts";

/** What is kept of one slot. */
export interface KeptSlot {
  readonly key: string;
  readonly path: string;
  /** Bytes on the disk. */
  readonly size: number;
  /** How many contents of its files are kept. */
  readonly versions: number;
  /** Milliseconds since 1970. */
  readonly lastUsed: number;
}

/** What is in the cache, the last used first. */
export function listKept(root: string): readonly KeptSlot[] {
  return shards(root)
    .flatMap((shard) =>
      namesIn(shard)
        .filter((name) => !isScratch(name))
        .map((name) => join(shard, name)),
    )
    .map((path): KeptSlot => {
      const files = filesOf(path);
      return {
        key: path.slice(-64),
        path,
        size: files.reduce((sum, { size }) => sum + size, 0),
        versions: parseManifest(textOf(join(path, MANIFEST)))?.length ?? 0,
        lastUsed: Math.max(0, ...files.map(({ mtimeMs }) => mtimeMs)),
      };
    })
    .sort((a, b) => b.lastUsed - a.lastUsed);
}

/** A build takes no longer; what is older was left by one that was killed. */
const DAY = 24 * 60 * 60 * 1000;

/**
 * Removes the entries that were used longest ago until the rest has at most `maxSize` bytes, and what killed builds have
 * left. Returns what went.
 */
export function evict(root: string, maxSize: number): readonly KeptSlot[] {
  for (const path of shards(root).flatMap(leftIn)) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && Date.now() - stat.mtimeMs > DAY) rmSync(path, { force: true });
  }
  let left = maxSize;
  const gone: KeptSlot[] = [];
  for (const kept of listKept(root)) {
    left -= kept.size;
    if (left >= 0) continue;
    rmSync(kept.path, { recursive: true, force: true });
    gone.push(kept);
  }
  return gone;
}

/** What is being made, or was by a build that was killed, and what manifests do not name yet, or any more. */
function leftIn(shard: string): readonly string[] {
  const [unfinished, entries] = [
    namesIn(shard).filter(isScratch),
    namesIn(shard).filter((name) => !isScratch(name)),
  ];
  const unnamed = entries.flatMap((name) => {
    const outputs = join(shard, name, "outputs");
    const versions = parseManifest(textOf(join(shard, name, MANIFEST))) ?? [];
    const named = new Set<string>(versions.flatMap(({ stored, prints, stamps }) => [stored, prints, stamps]));
    return namesIn(outputs)
      .filter((output) => !named.has(output))
      .map((output) => join(outputs, output));
  });
  return [...unfinished.map((name) => join(shard, name)), ...unnamed];
}

const shards = (root: string): readonly string[] =>
  namesIn(root)
    .filter(isShard)
    .map((name) => join(root, name));

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function filesOf(entry: string) {
  const outputs = join(entry, "outputs");
  return [join(entry, MANIFEST), ...namesIn(outputs).map((name) => join(outputs, name))].flatMap((path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat?.isFile() === true ? [stat] : [];
  });
}
