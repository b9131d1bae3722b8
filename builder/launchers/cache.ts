import { chmodSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { openFileSource, streamRange } from "../../format/io/byte-source.ts";
import { doing, isNothingThere } from "../../format/io/fs.ts";
import { TARGET_NAMES, type Target } from "../../format/platform.ts";
import { FLAVOR_VERSION } from "../../format/spec.ts";
import type { ByteCount, Bytes, Sha256 } from "../../format/types.ts";
import { isSha256, sha256Hex, sha256Stream } from "../../format/wire/hashes.ts";
import { decodePrints, encodePrints, type Print, printsOf } from "../prints.ts";
import type { Environment } from "./base.ts";
import { type Bundle, bundleDigest, bundleFrom, launcherBundle } from "./bundle.ts";
import { compileLauncher } from "./compile.ts";
import { compileArguments } from "./compile-flags.ts";
import { type Scratch, withScratch } from "./scratch.ts";

/** A launcher on the disk whose bytes have the digest that was noted when it was built. */
export interface Launcher {
  readonly target: Target;
  readonly path: string;
  readonly size: ByteCount;
  readonly sha256: Sha256;
}

export interface EnsuredLauncher extends Launcher {
  /** Whether it was built now; false when it came from the cache. */
  readonly built: boolean;
}

/** What the cache holds for one target. "damaged" is never used, and replaced when it is needed. */
export type LauncherState =
  | (Launcher & { readonly state: "ready" })
  | { readonly target: Target; readonly path: string; readonly state: "damaged" | "missing" };

export interface LauncherOptions {
  /** Where launchers are kept; `launcherCacheDir` when not given. */
  readonly cacheDir?: string;
  /** Another launcher program than ours. */
  readonly entry?: string;
  /** The environment that decides about the folder and goes to the compiler; that of the process when not given. */
  readonly env?: Environment;
}

/** `$FLAVOR_LAUNCHERS`, else the `flavor/launchers` folder of the user's cache. */
export function launcherCacheDir(env: Environment, home: string): string {
  if (env["FLAVOR_LAUNCHERS"]) return env["FLAVOR_LAUNCHERS"];
  return join(env["XDG_CACHE_HOME"] || join(home, ".cache"), "flavor", "launchers");
}

/**
 * A launcher for `target`, from the cache when one with the right digest is there, else built. Throws
 * `launcher-unavailable` when it cannot be built. The digest finds damage, not attackers: who can write into the
 * cache folder can write both files.
 */
export async function ensureLauncher(
  target: Target,
  options: LauncherOptions = {},
): Promise<EnsuredLauncher> {
  return ensureOn(await openShelf(options), target);
}

/**
 * The same launcher, but one that is there is not read: its bytes may have another digest by now, which is for those to find
 * out who read them.
 */
export async function findLauncher(target: Target, options: LauncherOptions = {}): Promise<EnsuredLauncher> {
  const shelf = await openShelf(options);
  const found = await look(shelf, target, sizeOf);
  return found.state === "ready" ? { ...withoutState(found), built: false } : build(shelf, target);
}

/** Launchers for several targets, one after the other; `force` builds also those that are there. */
export async function buildLaunchers(
  targets: readonly Target[],
  options: LauncherOptions & { readonly force?: boolean } = {},
): Promise<readonly EnsuredLauncher[]> {
  const launchers: EnsuredLauncher[] = [];
  const shelf = await openShelf(options);
  for (const target of targets) launchers.push(await (options.force ? build : ensureOn)(shelf, target));
  return launchers;
}

/** What the cache holds for every target; reads each launcher once to check it. */
export async function listLaunchers(options: LauncherOptions = {}): Promise<readonly LauncherState[]> {
  const shelf = await openShelf(options);
  const states: LauncherState[] = [];
  for (const target of TARGET_NAMES) states.push(await look(shelf, target));
  return states;
}

/** Gives the digest that was noted when the launcher for a target was built; undefined where none was. */
export async function launcherNotes(
  options: LauncherOptions = {},
): Promise<(target: Target) => Sha256 | undefined> {
  const shelf = await openShelf(options);
  return (target) => {
    const noted = readNote(join(shelf.dir, `${nameOf(shelf, target)}.sha256`));
    return noted !== undefined && isSha256(noted) ? noted : undefined;
  };
}

/** One program's launchers in one folder. */
interface Shelf {
  readonly dir: string;
  readonly bundle: Bundle;
  readonly env: Environment;
}

async function openShelf({ cacheDir, entry, env = process.env }: LauncherOptions): Promise<Shelf> {
  const bundle = entry === undefined ? await launcherBundle(env) : await bundleFrom(entry, env);
  return { dir: cacheDir ?? launcherCacheDir(env, homedir()), bundle, env };
}

/** Everything that decides about the bytes is in the name: versions, target, flags, program. */
function nameOf({ bundle }: Shelf, target: Target): string {
  const recipe = sha256Hex([Bun.revision, ...compileArguments(target, ""), bundleDigest(bundle)].join("\n"));
  return `flavor-${FLAVOR_VERSION}-bun-${Bun.version}-${target}-${recipe.slice(0, 16)}`;
}

/**
 * A launcher is three files: the note `<name>.sha256`, as sha256sum writes it, the executable, whose name has the start of
 * its digest, and its prints beside that. So each is replaced by one rename, and no order of two builders can mix them up.
 */
const executableName = (name: string, sha256: Sha256): string => `${name}-${sha256.slice(0, 16)}`;
const printsBeside = (executable: string): string => `${executable}.prints`;

/** The prints that were noted of a launcher of so many bytes, with its digest; undefined where there are none. */
export function launcherPrints({
  path,
  size,
}: Pick<Launcher, "path" | "size">): readonly Print[] | undefined {
  try {
    return decodePrints(new Uint8Array(readFileSync(printsBeside(path))), size);
  } catch {
    return undefined;
  }
}

async function look(
  shelf: Shelf,
  target: Target,
  examine: (path: string, noted: Sha256) => Promise<Fingerprint> = (path) => fingerprint(path),
): Promise<LauncherState> {
  const name = nameOf(shelf, target);
  const note = join(shelf.dir, `${name}.sha256`);
  const noted = readNote(note);
  if (noted === undefined) return { target, path: note, state: "missing" };
  if (!isSha256(noted)) return { target, path: note, state: "damaged" };
  const path = join(shelf.dir, executableName(name, noted));
  const found = await examine(path, noted).catch(() => undefined);
  return found?.sha256 === noted
    ? { target, path, ...found, state: "ready" }
    : { target, path, state: "damaged" };
}

function readNote(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1").slice(0, 64);
  } catch (error) {
    return isNothingThere(error) ? undefined : "";
  }
}

async function ensureOn(shelf: Shelf, target: Target): Promise<EnsuredLauncher> {
  const found = await look(shelf, target);
  return found.state === "ready" ? { ...withoutState(found), built: false } : build(shelf, target);
}

const build = (shelf: Shelf, target: Target): Promise<EnsuredLauncher> =>
  withScratch(shelf.dir, async (scratch) => {
    const compiled = await compileLauncher(shelf.bundle, target, scratch, shelf.env);
    return { target, ...(await publish(compiled, shelf, target, scratch)), built: true };
  });

/** The note comes last: without the others it would be damage. */
async function publish(
  compiled: string,
  shelf: Shelf,
  target: Target,
  scratch: Scratch,
): Promise<Omit<Launcher, "target">> {
  const name = nameOf(shelf, target);
  const prints: Print[] = [];
  const { size, sha256 } = await fingerprint(compiled, (piece) => prints.push(...printsOf(piece)));
  const path = join(shelf.dir, executableName(name, sha256));
  const note = join(scratch.path, "note");
  doing("write", path, () => {
    chmodSync(compiled, 0o755);
    renameSync(compiled, path);
    writeFileSync(note, encodePrints(prints));
    renameSync(note, printsBeside(path));
    writeFileSync(note, `${sha256}  ${executableName(name, sha256)}\n`);
    renameSync(note, join(shelf.dir, `${name}.sha256`));
  });
  return { path, size, sha256 };
}

interface Fingerprint {
  readonly size: ByteCount;
  readonly sha256: Sha256;
}

/** What was noted, of a file that is there. */
async function sizeOf(path: string, sha256: Sha256): Promise<Fingerprint> {
  using source = openFileSource(path);
  return { size: source.size as ByteCount, sha256 };
}

async function fingerprint(path: string, onPiece?: (piece: Bytes) => void): Promise<Fingerprint> {
  using source = openFileSource(path);
  const hash = sha256Stream();
  for await (const piece of streamRange(source, 0, source.size, "passing")) {
    hash.update(piece);
    onPiece?.(piece);
  }
  return { size: source.size as ByteCount, sha256: hash.hex() };
}

const withoutState = ({ target, path, size, sha256 }: Launcher): Launcher => ({ target, path, size, sha256 });
