import { libraryNames } from "./libc.ts";

/**
 * What is made of functions of the C library of Linux, by its name, when it is first asked for. Undefined where that
 * cannot be called: whoever asks has another way.
 */
export function byLibc<T>(make: (library: string) => T): () => T | undefined {
  let made: T | undefined | "not asked yet" = "not asked yet";
  return () => {
    if (globalThis.isWithout?.("libc") === true) return undefined;
    if (made === "not asked yet") made = process.platform === "linux" ? firstOf(make) : undefined;
    return made;
  };
}

function firstOf<T>(make: (library: string) => T): T | undefined {
  for (const name of libraryNames())
    try {
      return make(name);
    } catch {
      // The next name.
    }
  return undefined;
}
