import { relative, resolve, sep } from "node:path";
import { fillTemplate, type Scope } from "../../command/template.ts";
import { splitWords } from "../../command/words.ts";
import { type FileFacts, isDirectoryMode } from "./file-facts.ts";
import { shortLived } from "../../short-lived.ts";
import type { Sample } from "../marker.ts";
import type { IndexedFile } from "./stat-index.ts";

/** Few enough for a dozen system calls, the program and its script among them. */
const MAX_ENTRY_POINTS = 3;
const MAX_OTHERS = 32;

/** Files that stand for all: those that a command names, and others at equal distances. */
export function sampleOf(files: readonly IndexedFile[], command: string, scope: Scope): Sample {
  const named = new Set(splitWords(command).map((word) => pathIn(scope.workenv, fillTemplate(word, scope))));
  const entryPoints: IndexedFile[] = [];
  const rest: IndexedFile[] = [];
  // One loop, because this runs once over tens of thousands of files at the end of a first start.
  for (const file of files) {
    if (isDirectoryMode(file[3])) continue;
    if (entryPoints.length < MAX_ENTRY_POINTS && named.has(file[0])) entryPoints.push(file);
    else rest.push(file);
  }
  const step = Math.max(1, rest.length / MAX_OTHERS);
  const count = Math.min(rest.length, MAX_OTHERS);
  const others = Array.from({ length: count }, (_, i) => rest[Math.floor(i * step)] as IndexedFile);
  return { entryPoints: entryPoints.map(factsIn), others: others.map(factsIn) };
}

const factsIn = ([path, size, mtime, mode]: IndexedFile): FileFacts => [path, size, mtime, mode];

/** A relative program is looked for in the workenv, too. */
const pathIn = (workenv: string, path: string): string =>
  relative(workenv, resolve(workenv, path)).replaceAll(sep, "/");

shortLived(sampleOf);
