import { PspfError } from "../../format/errors.ts";
import { authorOf, type Statement } from "../../format/trust/statement.ts";
import type { RevokedKey, TrustedKey, TrustStore } from "../../format/trust/trust-store.ts";

/** What is said about a key that is trusted from now on. */
export interface NewKey {
  readonly key: string;
  /** Of a key that is there already, the old one stays when none is given. */
  readonly name?: string;
  /** Patterns; none: any package. */
  readonly packages: readonly string[];
}

/**
 * Trusts a key. One that is there already gets the further patterns, or all packages when none are given. Throws
 * `bad-arguments` for a key that is revoked there, for a name that another key has, and for patterns that would
 * narrow what a key may sign.
 */
export function withKey(store: TrustStore, { key, name, packages }: NewKey, now: Date): TrustStore {
  const revoked = store.revoked.find((row) => row.key === key);
  const ownWord = store.statements.find((row) => row.kind === "revocation" && row.key === key);
  if (revoked !== undefined || ownWord !== undefined)
    throw refuse(`Cannot trust the key ${key}: it is revoked there`, `first: flavor trust remove ${key}`);
  const former = store.keys.find((row) => row.key === key);
  const row: TrustedKey = {
    key,
    name: line(name ?? former?.name ?? key.slice(0, 16), "name"),
    packages: patternsOf(former, packages, key),
    added: former?.added ?? now.toISOString(),
  };
  const namesake = store.keys.find((other) => other.key !== key && other.name === row.name);
  if (namesake !== undefined || /^[0-9a-f]{64}$/i.test(row.name))
    throw refuse(
      `Cannot name the key ${key} ${JSON.stringify(row.name)}: ${namesake === undefined ? "that is a key itself" : `so is ${namesake.key}`}`,
      "choose another name with --name",
    );
  const keys =
    former === undefined ? [...store.keys, row] : store.keys.map((it) => (it === former ? row : it));
  return { ...store, keys };
}

function patternsOf(
  former: TrustedKey | undefined,
  packages: readonly string[],
  key: string,
): readonly string[] {
  for (const pattern of packages)
    if (line(pattern, "pattern") === "")
      throw refuse("Cannot use an empty pattern: it fits no package", "leave --package out for any package");
  if (former === undefined || packages.length === 0) return [...new Set(packages)];
  if (former.packages.length === 0)
    throw refuse(
      `Cannot trust the key ${key} for some packages: it is trusted for any package already`,
      `to narrow that, first: flavor trust remove ${key}`,
    );
  return [...new Set([...former.packages, ...packages])];
}

/** Takes in what a key has said about itself; it is genuine. */
export function withStatement(store: TrustStore, statement: Statement): TrustStore {
  const isThere = store.statements.some(({ signature }) => signature === statement.signature);
  return isThere ? store : { ...store, statements: [...store.statements, statement] };
}

/** Removes all that a store says about a key: that it is trusted or revoked, and what it has said itself. */
export const withoutKey = ({ keys, revoked, statements }: TrustStore, key: string): TrustStore => ({
  keys: keys.filter((row) => row.key !== key),
  revoked: revoked.filter((row) => row.key !== key),
  statements: statements.filter((row) => authorOf(row) !== key),
});

/** Revokes a key, which is not trusted any more. One that is revoked already keeps its time. */
export function withRevocation(
  store: TrustStore,
  { key, reason }: { readonly key: string; readonly reason?: string },
  now: Date,
): TrustStore {
  const former = store.revoked.find((row) => row.key === key);
  const row: RevokedKey = {
    key,
    reason: line(reason ?? former?.reason ?? "", "reason"),
    revoked: former?.revoked ?? now.toISOString(),
  };
  const revoked =
    former === undefined ? [...store.revoked, row] : store.revoked.map((it) => (it === former ? row : it));
  return { ...store, keys: store.keys.filter((it) => it.key !== key), revoked };
}

/** What goes into a file as one line, and onto terminals. */
function line(text: string, what: string): string {
  if (text.isWellFormed() && !/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u.test(text)) return text;
  throw refuse(`Cannot use the ${what} ${JSON.stringify(text)}: it must be one line of plain text`);
}

const refuse = (message: string, hint?: string) =>
  new PspfError("bad-arguments", message, hint === undefined ? {} : { hint });
