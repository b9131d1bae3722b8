import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bytes } from "../../format/types.ts";
import { sha256Hex } from "../../format/wire/hashes.ts";

const ROOT = join(import.meta.dir, "corpus");

export interface Sample {
  readonly name: string;
  readonly bytes: Bytes;
}

/** What lies in the corpus of a target, in the order of the names: good inputs, and everything that was found. */
export function corpusOf(target: string, root: string = ROOT): readonly Sample[] {
  const folder = join(root, target);
  return namesIn(folder).map((name) => ({ name, bytes: new Uint8Array(readFileSync(join(folder, name))) }));
}

export const corpusNames = (root: string = ROOT): readonly string[] => namesIn(root);

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** Whether a sample is here because something was wrong with it. */
export const isFind = (name: string): boolean => name.startsWith("find-");

/** Adds a find, under a name that its content decides; the path. */
export function keepFind(target: string, bytes: Bytes, root: string = ROOT): string {
  const path = join(root, target, `find-${sha256Hex(bytes).slice(0, 12)}`);
  mkdirSync(join(root, target), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}
