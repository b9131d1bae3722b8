import type { KnownPackage } from "./known-packages.ts";
import { fitsAny } from "./package-patterns.ts";
import type { Policy } from "./policy-file.ts";
import { chainTo } from "./rotations.ts";
import type { Rotation } from "./statement.ts";
import type { TrustedKey, TrustStore } from "./trust-store.ts";

/** Who has said something about a key. */
export type Authority = "the system's trust store" | "your trust store" | "its owner";

/** What is known about the signer of a package, and what follows from it. */
export type Finding =
  /** A store lists the key for this package, or a key that has handed over to it. */
  | { readonly kind: "trusted"; readonly by: Authority; readonly name: string }
  /** FLAVOR_TRUSTED_KEYS lists the key. */
  | { readonly kind: "named" }
  /** The key that has signed this package before. */
  | { readonly kind: "known"; readonly remembered: KnownPackage }
  /** The remembered key has handed over to it. */
  | { readonly kind: "successor"; readonly remembered: KnownPackage }
  /** Nobody has seen this package here. */
  | { readonly kind: "new" }
  /** Signed with a key that was made for one build: there is nobody to recognise. */
  | { readonly kind: "anonymous" }
  | { readonly kind: "revoked"; readonly reason: string; readonly where: Authority }
  | { readonly kind: "changed"; readonly remembered: KnownPackage }
  /** A store wants other keys for packages of this name. */
  | { readonly kind: "pinned"; readonly to: readonly TrustedKey[]; readonly by: Authority }
  /** Only listed signers are trusted, and this is none. */
  | { readonly kind: "unlisted"; readonly by: "the policy of this machine" | "FLAVOR_TRUSTED_KEYS" }
  /** Built before one that was started here. */
  | { readonly kind: "older"; readonly newest: string; readonly built: string | undefined };

/** What is judged, and by what. */
export interface Case {
  /** The package's name. */
  readonly name: string;
  readonly version: string;
  /** The key whose signature is valid: 64 lower-case hex digits. */
  readonly signer: string;
  readonly isAnonymous: boolean;
  /** When it was built, ISO 8601; undefined when it does not say. */
  readonly built: string | undefined;
  readonly remembered: KnownPackage | undefined;
  readonly userStore: TrustStore;
  readonly systemStore: TrustStore;
  /** What FLAVOR_TRUSTED_KEYS lists; undefined when it is not set. */
  readonly environmentKeys: readonly string[] | undefined;
  readonly policy: Policy;
  /** Genuine ones only, from the stores and from the package. */
  readonly rotations: readonly Rotation[];
  /** Keys that have genuinely revoked themselves, in a store, and why. */
  readonly selfRevoked: ReadonlyMap<string, string>;
}

/**
 * Judges the signer of a package whose seal is valid. Pure. Who said more counts more: a revocation by anybody, then the
 * machine's owner, the environment, the user, the policy, and last what first uses have left.
 */
export function judgeSigner(about: Case): Finding {
  const { signer, environmentKeys, policy, systemStore } = about;
  const revoked = revocationOf(signer, about);
  if (revoked !== undefined) return revoked;
  const bySystem = askStore(systemStore, "the system's trust store", about);
  if (bySystem !== undefined) return withoutRollback(bySystem, about);
  if (environmentKeys !== undefined && policy.trust !== "system")
    return environmentKeys.includes(signer)
      ? { kind: "named" }
      : { kind: "unlisted", by: "FLAVOR_TRUSTED_KEYS" };
  const byUser = policy.trust === "system" ? undefined : askStore(about.userStore, "your trust store", about);
  if (byUser !== undefined) return withoutRollback(byUser, about);
  if (policy.trust !== "anyone") return { kind: "unlisted", by: "the policy of this machine" };
  return withoutRollback(askMemory(about), about);
}

function revocationOf(key: string, { systemStore, userStore, selfRevoked }: Case): Finding | undefined {
  const rows = [
    ["the system's trust store", systemStore],
    ["your trust store", userStore],
  ] as const;
  for (const [where, { revoked }] of rows) {
    const found = revoked.find((row) => row.key === key);
    if (found !== undefined) return { kind: "revoked", reason: found.reason, where };
  }
  const reason = selfRevoked.get(key);
  return reason === undefined ? undefined : { kind: "revoked", reason, where: "its owner" };
}

/** What a store says of the signer: it lists the key, or a key that has handed over to it, or only others. */
function askStore(store: TrustStore, by: Authority, about: Case): Finding | undefined {
  const listed = store.keys.filter(({ packages }) => fitsAny(about.name, packages));
  const isIt = (row: TrustedKey) => row.key === about.signer || isSuccessor(row.key, about);
  const found = listed.find(({ key }) => key === about.signer) ?? listed.find(isIt);
  if (found !== undefined) return { kind: "trusted", by, name: found.name };
  // A key for any package does not forbid others.
  const to = listed.filter(({ packages }) => packages.length > 0);
  return to.length === 0 ? undefined : { kind: "pinned", to, by };
}

const isSuccessor = (of: string, about: Case): boolean =>
  chainTo(about.signer, {
    from: of,
    name: about.name,
    rotations: about.rotations,
    isRevoked: (key) => revocationOf(key, about) !== undefined,
  });

/** The keys that have handed over to the signer: what their packages have left is its. */
export const formerSignersOf = (about: Case): readonly string[] =>
  [...new Set(about.rotations.map(({ from }) => from))].filter(
    (key) => key !== about.signer && isSuccessor(key, about),
  );

function askMemory(about: Case): Finding {
  const { remembered, signer } = about;
  if (remembered === undefined) return about.isAnonymous ? { kind: "anonymous" } : { kind: "new" };
  if (remembered.signer === signer) return { kind: "known", remembered };
  if (isSuccessor(remembered.signer, about)) return { kind: "successor", remembered };
  return { kind: "changed", remembered };
}

/** A package that may be started may still be too old. */
function withoutRollback(finding: Finding, { policy, remembered, built }: Case): Finding {
  const newest = remembered?.built;
  if (policy.rollback === "allow" || newest === undefined) return finding;
  if (finding.kind !== "trusted" && finding.kind !== "known" && finding.kind !== "successor") return finding;
  const isOlder = built === undefined || Date.parse(built) < Date.parse(newest);
  return isOlder ? { kind: "older", newest, built } : finding;
}
