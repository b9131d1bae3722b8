import { isAbsolute, join, normalize, sep } from "node:path";
import { PspfError } from "../errors.ts";
import { shortLived } from "../short-lived.ts";
import type { SafePath } from "../types.ts";

/** Windows reserves these base names, with any extension, even with blanks in front of it. */
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\..*)?$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: Windows allows none of them in a name
const NOT_ON_WINDOWS = /[<>:"|?*\u0001-\u001f]/;

/** A step of a path that is "..". */
const STEP_UP = /(?:^|\/)\.\.(?:\/|$)/;
/** A step of a path that is empty, "." or "..": without one, a relative path is in its shortest form. */
export const ODD_STEP = /(?:^|\/)\.{0,2}(?:\/|$)/;

export interface PathRules {
  /** Also refuse what Windows would read differently: drive letters, backslashes, reserved names, trailing dots. */
  readonly windows: boolean;
  /** Refuse a second name that differs in case or in the form of its accents; as `windows` when absent. */
  readonly folds?: boolean;
}

export const foldsNames = (rules: PathRules): boolean => rules.folds ?? rules.windows;

/** The rules of a system, by the name that a package or a runtime calls it. */
export function rulesFor(system: string = process.platform): PathRules {
  const windows = system === "windows" || system === "win32";
  return { windows, folds: windows || system === "darwin" || system === "macos" };
}

export const hostPathRules: PathRules = rulesFor();

/**
 * The one gate for names that come from a package: a relative path with forward slashes becomes an absolute path
 * below `root`, or `path-escapes`. Links that already lie on the disk are the writer's business (`tree-writer.ts`).
 */
export const resolveInside = (root: string, untrusted: string, rules: PathRules = hostPathRules): SafePath =>
  gateTo(root, rules)(untrusted);

/** The same gate, for many names below one root. */
export function gateTo(root: string, rules: PathRules = hostPathRules): (untrusted: string) => SafePath {
  const base = normalize(root);
  const front = base.endsWith(sep) ? base : base + sep;
  return shortLived((untrusted) => {
    const fault = faultOfName(untrusted, rules);
    if (fault !== undefined)
      throw new PspfError("path-escapes", `Cannot use the path ${JSON.stringify(untrusted)}: ${fault}`);
    if (sep === "/" && !ODD_STEP.test(untrusted)) return (front + untrusted) as SafePath;
    const target = normalize(join(root, untrusted));
    const inside = target === base || target.startsWith(front);
    if (!inside || isAbsolute(untrusted))
      throw new PspfError(
        "path-escapes",
        `Cannot use the path ${JSON.stringify(untrusted)}: it leads outside ${root}`,
      );
    return (target.length > base.length && target.endsWith(sep) ? target.slice(0, -1) : target) as SafePath;
  });
}

/** Whether something read from the disk is a path that `resolveInside` takes. */
export const isPathInside = (value: unknown): value is string =>
  typeof value === "string" && faultOfName(value) === undefined;

/** What is wrong with a name from a package, or undefined. */
export function faultOfName(name: string, rules: PathRules = hostPathRules): string | undefined {
  if (name.includes("\0")) return "it contains a NUL";
  if (!name.isWellFormed()) return "it is not Unicode";
  if (name.startsWith("/")) return "it is absolute";
  if (STEP_UP.test(name)) return "it contains '..'";
  if (!rules.windows) return undefined;
  if (name.includes("\\")) return "it contains a backslash";
  for (const part of name.split("/")) {
    if (NOT_ON_WINDOWS.test(part)) return "it contains a character that Windows does not allow";
    if (RESERVED.test(part)) return "Windows reserves that name";
    if (part !== "." && part !== "" && /[. ]$/.test(part)) return "a part of it ends with a dot or a blank";
  }
  return undefined;
}
shortLived(faultOfName);
