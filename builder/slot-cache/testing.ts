import { afterEach, beforeEach } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { parseManifest } from "../manifest/manifest.ts";
import { packManifest } from "../pack.ts";
import { parseManifest as parseEntry } from "./entry-manifest.ts";
import { MANIFEST } from "./layout.ts";

/** For tests only: packages of two slots that are packed again and again, and what their cache has. */

export const MIB = 1024 * 1024;

let dir: ReturnType<typeof tempDir>;
export const at = (...path: readonly string[]) => join(dir.path, ...path);

const made = new Map<string, Uint8Array<ArrayBuffer>>();

/** Bytes that do not shrink to nothing, the same at every run. */
export function noise(size: number, seed: number): Uint8Array<ArrayBuffer> {
  const known = made.get(`${size} ${seed}`);
  if (known !== undefined) return known;
  const bytes = new Uint8Array(size);
  let state = seed;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    bytes[i] = (state >> 16) & 0x3f;
  }
  made.set(`${size} ${seed}`, bytes);
  return bytes;
}

/** Gives each test of a file two folders to pack, "one" and "two", of a size that is worth keeping. */
export function useTwoSlots(): void {
  beforeEach(() => {
    dir = tempDir();
    for (const [i, slot] of ["one", "two"].entries()) {
      mkdirSync(at(slot, "lib"), { recursive: true });
      for (let file = 0; file < 5; file++)
        writeFileSync(at(slot, "lib", `f${file}`), noise(1.2 * MIB, 10 * i + file));
      writeFileSync(at(slot, "run"), "#!/bin/sh\n");
      chmodSync(at(slot, "run"), 0o755);
      symlinkSync("lib/f1", at(slot, "link"));
      settle(slot);
    }
  });
  afterEach(() => dir[Symbol.dispose]());
}

/** Makes files look as if nothing had happened to them lately: ctimes cannot be set, so time is waited for. */
function settle(slot: string): void {
  for (const name of readdirSync(at(slot, "lib"))) utimesSync(at(slot, "lib", name), 1e9, 1e9);
  Bun.sleepSync(120);
}

export const manifest = (more = "") =>
  parseManifest(
    `[package]\nname = "app"\nversion = "1"\n[execution]\ncommand = "run"\n${["one", "two"]
      .map(
        (id) =>
          `[[slots]]\nid = "${id}"\nsource = "${id}"\ntarget = "${id}"\noperations = "tar|zstd"\n${more}`,
      )
      .join("")}`,
    at("flavor.toml"),
  );

interface Options {
  readonly buildCache?: string | undefined;
  readonly level?: number;
  readonly verify?: boolean;
  readonly more?: string;
}

/** Packs both slots; which of them came from the cache, why, and what the package is. */
export async function pack({ more, ...options }: Options = { buildCache: at("cache") }) {
  const said = new Map<string, string>();
  const [packed] = await packManifest(manifest(more), {
    keySeed: "x",
    launcher: "shebang",
    output: at("app.psp"),
    explain: (slot, isCached, why) => said.set(slot, `${isCached ? "cached" : "new"}: ${why}`),
    ...options,
  });
  return { one: said.get("one"), two: said.get("two"), digest: await packed?.sha256() };
}

export const NEW = "new: nothing like it was packed before";
export const UNCHANGED = "cached: unchanged";
export const entries = () =>
  [...new Bun.Glob("v1/??/*").scanSync({ cwd: at("cache"), onlyFiles: false })].filter(
    (path) => !path.includes(".tmp-"),
  );
/** Paths in the cache of what manifests name, as those of `entries`. */
const outputs = (kind: "stored" | "prints" | "stamps") =>
  entries().flatMap((entry) =>
    (parseEntry(readFileSync(at("cache", entry, MANIFEST), "utf8")) ?? []).map((version) =>
      join(entry, "outputs", version[kind]),
    ),
  );
export const blobs = () => outputs("stored");
export const prints = () => outputs("prints");
/** What the files looked like. */
export const stamps = () => outputs("stamps");
