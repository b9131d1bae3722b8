import type { Metadata } from "./metadata-types.ts";
import { memberPath, type Problems } from "./problems.ts";
import type { Json } from "./strict-json.ts";

/** Names and versions, which placeholders put into commands as often as these ask for. */
const MAX_NAME = 1024;
/** PATH_MAX of Linux; placeholders stand for targets, too. */
const MAX_TARGET = 4096;

/**
 * Notes every text with a NUL: systems would read commands, paths and variables up to there only. What a setup command
 * writes into a file may have some.
 */
export function checkNuls(value: Json, problems: Problems, path = ""): void {
  if (typeof value === "string") {
    if (value.includes("\0") && !problems.hasAt(path)) problems.add(path, "it contains a NUL");
  } else if (Array.isArray(value)) {
    for (const [i, item] of (value as readonly Json[]).entries()) checkNuls(item, problems, `${path}[${i}]`);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, member] of Object.entries(value as { [key: string]: Json })) {
      const at = memberPath(path, key);
      if (key.includes("\0")) problems.add(at, "a key that contains a NUL");
      if (key !== "content" || !path.startsWith("setup_commands[")) checkNuls(member, problems, at);
    }
  }
}

/** Notes names of variables that no system can have, and texts that placeholders would make too much of. */
export function checkNames(metadata: Metadata, problems: Problems): void {
  const { execution, runtimeEnv, workenv, slots } = metadata;
  const tables = {
    "execution.env": execution.env,
    "runtime.env.map": runtimeEnv.map,
    "runtime.env.set": runtimeEnv.set,
    "workenv.env": workenv.env,
  };
  for (const [path, table] of Object.entries(tables))
    for (const [name, value] of Object.entries(table)) {
      checkVariable(name, memberPath(path, name), problems);
      if (table === runtimeEnv.map) checkVariable(value, memberPath(path, name), problems);
    }
  for (const key of ["name", "version"] as const)
    checkLength(metadata.package[key], MAX_NAME, memberPath("package", key), problems);
  for (const { rawTarget, index } of slots)
    checkLength(rawTarget, MAX_TARGET, `slots[${index}].target`, problems);
}

function checkVariable(name: string, path: string, problems: Problems): void {
  if ((name === "" || name.includes("=")) && !problems.hasAt(path))
    problems.add(path, `${JSON.stringify(name)} cannot be the name of a variable`);
}

function checkLength(text: string, most: number, path: string, problems: Problems): void {
  if (text.length > most)
    problems.add(path, `it has ${text.length} characters, at most ${most} are accepted`);
}
