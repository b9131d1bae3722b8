import { statSync } from "node:fs";
import { errnoOf } from "../io/fs.ts";
import { cacheCandidates, type LocationFacts, type Rung } from "./location.ts";
import { statOf } from "./cleaning/measure.ts";
import { isPrivate } from "./ownership.ts";

/**
 * The folders in which launchers of this user look for workenvs, whether they are there or not: each one once, also if
 * several names lead to it. The temporary one only if nobody else can have put something in it, or it does not exist; and
 * none in a home that is a file or somebody else's, as daemons may have, unless it is the only one.
 */
export function cachePlaces(facts: LocationFacts): readonly Rung[] {
  const seen = new Set<string>();
  return cacheCandidates(facts).filter((rung) => {
    const identity = identityOf(rung.path);
    if (seen.has(identity)) return false;
    seen.add(identity);
    return isTrusted(rung, facts.uid) && isReachable(rung);
  });
}

const isTrusted = ({ path, why }: Rung, uid: number | undefined): boolean =>
  why !== "temp" || uid === undefined || statOf(path) === undefined || isPrivate(path, uid);

function isReachable({ path, why }: Rung): boolean {
  if (why === "FLAVOR_CACHE") return true;
  try {
    statSync(path);
    return true;
  } catch (error) {
    return errnoOf(error) === "ENOENT";
  }
}

function identityOf(path: string): string {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return path;
  }
}
