import { PspfError } from "../../format/errors.ts";

/** Whether a path, relative and with forward slashes, is meant by one of the patterns. */
export type Matcher = (path: string) => boolean;

/**
 * Compiles glob patterns ("**" for any folders), relative to the root of a tree. Throws `build-failed` for a pattern
 * that could never match.
 */
export function matcherOf(patterns: readonly string[]): Matcher {
  const globs = patterns.map((pattern) => new Bun.Glob(checkPattern(pattern)));
  // Asked about each of thousands of files.
  return globs.length === 0 ? () => false : (path) => globs.some((glob) => glob.match(path));
}

/** The pattern without "./" in front and "/" behind, as the paths of a tree are. */
function checkPattern(pattern: string): string {
  const clean = pattern.replace(/^(\.\/)+/, "").replace(/\/+$/, "");
  const fault = faultOfPattern(clean);
  if (fault === undefined) return clean;
  throw new PspfError("build-failed", `Cannot use the pattern ${JSON.stringify(pattern)}: ${fault}`, {
    hint: 'patterns are relative to the folder that is packed, such as "lib/**" or "**/*.pyc"',
  });
}

function faultOfPattern(pattern: string): string | undefined {
  if (pattern === "") return "it is empty";
  if (pattern.startsWith("/")) return "it is absolute";
  if (pattern.startsWith("!")) return "negation is not supported, use include or exclude";
  if (pattern.split("/").includes("..")) return "it leads outside";
  return undefined;
}
