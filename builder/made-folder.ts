import { mkdirSync, rmdirSync } from "node:fs";
import { dirname } from "node:path";
import { doing } from "../format/io/fs.ts";
import { onEnding } from "../format/io/ignored-signals.ts";

/**
 * Makes a folder with those above it. Those that were not there go again at the end, or when a signal ends the process,
 * unless something is in them.
 */
export function openMadeFolder(path: string): Disposable {
  const first = doing("create", path, () => mkdirSync(path, { recursive: true }));
  if (first === undefined) return { [Symbol.dispose]() {} };
  const remove = (): void => {
    for (let folder = path; folder.length >= first.length; folder = dirname(folder))
      try {
        rmdirSync(folder);
      } catch {
        return; // it is in use, or somebody else was faster
      }
  };
  const stopListening = onEnding(remove);
  return {
    [Symbol.dispose]() {
      stopListening();
      remove();
    },
  };
}
