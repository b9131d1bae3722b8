import { isObject } from "../../format/json-object.ts";
import type { Sha256 } from "../../format/types.ts";
import { isSha256, sha256Hex } from "../../format/wire/hashes.ts";

const SCHEMA = "flavor.build-cache/3";

/** What one content of the files became. */
export interface Version {
  /** SHA-256 of the stored bytes, which names them in the entry. */
  readonly stored: Sha256;
  readonly size: number;
  readonly originalSize: number;
  /** SHA-256 of the prints of the stored bytes, which names these in the entry. */
  readonly prints: Sha256;
  /** SHA-256 of what the files looked like, which names that in the entry. */
  readonly stamps: Sha256;
  /** How these bytes were found to be good, in the words of who did that; null when nobody did. */
  readonly verified: string | null;
}

/** Most versions that an entry has: the newest, which come first. */
const MOST = 4;

/** The versions with a new one in front; what is known of the same bytes is replaced. */
export const withVersion = (versions: readonly Version[], added: Version): readonly Version[] =>
  [added, ...versions.filter(({ stored }) => stored !== added.stored)].slice(0, MOST);

export const encodeManifest = (versions: readonly Version[]): string =>
  `${JSON.stringify({ schema: SCHEMA, digest: digestOf(versions), versions })}\n`;

/** Sizes go into packages as they are, where nobody decodes the stored bytes to count them. */
const digestOf = (versions: readonly unknown[]): Sha256 => sha256Hex(JSON.stringify(versions));

/** Undefined for what no program of this version has written, and for what is damaged. */
export function parseManifest(text: string): readonly Version[] | undefined {
  try {
    const document: unknown = JSON.parse(text);
    if (!isObject(document) || document["schema"] !== SCHEMA || !Array.isArray(document["versions"]))
      return undefined;
    const versions: readonly unknown[] = document["versions"];
    return versions.every(isVersion) && document["digest"] === digestOf(versions) ? versions : undefined;
  } catch {
    return undefined;
  }
}

function isVersion(value: unknown): value is Version {
  if (!isObject(value)) return false;
  const { stored, size, originalSize, prints, stamps, verified } = value;
  return (
    [stored, prints, stamps].every((digest) => typeof digest === "string" && isSha256(digest)) &&
    [size, originalSize].every((count) => Number.isSafeInteger(count) && (count as number) >= 0) &&
    (verified === null || typeof verified === "string")
  );
}
