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

const PLACEHOLDER = /\{(?:slot:(\d+)|(workenv|primary|package_name|version|os|arch|platform|bun|file))\}/g;

/** Fills the placeholders of one word. Other text in braces stays as it is. Throws `command-invalid` for a slot that
 * does not exist. */
export function fillTemplate(template: string, scope: Scope): string {
  return template.replace(PLACEHOLDER, (placeholder, slot: string | undefined, name: string | undefined) => {
    if (slot !== undefined) return slotPath(scope, Number(slot), placeholder);
    switch (name) {
      case "workenv":
        return scope.workenv;
      case "primary":
        return slotPath(scope, scope.primarySlot, placeholder);
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
      default:
        return scope.file ?? placeholder;
    }
  });
}

function slotPath(scope: Scope, index: number, placeholder: string): string {
  const path = scope.slots[index];
  if (path !== undefined) return path;
  throw new PspfError(
    "command-invalid",
    `Cannot fill in ${placeholder}: the package has ${scope.slots.length} slots, numbered from 0`,
  );
}

export const usesBun = (template: string): boolean => template.includes("{bun}");
