import { utimesSync } from "node:fs";
import type { PspfError } from "../../errors.ts";
import { ioError } from "../../io/fs.ts";
import { DAY } from "./budget.ts";
import {
  type Candidate,
  type GoReason,
  type Limits,
  planCleaning,
  type StayReason,
  totalOf,
} from "./clean-plan.ts";
import { type CachedWorkenv, describeEntry, entriesOf, lastUsedOf } from "../entries.ts";
import { busyWith, evict } from "./evict.ts";
import { guardOf } from "./guard.ts";
import { storeOf, type WorkenvLayout } from "../layout.ts";
import { measure, weigh } from "./measure.ts";
import { sweepLeftovers } from "./sweep.ts";

/** What to clean, and whether to do it. */
export interface CleanRequest {
  /** Folders of workenvs. They have one budget together. */
  readonly caches: readonly string[];
  readonly limits: Limits | "everything";
  /** "say" changes nothing. */
  readonly mode: "do" | "say";
}

/** A path that something could not be done with. */
export interface Failure {
  readonly path: string;
  readonly error: PspfError;
}

/** An entry that is gone, or would be. */
export interface Removed extends CachedWorkenv {
  readonly why: GoReason;
}

/** An entry that stayed, or would stay. */
export interface Kept extends CachedWorkenv {
  readonly why: StayReason;
}

/** What a cleaning did, or would do. */
export interface CleanReport {
  readonly removed: readonly Removed[];
  readonly kept: readonly Kept[];
  /** Those of the kept that an application runs from, or that somebody is making. */
  readonly busy: readonly Kept[];
  /** Not removed, or not wholly. */
  readonly failed: readonly Failure[];
  /** Bytes on the disk that were freed. */
  readonly freed: number;
}

interface Subject extends Candidate {
  readonly layout: WorkenvLayout;
  readonly entry: CachedWorkenv;
}

/**
 * Removes what the limits do not leave room for, and what interrupted work has left. Nothing goes that an application
 * runs from or that somebody is making, and an error with one entry does not stop the rest.
 */
export async function cleanCaches(request: CleanRequest): Promise<CleanReport> {
  const { caches: asked, limits, mode } = request;
  const failed: Failure[] = [];
  const caches = asked.filter((cache) => canList(cache, failed));
  const swept = await sumOf(caches, (cache) => sweepLeftovers(cache, request, (fault) => failed.push(fault)));
  if (mode === "do") caches.flatMap(entriesOf).forEach(beginAgain);
  let left = caches.flatMap(entriesOf).map((layout) => subjectOf(layout, failed));
  const before = totalOf(left);
  const areas = measure(...caches.flatMap((cache) => Object.values(storeOf(cache)))).size;
  const rest = mode === "say" ? areas - swept : areas;
  const removed: Removed[] = [];
  for (;;) {
    const { goes, stays } = planCleaning(left, limits, { now: Date.now(), rest });
    if (goes.length === 0) {
      const kept = stays.map(([{ entry }, why]) => ({ ...entry, why }));
      const busy = kept.filter(({ why }) => why === "running" || why === "being made");
      return { removed, kept, busy, failed, freed: before - totalOf(left) + swept };
    }
    // Who cannot go is known only now, and others may have to go in its stead.
    const stayed = new Map<Subject, StayReason>();
    for (const [subject, why] of goes) {
      const reason = await take(subject, mode, failed);
      if (reason === undefined) removed.push({ ...subject.entry, why });
      else stayed.set(subject, reason);
    }
    const gone = new Set(goes.map(([subject]) => subject).filter((subject) => !stayed.has(subject)));
    left = left
      .filter((subject) => !gone.has(subject))
      .map((subject) => ({ ...subject, guarded: stayed.get(subject) ?? subject.guarded }));
  }
}

/**
 * By a clock that was put right since, a workenv may have been used last in many years: it would never be old, and the last
 * to go. Its age is counted from now.
 */
function beginAgain(layout: WorkenvLayout): void {
  if (lastUsedOf(layout) < Date.now() + DAY) return;
  try {
    utimesSync(layout.marker, new Date(), new Date());
  } catch {
    // It has none, or it is somebody else's.
  }
}

function subjectOf(layout: WorkenvLayout, failed: Failure[]): Subject {
  const weight = weigh(layout.content, layout.bookkeeping);
  const lastUsed = lastUsedOf(layout);
  const entry = describeEntry(layout, totalOf([{ weight, lastUsed }]));
  const guarded = attempt(layout, failed, () => guardOf(layout, lastUsed));
  return { layout, weight, lastUsed, entry, guarded };
}

/** Does something about an entry; a failure is noted, and the reason why it stays. */
function attempt(
  layout: WorkenvLayout,
  failed: Failure[],
  work: () => StayReason | undefined,
): StayReason | undefined {
  try {
    return work();
  } catch (error) {
    return failure(layout, failed, error);
  }
}

function failure({ content }: WorkenvLayout, failed: Failure[], error: unknown): StayReason {
  failed.push({ path: content, error: ioError("remove", content, error) });
  return "failed";
}

/** Removes one entry, or says why it stays. */
async function take(
  { layout, lastUsed }: Subject,
  mode: CleanRequest["mode"],
  failed: Failure[],
): Promise<StayReason | undefined> {
  // Looked at again under its lock: it may have been used, or made anew, since it was listed.
  let guarded: StayReason | undefined;
  const isMeant = () => {
    guarded = lastUsedOf(layout) === lastUsed ? guardOf(layout, lastUsed) : "used again";
    return guarded === undefined;
  };
  try {
    const outcome = mode === "say" ? ((await busyWith(layout)) ?? "removed") : await evict(layout, isMeant);
    return outcome === "kept" ? guarded : STAYED[outcome];
  } catch (error) {
    return failure(layout, failed, error);
  }
}

const STAYED = {
  removed: undefined,
  "being made": "being made",
  "in use": "running",
} as const satisfies Record<Exclude<Awaited<ReturnType<typeof evict>>, "kept">, StayReason | undefined>;

function canList(cache: string, failed: Failure[]): boolean {
  try {
    entriesOf(cache);
    return true;
  } catch (error) {
    failed.push({ path: cache, error: ioError("clean", cache, error) });
    return false;
  }
}

async function sumOf<T>(items: readonly T[], amount: (item: T) => Promise<number>): Promise<number> {
  let sum = 0;
  for (const item of items) sum += await amount(item);
  return sum;
}
