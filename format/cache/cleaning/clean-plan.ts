import type { Budget } from "./budget.ts";
import type { Weight } from "./measure.ts";

/** Why an entry goes. */
export type GoReason = "asked" | "old" | "size";

/**
 * Why an entry stays. "recent": nothing asks for its room. "last used": of a cache that is too large, one stays.
 * "running" and "being made" are known only when its turn comes; "used again" and "failed" as well.
 */
export type StayReason =
  "recent" | "last used" | "running" | "being made" | "used again" | "edited" | "unclear" | "failed";

/** An entry of the cache, as far as a plan needs to know it. */
export interface Candidate {
  readonly weight: Weight;
  /** Milliseconds since 1970. */
  readonly lastUsed: number;
  /** Why it must stay, if it must. */
  readonly guarded?: StayReason | undefined;
}

export interface Limits extends Budget {
  /** Whether the entry that was used last may go for its size, too. */
  readonly spare: "last used" | "none";
}

export interface Plan<T> {
  /** In the order in which they go: the least recently used first. */
  readonly goes: readonly (readonly [T, GoReason])[];
  readonly stays: readonly (readonly [T, StayReason])[];
}

/**
 * What goes and what stays: everything, or what was not used for longer than the limit, and then the least recently used
 * until the rest fits. What is guarded stays and counts. `rest` is what the cache takes beside its entries, in bytes.
 */
export function planCleaning<T extends Candidate>(
  entries: readonly T[],
  limits: Limits | "everything",
  { now, rest }: { readonly now: number; readonly rest: number },
): Plan<T> {
  const goes: (readonly [T, GoReason])[] = [];
  const stays: (readonly [T, StayReason])[] = [];
  const ledger = ledgerOf(entries, rest);
  const oldestFirst = [...entries].sort((a, b) => a.lastUsed - b.lastUsed);
  const lastUsed = oldestFirst.at(-1);
  const reasonFor = (entry: T): GoReason | undefined => {
    if (limits === "everything") return "asked";
    return now - entry.lastUsed > limits.maxAge ? "old" : undefined;
  };
  const young: T[] = [];
  for (const entry of oldestFirst) {
    const reason = reasonFor(entry);
    if (entry.guarded !== undefined) stays.push([entry, entry.guarded]);
    else if (reason === undefined) young.push(entry);
    else {
      goes.push([entry, reason]);
      ledger.take(entry);
    }
  }
  for (const entry of young) {
    const fits = limits === "everything" || ledger.total() <= limits.maxSize;
    const isSpared = limits !== "everything" && limits.spare === "last used" && entry === lastUsed;
    if (fits || isSpared) stays.push([entry, fits ? "recent" : "last used"]);
    else {
      goes.push([entry, "size"]);
      ledger.take(entry);
    }
  }
  return { goes, stays };
}

/** What the cache takes while entries leave it: a file with several names is gone with the last of them. */
function ledgerOf(entries: readonly Candidate[], rest: number) {
  const holders = new Map<string, number>();
  let total = rest;
  for (const { weight } of entries) {
    total += weight.own;
    for (const [file, bytes] of weight.linked) {
      const count = holders.get(file) ?? 0;
      if (count === 0) total += bytes;
      holders.set(file, count + 1);
    }
  }
  return {
    total: () => total,
    take({ weight }: Candidate): void {
      total -= weight.own;
      for (const [file, bytes] of weight.linked) {
        const count = (holders.get(file) as number) - 1;
        holders.set(file, count);
        if (count === 0) total -= bytes;
      }
    },
  };
}

/** Bytes on the disk of entries together. */
export const totalOf = (entries: readonly Candidate[]): number => ledgerOf(entries, 0).total();
