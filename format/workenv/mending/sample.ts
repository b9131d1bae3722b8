import { relative, resolve, sep } from "node:path";
import { fillTemplate, type Scope } from "../../command/template.ts";
import { splitWords } from "../../command/words.ts";
import { isDirectoryMode } from "./file-facts.ts";
import { type FileList, rowOf } from "./file-list.ts";
import type { Sample } from "../marker.ts";

/** Few enough for a dozen system calls, the program and its script among them. */
const MAX_ENTRY_POINTS = 3;

/** Files that stand for all: those that a command names, and others at equal distances. */
export function sampleOf(files: FileList, command: string, scope: Scope): Sample {
  const named = new Set(splitWords(command).map((word) => pathIn(scope.workenv, fillTemplate(word, scope))));
  const entryPoints: Sample["entryPoints"][number][] = [];
  for (const path of named) {
    const row = rowOf(files, path);
    if (row === undefined || isDirectoryMode(row[3])) continue;
    const [, size, mtime, mode] = row;
    entryPoints.push([path, size, mtime, mode]);
    if (entryPoints.length === MAX_ENTRY_POINTS) break;
  }
  const isOther = ([path]: Sample["others"][number]) => entryPoints.every(([known]) => known !== path);
  return { entryPoints, others: files.spread.filter(isOther) };
}

/** A relative program is looked for in the workenv, too. */
const pathIn = (workenv: string, path: string): string =>
  relative(workenv, resolve(workenv, path)).replaceAll(sep, "/");
