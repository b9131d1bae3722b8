import { basename, delimiter, isAbsolute, join, sep } from "node:path";
import { PspfError } from "../errors.ts";
import { isExecutable, isFile, statusOf } from "../io/quick-files.ts";

export interface Places {
  readonly workenv: string;
  /** The child's PATH: `{workenv}/bin` is its first entry. */
  readonly path: string;
  readonly windows: boolean;
}

/**
 * The file to start for the first word of a command. A program inside the workenv is the one that runs, whatever
 * the host has under that name; what is not there is looked up by its base name on PATH, because FlavorPack's Python
 * builder writes `{workenv}/sh` for `sh`. Nothing is ever taken from the current directory.
 */
export function resolveProgram(word: string, places: Places): string {
  if (word === "") throw new PspfError("command-invalid", "Cannot start the package: its command is empty");
  const direct = isAbsolute(word) ? word : isPath(word) ? join(places.workenv, word) : undefined;
  const found =
    (direct === undefined ? undefined : firstFile(direct, places)) ?? searchPath(basename(word), places);
  if (found !== undefined) return found;
  throw new PspfError("program-not-found", `Cannot start ${word}: it is neither in the package nor on PATH`, {
    hint: `the workenv is ${places.workenv}`,
  });
}

const isPath = (word: string): boolean => word.includes("/") || word.includes("\\");

function searchPath(name: string, places: Places): string | undefined {
  for (const directory of places.path.split(delimiter)) {
    // An empty or relative entry would mean the current directory.
    const found = isAbsolute(directory) ? firstFile(join(directory, name), places) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

const WINDOWS_NAMES: Readonly<Record<string, string>> = { python3: "python.exe", sh: "bash.exe" };

function firstFile(path: string, places: Places): string | undefined {
  if (isProgram(path, places)) return path;
  if (!places.windows) return undefined;
  const name = basename(path);
  const also = [`${path}.exe`, `${path}.cmd`, join(path, "..", WINDOWS_NAMES[name] ?? name)];
  return also.find((candidate) => isProgram(candidate, places));
}

function isProgram(path: string, { workenv, windows }: Places): boolean {
  try {
    if (!isFile(statusOf(path))) return false;
    // Inside the workenv a missing x bit is the author's mistake: exec says so, instead of another program running.
    return windows || path.startsWith(workenv + sep) || isExecutable(path);
  } catch {
    return false;
  }
}
