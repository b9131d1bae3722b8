import { existsSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { acquire } from "../../format/cache/locks/lock.ts";
import { PspfError } from "../../format/errors.ts";
import { doing, errnoOf, isNothingThere } from "../../format/io/fs.ts";
import { isObject } from "../../format/json-object.ts";
import { KNOWN, type KnownPackage, knownFileName, parseKnown } from "../../format/trust/known-packages.ts";
import type { TrustPlaces } from "../../format/trust/places.ts";
import { lockIn } from "../../format/trust/remember.ts";
import { canEnter, readTrustFile } from "../../format/trust/trust-file.ts";

/** A file of what is remembered: the package, or why it cannot be used. */
export type KnownFile =
  | { readonly path: string; readonly known: KnownPackage }
  | { readonly path: string; readonly error: PspfError };

/** Everything that first uses have left, sorted by the files' names. Throws `io-failed`. */
export function listKnown({ memory }: TrustPlaces): readonly KnownFile[] {
  if (memory === undefined) return [];
  return namesIn(memory)
    .filter((name) => name.endsWith(".json") && !name.startsWith("."))
    .sort()
    .flatMap((name) => readKnown(join(memory, name)));
}

function namesIn(folder: string): readonly string[] {
  return doing("list", folder, () => {
    try {
      return readdirSync(folder);
    } catch (error) {
      // A home that is somebody else's, as daemons may have, is none.
      const isForeign = errnoOf(error) === "EACCES" && !canEnter(dirname(folder));
      if (isNothingThere(error) || isForeign) return [];
      throw error;
    }
  });
}

/** Nothing for a file that has gone meanwhile. */
function readKnown(path: string): readonly KnownFile[] {
  try {
    const bytes = readTrustFile(path, KNOWN, "the user");
    return bytes === undefined ? [] : [{ path, known: parseKnown(bytes, path, nameFor(bytes, path)) }];
  } catch (error) {
    if (error instanceof PspfError) return [{ path, error }];
    throw error;
  }
}

/** The name in a file, if the file is the one for it; else what no package is called, so that the file is refused. */
function nameFor(bytes: Uint8Array, path: string): string {
  try {
    const document: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const name = isObject(document) ? document["package"] : undefined;
    if (typeof name === "string" && knownFileName(name) === basename(path)) return name;
  } catch {
    // whoever parses it strictly says what is wrong
  }
  return `the package of ${basename(path)}`;
}

/**
 * Forgets a package: its next start is its first one. Gives the file that is gone, whatever was in it. Throws
 * `bad-arguments` when nothing is remembered, `io-failed`.
 */
export async function forgetPackage({ memory }: TrustPlaces, name: string): Promise<string> {
  const path = memory === undefined ? undefined : join(memory, knownFileName(name));
  const unknown = () =>
    new PspfError("bad-arguments", `Cannot forget ${JSON.stringify(name)}: nothing is remembered of it`, {
      hint: '"flavor trust list" shows what is remembered',
    });
  if (path === undefined || !existsSync(path)) throw unknown();
  using _lock = await acquire(lockIn(path), () => {});
  doing("remove", path, () => {
    try {
      rmSync(path);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") throw unknown();
      throw error;
    }
  });
  return path;
}
