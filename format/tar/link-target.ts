import { faultOfName, hostPathRules, type PathRules } from "../io/paths.ts";

/**
 * Why a symlink at `path` (relative, with forward slashes) may not point to `target`, or undefined. Only targets that
 * climb first ("../../lib/x") and stay inside the tree are safe: a ".." after a name would climb from wherever that
 * name leads, should it be a link itself.
 */
export function faultOfLinkTarget(
  path: string,
  target: string,
  rules: PathRules = hostPathRules,
): string | undefined {
  if (target === "") return "it is empty";
  if (target.startsWith("/")) return "it is absolute";
  const steps = stepsOf(target);
  const climbs = steps.findIndex((step) => step !== "..");
  const names = climbs < 0 ? [] : steps.slice(climbs);
  if (steps.length - names.length > stepsOf(path).length - 1) return "it leads outside the tree";
  if (names.includes("..")) return "it climbs after a name, which could be a link itself";
  return faultOfName(names.join("/"), rules);
}

const stepsOf = (path: string) => path.split("/").filter((step) => step !== "" && step !== ".");
