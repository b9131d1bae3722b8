import { resolve } from "node:path";
import { isTarget, TARGET_NAMES, type Target } from "../../format/platform.ts";
import { memberPath, type Problems } from "../../format/wire/problems.ts";
import { hostTarget } from "../launchers/host.ts";
import { checkSetup } from "./check-setup.ts";
import { checkSlots } from "./check-slots.ts";
import { type Draft, judge } from "./draft.ts";
import type { Manifest } from "./manifest.ts";
import { EXISTING, kindOfPath } from "./source-path.ts";
import { pathInWorkenv } from "./workenv-path.ts";
import { faultOfCommand, faultOfLabel, faultOfPattern, faultOfValue, faultOfVariable } from "./words.ts";

export interface CheckContext {
  /** Absolute path of the manifest. */
  readonly path: string;
  readonly directory: string;
  /** What will be built; the manifest's own list, else this machine's platform, when not given. */
  readonly platforms?: readonly Target[];
}

/** The one judge of both forms: a draft becomes a manifest, or `manifest-invalid` names all of its problems. */
export function checkDraft(draft: Draft, context: CheckContext, problems: Problems): Manifest {
  judge(problems, "package.name", faultOfLabel(draft.package.name, "a name"));
  judge(problems, "package.version", faultOfLabel(draft.package.version, "a version"));
  const platforms = checkPlatforms(draft, problems);
  const built = context.platforms ?? platforms ?? thisMachine();
  const slots = checkSlots(draft.slots, { directory: context.directory, platforms: built }, problems);
  judge(problems, "execution.command", faultOfCommand(draft.command, slots.length));
  for (const { path, values } of draft.env) checkVariables(values, path, problems);
  checkVariables(draft.workenv.env, "workenv.env", problems);
  checkRuntimeEnv(draft, problems);
  for (const setup of draft.setupCommands) checkSetup(setup, slots.length, problems);
  const primarySlot = checkPrimary(draft, problems);
  const cacheValidation = checkCacheValidation(draft, problems);
  const manifest: Manifest = {
    path: context.path,
    directory: context.directory,
    package: draft.package,
    slots,
    execution: { primarySlot, command: draft.command, env: mergeEnv(draft.env) },
    runtimeEnv: draft.runtimeEnv,
    workenv: {
      directories: draft.workenv.directories.map(({ path, at, mode }) => ({
        path: pathInWorkenv(path, at, problems),
        ...(mode === undefined ? {} : { mode }),
      })),
      env: draft.workenv.env,
    },
    setupCommands: draft.setupCommands.map(({ command }) => command),
    ...(cacheValidation === undefined ? {} : { cacheValidation }),
    ...(platforms === undefined ? {} : { platforms }),
    ...checkLauncher(draft, context, problems),
  };
  const isMissing = problems.found.some((line) => line.includes(EXISTING));
  const hint = isMissing ? "paths are relative to the manifest's folder" : undefined;
  problems.throwIfAny("manifest-invalid", `Cannot use the manifest ${context.path}`, hint);
  return manifest;
}

/** What is built when nothing is said; undefined where there is no launcher for it. */
function thisMachine(): readonly Target[] | undefined {
  try {
    return [hostTarget()];
  } catch {
    return undefined;
  }
}

/** Without `Object.assign`, for which a variable named `__proto__` would be no variable. */
const mergeEnv = (tables: Draft["env"]): Readonly<Record<string, string>> =>
  Object.fromEntries(tables.flatMap(({ values }) => Object.entries(values)));

function checkPlatforms(draft: Draft, problems: Problems): readonly Target[] | undefined {
  draft.platforms?.forEach((name, index) => {
    const at = `pack.platforms[${index}]`;
    if (!isTarget(name) && !problems.hasAt(at))
      problems.expected(at, `one of ${TARGET_NAMES.join(", ")}`, name);
  });
  if (draft.platforms?.length === 0) judge(problems, "pack.platforms", "expected at least one platform");
  return draft.platforms?.filter(isTarget);
}

/** The index of the primary slot; a package without slots has primary slot 0. */
function checkPrimary({ primary, slots }: Draft, problems: Problems): number {
  if (primary === undefined) return 0;
  const { path, slot } = primary;
  const index = typeof slot === "number" ? slot : slots.findIndex(({ id }) => id === slot);
  if (slot === 0 || (Number.isInteger(index) && index >= 0 && index < slots.length)) return index;
  const ids = slots.flatMap(({ id }) => (id === undefined ? [] : [id]));
  const wanted =
    slots.length === 0 ? "none, there are no slots" : `one of ${ids.join(", ")} or 0 to ${slots.length - 1}`;
  if (!problems.hasAt(path)) problems.expected(path, wanted, slot);
  return 0;
}

function checkVariables(values: Readonly<Record<string, string>>, path: string, problems: Problems): void {
  for (const [name, value] of Object.entries(values)) {
    const at = memberPath(path, name);
    judge(problems, at, faultOfVariable(name) ?? faultOfValue(value));
  }
}

function checkRuntimeEnv({ runtimeEnv }: Draft, problems: Problems): void {
  for (const key of ["unset", "pass"] as const)
    runtimeEnv[key].forEach((pattern, index) => {
      judge(problems, `runtime.env.${key}[${index}]`, faultOfPattern(pattern));
    });
  for (const [from, to] of Object.entries(runtimeEnv.map))
    judge(problems, memberPath("runtime.env.map", from), faultOfVariable(from) ?? faultOfVariable(to));
  checkVariables(runtimeEnv.set, "runtime.env.set", problems);
}

function checkCacheValidation({ cacheValidation }: Draft, problems: Problems): Manifest["cacheValidation"] {
  if (cacheValidation === undefined) return undefined;
  pathInWorkenv(cacheValidation.checkFile, "cache_validation.check_file", problems);
  return cacheValidation;
}

const BUILT_IN_LAUNCHERS: readonly string[] = ["bun", "shebang"];

function checkLauncher(
  { launcher }: Draft,
  { directory }: CheckContext,
  problems: Problems,
): Pick<Manifest, "launcher"> {
  if (launcher === undefined) return {};
  if (BUILT_IN_LAUNCHERS.includes(launcher)) return { launcher };
  const path = resolve(directory, launcher);
  if (!problems.hasAt("pack.launcher") && kindOfPath(path) !== "file")
    problems.expected("pack.launcher", `bun, shebang or ${EXISTING} file`, launcher);
  return { launcher: path };
}
