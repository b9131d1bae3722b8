import { statSync } from "node:fs";
import { cacheCandidates, type LocationFacts, type Rung } from "./location.ts";
import { statOf } from "./cleaning/measure.ts";
import { isPrivate } from "./ownership.ts";

/**
 * The folders in which launchers of this user look for workenvs, whether they are there or not: each one once, also if
 * several names lead to it. The temporary one only if nobody else can have put something in it, or it does not exist.
 */
export function cachePlaces(facts: LocationFacts): readonly Rung[] {
  const seen = new Set<string>();
  return cacheCandidates(facts).filter((rung) => {
    const identity = identityOf(rung.path);
    if (seen.has(identity)) return false;
    seen.add(identity);
    return isTrusted(rung, facts.uid);
  });
}

const isTrusted = ({ path, why }: Rung, uid: number | undefined): boolean =>
  why !== "temp" || uid === undefined || statOf(path) === undefined || isPrivate(path, uid);

function identityOf(path: string): string {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return path;
  }
}
