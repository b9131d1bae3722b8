import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { namesIn, statOf } from "../cache/cleaning/measure.ts";
import { acquire } from "../cache/locks/lock.ts";
import { causesOf, PspfError } from "../errors.ts";
import { doing, errnoOf } from "../io/fs.ts";
import { replaceFile } from "../io/replacement.ts";
import { type Consultation, consult, type ConsultRequest, recall } from "./consult.ts";
import type { Finding } from "./judge.ts";
import { encodeKnown, type KnownPackage } from "./known-packages.ts";
import type { TrustState } from "./levels.ts";

/** A consultation whose outcome was accepted, and what of it may be noted for later starts. */
export interface Remembered extends Consultation {
  readonly state: TrustState;
  /** Whether what was remembered before is not what counts any more, so that other builds must be asked about again. */
  readonly isReplaced: boolean;
}

export interface RememberRequest extends ConsultRequest {
  /** The user's number, where there are such. */
  readonly uid: number | undefined;
  /** Throws when a package with this finding must not be started: then nothing is remembered of it. */
  readonly accept: (consultation: Consultation) => void;
  /** Told why nothing could be remembered. */
  readonly onForgotten: (reason: string) => void;
}

/**
 * Consults, and remembers what follows, so that the next start knows this one's signer: a first use, a key that has
 * handed over, a newer build. Of two packages with one name that start at once only one is the first; the other is
 * judged again. A memory that cannot be written stops nothing.
 */
export async function consultAndRemember(request: RememberRequest): Promise<Remembered> {
  for (let attempt = 1; ; attempt++) {
    const found = await consult(request);
    request.accept(found);
    const wanted = wantedMemory(found);
    const asFound = { ...found, state: found.finding.kind, isReplaced: false };
    if (wanted === undefined) return asFound;
    const outcome = await tryWrite(wanted, found, request.uid);
    if (outcome === "written")
      return { ...found, state: stateAfter(found.finding), isReplaced: found.about.remembered !== undefined };
    // Somebody else was quicker: what they have left is judged, too.
    if (outcome === "overtaken" && attempt < ATTEMPTS) continue;
    request.onForgotten(outcome === "overtaken" ? `${found.memoryFile} is in the way` : outcome.reason);
    return asFound;
  }
}

/** Nobody is overtaken that often: something is there that cannot be read. */
const ATTEMPTS = 16;

type Outcome = "written" | "overtaken" | { readonly reason: string };

async function tryWrite(
  wanted: KnownPackage,
  { memoryFile, about }: Consultation,
  uid: number | undefined,
): Promise<Outcome> {
  if (memoryFile === undefined) return { reason: "there is no home folder" };
  const fault = faultOfPlace(memoryFile, uid);
  if (fault !== undefined) return { reason: fault };
  try {
    const isWritten =
      about.remembered === undefined
        ? create(memoryFile, wanted)
        : await replace(memoryFile, wanted, about.remembered);
    return isWritten ? "written" : "overtaken";
  } catch (error) {
    if (!(error instanceof PspfError && error.code === "io-failed")) throw error;
    return { reason: [error.message, ...causesOf(error)].join(": ") };
  }
}

/** A first use is known from now on. */
const stateAfter = ({ kind }: Finding): TrustState =>
  kind === "new" || kind === "successor" ? "known" : kind;

/** The lock under which what is remembered of any package is replaced. */
export const lockIn = (memoryFile: string): string => join(dirname(dirname(memoryFile)), "locks", "known");

/** What is to be remembered after a package was accepted; undefined when that is what is remembered already. */
function wantedMemory({ finding, about }: Consultation): KnownPackage | undefined {
  const { remembered, signer, built } = about;
  switch (finding.kind) {
    case "new":
    case "successor":
    case "known":
      break;
    case "trusted":
      if (about.isAnonymous) return undefined;
      break;
    default:
      return undefined;
  }
  const isSame = remembered?.signer === signer;
  const isNewer =
    built !== undefined && (remembered?.built === undefined || isBefore(remembered.built, built));
  if (isSame && !isNewer) return undefined;
  const newest = isNewer ? built : remembered?.built;
  return {
    package: about.name,
    signer,
    firstSeen: isSame ? remembered.firstSeen : new Date().toISOString(),
    version: isNewer || remembered === undefined ? about.version : remembered.version,
    ...(newest === undefined ? {} : { built: newest }),
  };
}

const isBefore = (a: string, b: string): boolean => Date.parse(a) < Date.parse(b);

/** Root that was called with a user's home would leave files there that the user can neither change nor remove. */
function faultOfPlace(file: string, uid: number | undefined): string | undefined {
  if (uid !== 0) return undefined;
  const folder = nearestFolder(dirname(file));
  return folder.uid === 0 ? undefined : `${folder.path} belongs to another user (${folder.uid})`;
}

function nearestFolder(path: string): { readonly path: string; readonly uid: number } {
  try {
    return { path, uid: statSync(path).uid };
  } catch {
    const above = dirname(path);
    return above === path ? { path, uid: 0 } : nearestFolder(above);
  }
}

/** Puts a newer memory into the place of what was remembered; false when something else is remembered by now. */
async function replace(file: string, known: KnownPackage, old: KnownPackage): Promise<boolean> {
  using _lock = await acquire(lockIn(file), () => {});
  const now = recall(file, known.package);
  if (now === undefined || encodeKnown(now) !== encodeKnown(old)) return false;
  replaceFile(file, encodeKnown(known), 0o600, "durable");
  return true;
}

/** Makes a memory where there was none; false when there is one by now. */
function create(file: string, known: KnownPackage): boolean {
  const folder = dirname(file);
  doing("create", folder, () => mkdirSync(folder, { recursive: true, mode: 0o700 }));
  sweep(folder);
  return createWhole(file, encodeKnown(known));
}

const HOUR_MS = 60 * 60 * 1000;

/** Removes what starts that were killed have left half-written. What cannot be removed stays. */
function sweep(folder: string): void {
  for (const name of namesIn(folder)) {
    if (!/^\..*\.part$/.test(name)) continue;
    const path = join(folder, name);
    if (Date.now() - (statOf(path)?.mtimeMs ?? Date.now()) > HOUR_MS) removeIfPossible(path);
  }
}

function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A folder, or the disk is read-only by now: nothing that a start depends on.
  }
}

/** Creates a file that was not there, whole; false when it is there by now. */
function createWhole(file: string, text: string): boolean {
  const part = join(dirname(file), `.${crypto.randomUUID()}.part`);
  try {
    doing("write", part, () => writeNew(part, text));
    return doing("write", file, () =>
      isCreated(
        () => linkSync(part, file),
        () => writeNew(file, text),
      ),
    );
  } finally {
    removeIfPossible(part);
  }
}

/** By a link, which cannot replace anything; where there are none, at its place. */
function isCreated(link: () => void, otherwise: () => void): boolean {
  for (const attempt of [link, otherwise])
    try {
      attempt();
      return true;
    } catch (error) {
      if (errnoOf(error) === "EEXIST") return false;
      if (attempt === otherwise) throw error;
    }
  return false;
}

function writeNew(path: string, text: string): void {
  const fd = openSync(path, "wx", 0o600);
  try {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
