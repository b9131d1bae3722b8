import { PspfError } from "../errors.ts";

/** What placeholders stand for. */
export interface Scope {
  /** Absolute path of the workenv, with the host's separators. */
  readonly workenv: string;
  readonly packageName: string;
  readonly version: string;
  /** Absolute paths of the slots' targets, by slot index. */
  readonly slots: readonly string[];
  readonly primarySlot: number;
  /** "linux", "darwin", "windows". */
  readonly os: string;
  /** "amd64", "arm64". */
  readonly arch: string;
  /** A program that is Bun: the launcher itself under another name. */
  readonly bun: string;
  /** The file that a setup command is run for, when it is run for files. */
  readonly file?: string;
}

/**
 * Fills the placeholders of one word. Other text in braces stays as it is. Throws `command-invalid` for a slot that
 * does not exist. Without a regular expression: to make one costs a start more than this does.
 */
export function fillTemplate(template: string, scope: Scope): string {
  let filled = "";
  let done = 0;
  for (let end = template.indexOf("}"); end !== -1; end = template.indexOf("}", done)) {
    const text = template.slice(done, end);
    // A name has no brace in it, so it begins behind the last one.
    const start = text.lastIndexOf("{");
    const value = start === -1 ? undefined : meaningOf(text.slice(start + 1), scope);
    filled += value === undefined ? `${text}}` : text.slice(0, start) + value;
    done = end + 1;
  }
  return done === 0 ? template : filled + template.slice(done);
}

/** What a placeholder stands for; undefined for other names. */
function meaningOf(name: string, scope: Scope): string | undefined {
  switch (name) {
    case "workenv":
      return scope.workenv;
    case "primary":
      return slotPath(scope, scope.primarySlot, name);
    case "package_name":
      return scope.packageName;
    case "version":
      return scope.version;
    case "os":
      return scope.os;
    case "arch":
      return scope.arch;
    case "platform":
      return `${scope.os}_${scope.arch}`;
    case "bun":
      return scope.bun;
    case "file":
      return scope.file;
    default:
      return isSlot(name) ? slotPath(scope, Number(name.slice(SLOT.length)), name) : undefined;
  }
}

const SLOT = "slot:";

function isSlot(name: string): boolean {
  if (!name.startsWith(SLOT) || name === SLOT) return false;
  for (let at = SLOT.length; at < name.length; at++)
    if (name.charAt(at) < "0" || name.charAt(at) > "9") return false;
  return true;
}

function slotPath(scope: Scope, index: number, name: string): string {
  const path = scope.slots[index];
  if (path !== undefined) return path;
  throw new PspfError(
    "command-invalid",
    `Cannot fill in {${name}}: the package has ${scope.slots.length} slots, numbered from 0`,
  );
}

export const usesBun = (template: string): boolean => template.includes("{bun}");
