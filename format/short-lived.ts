/** What marks a function for JavaScriptCore; other engines have nothing like it. */
interface Jsc {
  noFTL(work: unknown): void;
}

const jsc = globalThis.process?.getBuiltinModule?.("bun:jsc") as Jsc | undefined;

/**
 * Marks functions, or those of an object, that run some ten thousand times in a process which then becomes another: the
 * last stage of JavaScriptCore's optimisers would not pay. Unpacking 13 000 files, it took 100 of 450 ms of processor
 * time, on processors that had better things to do. Returns what it was given.
 */
export function shortLived<T extends object>(work: T): T {
  if (typeof work === "function") jsc?.noFTL(work);
  else for (const part of Object.values(work)) if (typeof part === "function") jsc?.noFTL(part);
  return work;
}
