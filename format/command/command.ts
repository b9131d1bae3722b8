import { join } from "node:path";
import type { LaunchFacts } from "../wire/metadata-types.ts";
import type { Environment } from "./environment.ts";
import { resolveProgram } from "./program.ts";
import { fillTemplate, type Scope } from "./template.ts";
import { splitWords } from "./words.ts";

/** What is to be started: a file, its arguments without argv[0], its environment. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Environment;
}

/** A command template as a command: split into words first, then each word filled in. */
export function buildCommand(
  template: string,
  more: readonly string[],
  scope: Scope,
  env: Environment,
): Command {
  const words: string[] = [];
  for (const word of splitWords(template)) words.push(fillTemplate(word, scope));
  const [first = "", ...rest] = words;
  const windows = scope.os === "windows";
  const path = env["PATH"] ?? env["Path"] ?? "";
  return {
    program: resolveProgram(first, { workenv: scope.workenv, path, windows }),
    args: [...rest, ...more],
    env,
  };
}

/** What the placeholders of a package mean in a workenv on this host. */
export function scopeOf(
  metadata: Pick<LaunchFacts, "package" | "slots" | "execution">,
  workenv: string,
  host: { readonly os: string; readonly arch: string },
  bun: string,
): Scope {
  return {
    workenv,
    packageName: metadata.package.name,
    version: metadata.package.version,
    // Only for who asks: a start whose command names no slot takes as long with a thousand of them as with one.
    get slots() {
      return metadata.slots.map((slot) => join(workenv, slot.target));
    },
    primarySlot: metadata.execution.primarySlot,
    os: host.os,
    arch: host.arch,
    bun,
  };
}
