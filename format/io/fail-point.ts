/**
 * The steps after which tests end or stop a process, to see what the others then find on the disk. A step is marked
 * by `globalThis.failPoint?.("name")`: nobody defines that function but tests, and what is shipped is built without
 * these calls (`DROPPED`). So a mark costs nothing there, and its name is nowhere in the bytes.
 */
export const FAIL_POINTS = [
  // locks
  "lock-opened",
  "lock-held",
  // a warm start
  "lease-taken",
  "marker-read",
  "before-exec",
  // making a workenv
  "making-locked",
  "staging-locked",
  "staging-opened",
  "frame-unpacked",
  "slot-unpacked",
  "unpacked",
  "retired-marker",
  "retired-content",
  "published",
  "set-up",
  "synced",
  "before-marker",
  "marker-in-place",
  "before-lease",
  // mending one
  "suspected",
  "file-put-back",
  "repaired",
  // slots that come and go with the application
  "start-locked",
  "start-files-changing",
  "start-files-cleared",
  "start-files-placed",
  "end-noted",
  "end-files-placed",
  "end-files-cleared",
  "slots-added",
  // what users have edited, when a workenv is made
  "users-files-stored",
  "users-files-carried",
  "users-files-settled",
  // any small file: beside its place, in its place
  "file-written",
  "file-renamed",
  // leftovers of others
  "staging-swept",
  // removing a workenv
  "evict-locked",
  "evicted-bookkeeping",
  "evicted-lock",
  "buried",
  "trash-swept",
] as const;

export type FailPoint = (typeof FAIL_POINTS)[number];

/** What a test may take away from us: `globalThis.isWithout?.("flock") === true`. */
export type Lacking = "libc" | "flock" | "sqlite";

/** Calls that are left out of what is shipped. */
export const DROPPED = ["globalThis.failPoint", "globalThis.isWithout"] as const;

declare global {
  var failPoint: ((name: FailPoint) => void) | undefined;
  var isWithout: ((what: Lacking) => boolean) | undefined;
}
