import type { Bytes } from "../types.ts";
import { type Members, memberPath, type Problems } from "../wire/problems.ts";
import { type DocumentKind, keyIn, parseDocument, refuseOthers, timeIn } from "./document.ts";
import { parseStatement, type Statement, statementDocument } from "./statement.ts";

/** A key that a user, or the machine's owner, trusts. */
export interface TrustedKey {
  /** The public key: 64 lower-case hex digits. */
  readonly key: string;
  /** Whose it is, for people. */
  readonly name: string;
  /** Patterns of the names of packages that it may sign; none means any package. */
  readonly packages: readonly string[];
  /** ISO 8601. */
  readonly added: string;
}

/** A key that nothing may be signed with any more. */
export interface RevokedKey {
  readonly key: string;
  /** Why, for people; may be empty. */
  readonly reason: string;
  /** ISO 8601. */
  readonly revoked: string;
}

/** What one file says about keys. */
export interface TrustStore {
  readonly keys: readonly TrustedKey[];
  readonly revoked: readonly RevokedKey[];
  /** What keys have said about themselves; who uses one must ask first whether it is genuine. */
  readonly statements: readonly Statement[];
}

/** The store of who has none. */
export const EMPTY_STORE: TrustStore = { keys: [], revoked: [], statements: [] };

const SCHEMA = "flavor.trust/1";

export const TRUST_STORE: DocumentKind = {
  code: "trust-store-invalid",
  what: "the trust store",
  schema: SCHEMA,
  hint: (path) => `mend or remove ${path}: "flavor trust add" writes a new one`,
};

/** A trust store. Throws `trust-store-invalid` for one that cannot be understood in full. */
export const parseTrustStore = (bytes: Bytes, path: string): TrustStore =>
  parseDocument(bytes, path, TRUST_STORE, (members, problems) => {
    refuseOthers(members, ["schema", "keys", "revoked", "statements"], "", problems);
    const keys = problems.optionalArray(members, "keys", "", (value, at) => parseKey(value, at, problems));
    const revoked = problems.optionalArray(members, "revoked", "", (value, at) =>
      parseRevoked(value, at, problems),
    );
    const statements = problems.optionalArray(members, "statements", "", (value, at) =>
      parseStatement(value, at, problems),
    );
    refuseTwice(keys, "keys", problems);
    refuseTwice(revoked, "revoked", problems);
    return { keys, revoked, statements };
  });

function parseKey(value: unknown, path: string, problems: Problems): TrustedKey {
  const of: Members = problems.object(value, path);
  refuseOthers(of, ["key", "name", "packages", "added"], path, problems);
  const packages = problems.strings(of, "packages", path);
  for (const [i, pattern] of packages.entries())
    if (pattern === "")
      problems.add(`${memberPath(path, "packages")}[${i}]`, "an empty pattern fits no package");
  return {
    key: keyIn(of, "key", path, problems),
    name: problems.string(of, "name", path),
    packages,
    added: timeIn(of, "added", path, problems),
  };
}

function parseRevoked(value: unknown, path: string, problems: Problems): RevokedKey {
  const of: Members = problems.object(value, path);
  refuseOthers(of, ["key", "reason", "revoked"], path, problems);
  return {
    key: keyIn(of, "key", path, problems),
    reason: problems.string(of, "reason", path),
    revoked: timeIn(of, "revoked", path, problems),
  };
}

/** A key that stands twice would have two meanings. */
function refuseTwice(rows: readonly { readonly key: string }[], list: string, problems: Problems): void {
  const seen = new Set<string>();
  for (const [i, { key }] of rows.entries()) {
    if (seen.has(key)) problems.add(`${list}[${i}].key`, `stands twice: ${key}`);
    seen.add(key);
  }
}

/** A trust store as text: what `parseTrustStore` reads, for people to read as well. */
export function encodeTrustStore({ keys, revoked, statements }: TrustStore): string {
  const document = { schema: SCHEMA, keys, revoked, statements: statements.map(statementDocument) };
  return `${JSON.stringify(document, null, 2)}\n`;
}
