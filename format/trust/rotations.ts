import { fitsAny } from "./package-patterns.ts";
import type { Rotation } from "./statement.ts";

/** What a search for a successor goes by. */
export interface Succession {
  /** The key that was trusted. */
  readonly from: string;
  /** The name of the package: a key may hand over some packages only. */
  readonly name: string;
  /** Genuine ones only. */
  readonly rotations: readonly Rotation[];
  /** Whether a key may no longer hand anything over, or take it. */
  readonly isRevoked: (key: string) => boolean;
}

/** Rotations on the way from one key to another: nobody changes the key of a package more often. */
const MAX_STEPS = 16;

/** Whether a key has been handed over to another one for a package, directly or through others that are not revoked. */
export function chainTo(signer: string, { from, name, rotations, isRevoked }: Succession): boolean {
  const reached = new Set([from]);
  let latest: readonly string[] = isRevoked(from) ? [] : [from];
  for (let step = 0; step < MAX_STEPS && latest.length > 0; step++) {
    // Patterns only of keys that count already: a stranger's may be many and long.
    const next = rotations
      .filter((row) => latest.includes(row.from) && fitsAny(name, row.packages))
      .map(({ to }) => to);
    latest = [...new Set(next)].filter((key) => !reached.has(key) && !isRevoked(key));
    for (const key of latest) reached.add(key);
    if (latest.includes(signer)) return true;
  }
  return false;
}
