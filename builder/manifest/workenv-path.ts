import { posix } from "node:path";
import { faultOfName, hostPathRules, type PathRules } from "../../format/io/paths.ts";
import type { Problems } from "../../format/wire/problems.ts";

/**
 * A path that means a place in the workenv, as the path relative to it: "{workenv}/bin/x", "./bin/x" and "bin//x/"
 * are "bin/x"; "{workenv}" and "." are "". What leads out of the workenv is a problem.
 */
export function pathInWorkenv(
  text: string,
  at: string,
  problems: Problems,
  rules: PathRules = hostPathRules,
): string {
  const relative = text.replace(/^\{workenv\}(\/+|$)/, "");
  const fault = faultOf(text, relative, rules);
  if (fault !== undefined && !problems.hasAt(at))
    problems.expected(at, `a path inside the workenv (${fault})`, text);
  const path = posix.normalize(relative).replace(/\/$/, "");
  return path === "." ? "" : path;
}

function faultOf(text: string, relative: string, rules: PathRules): string | undefined {
  // An empty text is more often a forgotten one than the workenv itself, which has two other names.
  if (text === "") return 'the workenv itself is "{workenv}"';
  if (relative.includes("{workenv}")) return "{workenv} may only stand in front";
  return faultOfName(relative, rules);
}
