import { existsSync } from "node:fs";
import { PspfError } from "../../errors.ts";
import { openFileSource } from "../../io/byte-source.ts";
import { openPackage, type Package } from "../../reader.ts";
import { sha256Hex } from "../../wire/hashes.ts";
import type { Marker } from "../marker.ts";

/** The package that a workenv was made from, open until its scope ends. */
export interface Origin extends Disposable {
  readonly path: string;
  readonly pkg: Package;
}

/**
 * Opens the package that a workenv was made from: where its marker says, or at `path`. A text says why it is not there.
 * Throws `bad-arguments` for another package at `path`, and what is wrong with the file there.
 */
export async function openOrigin(marker: Marker, path: string | undefined): Promise<Origin | string> {
  if (path !== undefined) {
    const origin = await openAt(path, marker);
    if (origin !== undefined) return origin;
    throw new PspfError("bad-arguments", `Cannot use ${path}: the workenv was made from another package`);
  }
  const { source } = marker;
  if (!existsSync(source)) return `${source} is not there any more`;
  const origin = await openAt(source, marker).catch(() => undefined);
  return origin ?? `${source} is another package now`;
}

async function openAt(path: string, marker: Marker): Promise<Origin | undefined> {
  const source = openFileSource(path);
  try {
    const pkg = await openPackage(source);
    // Every byte of the content is named by it, whoever signed it.
    if (sha256Hex(pkg.json) === marker.jsonDigest)
      return { path, pkg, [Symbol.dispose]: () => source[Symbol.dispose]() };
  } catch (error) {
    source[Symbol.dispose]();
    throw error;
  }
  source[Symbol.dispose]();
  return undefined;
}
