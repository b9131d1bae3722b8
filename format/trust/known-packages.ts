import type { Bytes } from "../types.ts";
import { sha256Hex } from "../wire/hashes.ts";
import { memberPath } from "../wire/problems.ts";
import { type DocumentKind, keyIn, parseDocument, refuseOthers, timeIn } from "./document.ts";

/** What the first use of a package has left, and later ones have brought up to date. */
export interface KnownPackage {
  /** The package's name. */
  readonly package: string;
  /** The key that signed it: 64 lower-case hex digits. */
  readonly signer: string;
  /** When this key was first seen with this name, ISO 8601. */
  readonly firstSeen: string;
  /** The version of the package that was built last, of those that were started. */
  readonly version: string;
  /** When that was built, ISO 8601; absent when none has said so. */
  readonly built?: string;
}

const SCHEMA = "flavor.known/1";

/** The file of a package that was started here. */
export const KNOWN: DocumentKind = {
  code: "trust-store-invalid",
  what: "what is remembered of a package,",
  schema: SCHEMA,
  hint: (path) => `mend ${path}, or remove it: then the package's next start is its first one`,
};

/** The file of a package. Throws `trust-store-invalid` for one that cannot be understood in full, or is another's. */
export const parseKnown = (bytes: Bytes, path: string, name: string): KnownPackage =>
  parseDocument(bytes, path, KNOWN, (members, problems) => {
    refuseOthers(members, ["schema", "package", "signer", "first_seen", "version", "built"], "", problems);
    const found = problems.string(members, "package", "");
    if (found !== name && !problems.hasAt("package"))
      problems.expected(memberPath("", "package"), JSON.stringify(name), found);
    const built = Object.hasOwn(members, "built") ? timeIn(members, "built", "", problems) : undefined;
    return {
      package: found,
      signer: keyIn(members, "signer", "", problems),
      firstSeen: timeIn(members, "first_seen", "", problems),
      version: problems.string(members, "version", ""),
      ...(built === undefined ? {} : { built }),
    };
  });

/** The text of a package's file: what `parseKnown` reads. */
export function encodeKnown({ package: name, signer, firstSeen, version, built }: KnownPackage): string {
  const document = { schema: SCHEMA, package: name, signer, first_seen: firstSeen, version, built };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Characters of the longest name that is spelled out: file systems allow 255 bytes. */
const MAX_NAME = 200;

/**
 * The name of a package's file: different names have different files also where upper and lower case are the same, and
 * no name means another folder. Everything but `a-z`, `0-9`, `.`, `_` and `-` is `%` and two hex digits for each byte.
 */
export function knownFileName(name: string): string {
  const bytes = new TextEncoder().encode(name);
  // Windows takes "con.json" for a device.
  const isDevice = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/.test(name);
  const text = [...bytes]
    .map((byte, i) => {
      const character = String.fromCharCode(byte);
      const isPlain =
        i === 0 && isDevice ? false : /[a-z0-9_-]/.test(character) || (character === "." && i > 0);
      return isPlain ? character : `%${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
  return `${text.length > MAX_NAME || text === "" ? `%%${sha256Hex(name)}` : text}.json`;
}
