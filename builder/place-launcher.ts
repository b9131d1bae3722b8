import { chmodSync, constants, statSync, truncateSync } from "node:fs";
import promises from "node:fs/promises";
import { PspfError } from "../format/errors.ts";
import { type ByteSource, openFileSource, streamRange } from "../format/io/byte-source.ts";
import type { Replacement } from "../format/io/replacement.ts";
import type { Sha256 } from "../format/types.ts";
import { sha256Stream } from "../format/wire/hashes.ts";
import { inTurns } from "./in-turns.ts";
import { isAsPrinted, type Print, printsOf } from "./prints.ts";
import type { Witness } from "./witness.ts";

/** The file that a launcher comes from. */
export interface LauncherFile {
  readonly path: string;
  /** What it must have, if that was noted before. */
  readonly sha256?: Sha256;
  /** Of the bytes that have it, if these were noted, too. */
  readonly prints?: readonly Print[] | undefined;
}

/**
 * Copies a launcher to the front of a file where nothing is yet: a file by the system, which needs no time of ours, else
 * piece by piece.
 */
export async function placeLauncher(
  launcher: ByteSource,
  from: LauncherFile | undefined,
  file: Replacement,
): Promise<void> {
  if (from !== undefined && (await copyWhole(from.path, file, launcher.size))) return;
  let at = 0;
  for await (const piece of streamRange(launcher, 0, launcher.size, "passing")) {
    file.writeAt(piece, at);
    at += piece.length;
  }
}

/** In a thread of the runtime, and where disks can share bytes without copying any. False, and nothing is there, if not. */
async function copyWhole(from: string, file: Replacement, size: number): Promise<boolean> {
  const to = file.path;
  try {
    await promises.copyFile(from, to, constants.COPYFILE_FICLONE);
    // It has the mode of the other one now.
    if (process.platform !== "win32") chmodSync(to, 0o600);
    if (statSync(to).size === size) return true;
  } catch {
    // There is another way.
  } finally {
    // On macOS Bun removes what is there, and makes a new file.
    file.reopen();
  }
  truncateSync(to, 0);
  return false;
}

/**
 * The SHA-256 of the launcher in a file, read from there, or the noted one where prints say that these are its bytes: a
 * witness is told of them, who reads the file again. Throws as `checkPlaced` does.
 */
export async function digestPlaced(
  file: Replacement,
  size: number,
  from: LauncherFile | undefined,
  witness: Witness | undefined,
): Promise<Sha256> {
  const { sha256, prints: noted } = from ?? {};
  using placed = openFileSource(file.path);
  if (sha256 !== undefined && noted !== undefined) {
    witness?.note(noted, 0);
    if (witness !== undefined || (await isAsPrinted(placed, 0, noted))) return sha256;
  }
  const hash = sha256Stream();
  const prints: Print[] = [];
  for await (const piece of inTurns(streamRange(placed, 0, size, "passing"))) {
    hash.update(piece);
    for (const print of printsOf(piece)) prints.push(print);
  }
  witness?.note(prints, 0);
  const digest = hash.hex();
  if (from === undefined || sha256 === undefined || digest === sha256) return digest;
  throw new PspfError(
    "launcher-checksum-mismatch",
    `Cannot use the launcher ${from.path}: its SHA-256 is not the one that was noted when it was built`,
  );
}

/** Throws `launcher-checksum-mismatch` when the launcher in a file is not what was noted of the one that it comes from. */
export async function checkPlaced(
  file: Replacement,
  size: number,
  from: LauncherFile | undefined,
): Promise<void> {
  if (from?.sha256 !== undefined) await digestPlaced(file, size, { ...from, prints: undefined }, undefined);
}
