import { mkdirSync, rmdirSync } from "node:fs";
import { dirname } from "node:path";
import { doing } from "../format/io/fs.ts";

/** Makes a folder with those above it. Those that were not there go again at the end, unless something is in them. */
export function openMadeFolder(path: string): Disposable {
  const first = doing("create", path, () => mkdirSync(path, { recursive: true }));
  return {
    [Symbol.dispose]() {
      if (first === undefined) return;
      for (let folder = path; folder.length >= first.length; folder = dirname(folder))
        try {
          rmdirSync(folder);
        } catch {
          return; // it is in use, or somebody else was faster
        }
    },
  };
}
