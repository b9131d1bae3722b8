import type { RuntimeEnv } from "../../format/wire/metadata-types.ts";
import { type Members, memberPath, type Problems } from "../../format/wire/problems.ts";
import { parseSetupCommand } from "../../format/wire/setup-commands.ts";
import type { Draft, DraftDirectory, DraftSetup, DraftSlot } from "./draft.ts";

/** The parts of a manifest that both forms write alike. */
export function readCommonSections(root: Members, problems: Problems) {
  const aboutPackage = problems.optionalObject(root, "package", "");
  const description = problems.optionalString(aboutPackage, "description", "package");
  const pack = problems.optionalObject(root, "pack", "");
  const platforms = isGiven(pack, "platforms") ? problems.strings(pack, "platforms", "pack") : undefined;
  const launcher = problems.optionalString(pack, "launcher", "pack");
  const cacheValidation = readCacheValidation(root, problems);
  return {
    package: {
      name: problems.string(aboutPackage, "name", "package"),
      version: problems.string(aboutPackage, "version", "package"),
      ...(description === undefined ? {} : { description }),
    },
    runtimeEnv: readRuntimeEnv(root, problems),
    workenv: readWorkenv(root, problems),
    setupCommands: readSetupCommands(root, problems),
    ...(cacheValidation === undefined ? {} : { cacheValidation }),
    ...(platforms === undefined ? {} : { platforms }),
    ...(launcher === undefined ? {} : { launcher }),
  } satisfies Partial<Draft>;
}

/** The members of a slot that have no rule of their own in either form. */
export function readSlotOptions(slot: Members, path: string, problems: Problems) {
  const operations = problems.optionalString(slot, "operations", path);
  const permissions = readMode(slot, "permissions", path, problems);
  const resolution = problems.optionalString(slot, "resolution", path);
  const platform = problems.optionalString(slot, "platform", path);
  return {
    at: path,
    source: problems.string(slot, "source", path),
    include: problems.strings(slot, "include", path),
    exclude: problems.strings(slot, "exclude", path),
    lifecycle: problems.optionalString(slot, "lifecycle", path) ?? "runtime",
    mtimes: problems.optionalBoolean(slot, "keep_times", path) ?? false,
    ...(operations === undefined ? {} : { operations }),
    ...(permissions === undefined ? {} : { permissions }),
    ...(resolution === undefined ? {} : { resolution }),
    ...(platform === undefined ? {} : { platform }),
  } satisfies Partial<DraftSlot>;
}

/**
 * A mode that the author meant. A number is the bits themselves, so 755 would be 01363, which nobody wants: numbers
 * of three octal digits above 0777 are taken for the slip that they are.
 */
function readMode(of: Members, key: string, path: string, problems: Problems): number | undefined {
  const mode = problems.octalMode(of, key, path);
  if (typeof of[key] !== "number" || mode === undefined || mode <= 0o777 || !/^[0-7]{3}$/.test(String(mode)))
    return mode;
  problems.add(
    memberPath(path, key),
    `the number ${mode} is 0${mode.toString(8)} in octal, write "0${mode}"`,
  );
  return undefined;
}

function readSetupCommands(root: Members, problems: Problems): readonly DraftSetup[] {
  const read = (value: unknown, at: string): readonly DraftSetup[] => {
    if (typeof value === "string")
      return [{ at, commandAt: at, command: { type: "execute", command: value } }];
    const setup = problems.object(value, at);
    if (problems.hasAt(at)) return [];
    readMode(setup, "mode", at, problems);
    return [{ at, commandAt: memberPath(at, "command"), command: parseSetupCommand(setup, at, problems) }];
  };
  return problems.optionalArray(root, "setup_commands", "", read).flat();
}

function readRuntimeEnv(root: Members, problems: Problems): RuntimeEnv {
  const env = problems.optionalObject(problems.optionalObject(root, "runtime", ""), "env", "runtime");
  return {
    unset: problems.strings(env, "unset", "runtime.env"),
    pass: problems.strings(env, "pass", "runtime.env"),
    map: problems.stringMap(env, "map", "runtime.env"),
    set: problems.stringMap(env, "set", "runtime.env"),
  };
}

function readWorkenv(root: Members, problems: Problems): Draft["workenv"] {
  const workenv = problems.optionalObject(root, "workenv", "");
  return {
    directories: problems.optionalArray(workenv, "directories", "workenv", (value, at): DraftDirectory => {
      if (typeof value === "string") return { path: value, at };
      const directory = problems.object(value, at);
      if (problems.hasAt(at)) return { path: "", at };
      const mode = readMode(directory, "mode", at, problems);
      const path = problems.string(directory, "path", at);
      return { path, at: memberPath(at, "path"), ...(mode === undefined ? {} : { mode }) };
    }),
    env: problems.stringMap(workenv, "env", "workenv"),
  };
}

function readCacheValidation(root: Members, problems: Problems): Draft["cacheValidation"] {
  if (!isGiven(root, "cache_validation")) return undefined;
  const validation = problems.optionalObject(root, "cache_validation", "");
  if (problems.hasAt("cache_validation")) return undefined;
  return {
    checkFile: problems.string(validation, "check_file", "cache_validation"),
    expectedContent: problems.string(validation, "expected_content", "cache_validation"),
  };
}

const isGiven = (of: Members, key: string): boolean => Object.hasOwn(of, key) && of[key] !== null;
