import type { ContentId, Known } from "./originals.ts";

/** One path in three states. */
export interface Versions {
  /** As the earlier package gave it. */
  readonly original?: Known | undefined;
  /** As the user left it; absent when removed. */
  readonly current?: Known | undefined;
  /** As the new package gives it. */
  readonly fresh?: ContentId | undefined;
  /** Whether the package's file lay beside the user's already, and still does. */
  readonly wasBeside: boolean;
}

/** What becomes of the path in the new workenv. */
export interface Outcome {
  /** Whose file lies there, if any. */
  readonly holds: "user's" | "package's" | "nothing";
  /** Whether the package's file lies beside it as NAME.new. */
  readonly beside: boolean;
  /** Whether the user has made the content that is there or is to be there. */
  readonly isUsers: boolean;
  /** Permission bits that the user gave to the package's file. */
  readonly mode?: number;
}

/** Merges what the user did with what the package did. Pure; no content that the user made is ever left out. */
export function outcomeOf({ original, current, fresh, wasBeside }: Versions): Outcome {
  const isUnchanged = fresh !== undefined && fresh === original?.id;
  if (current === undefined) {
    // Removed: it stays away as long as there is nothing new about it.
    if (original === undefined || fresh === undefined) return packages(fresh);
    return { holds: "nothing", beside: !isUnchanged || wasBeside, isUsers: false };
  }
  if (current.id === original?.id) {
    const hasMode = fresh !== undefined && current.mode !== original.mode;
    return { ...packages(fresh), ...(hasMode ? { mode: current.mode } : {}) };
  }
  if (fresh === current.id) return { holds: "package's", beside: false, isUsers: true, mode: current.mode };
  const isNew = fresh !== undefined && (!isUnchanged || wasBeside);
  return { holds: "user's", beside: isNew, isUsers: true };
}

const packages = (fresh: ContentId | undefined): Outcome => ({
  holds: fresh === undefined ? "nothing" : "package's",
  beside: false,
  isUsers: false,
});

/** Bytes of the longest name that file systems take. */
const MAX_NAME = 255;

/** A name beside `path` that `isTaken` does not know: NAME.new, NAME.new.2 and so on; long names lose their end. */
export function nameBeside(path: string, ending: string, isTaken: (path: string) => boolean): string {
  for (let number = 1; ; number++) {
    const name = withEnding(path, `.${ending}${number === 1 ? "" : `.${number}`}`);
    if (!isTaken(name)) return name;
  }
}

function withEnding(path: string, ending: string): string {
  const base = path.lastIndexOf("/") + 1;
  const letters = [...path.slice(base)];
  while (letters.length > 1 && Buffer.byteLength(letters.join("") + ending) > MAX_NAME) letters.pop();
  return path.slice(0, base) + letters.join("") + ending;
}
