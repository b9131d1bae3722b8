import { PspfError } from "../../format/errors.ts";
import { fillTemplate } from "../../format/command/template.ts";
import { splitWords } from "../../format/command/words.ts";
import { LIFECYCLE_WORDS } from "../../format/workenv/lifecycles/lifecycle.ts";

/** Rules for single words of a manifest: what is wrong with one, or undefined. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what names must not have
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Names and versions of packages become parts of file names. */
export function faultOfLabel(text: string, wanted: string): string | undefined {
  if (text.trim() === "") return `expected ${wanted}, got ${JSON.stringify(text)}`;
  if (!CONTROL.test(text) && !text.includes("/")) return undefined;
  return `expected ${wanted} without "/" and control characters, got ${JSON.stringify(text)}`;
}

/** Specification: slot purposes, and what FlavorPack's builders and documents use besides. */
export const PURPOSES =
  "payload runtime tool data code config media library executable asset binary installer".split(" ");
export const LIFECYCLES: readonly string[] = LIFECYCLE_WORDS;
export const RESOLUTIONS = ["build", "runtime", "lazy"];

export const faultOfWord = (word: string, known: readonly string[]): string | undefined =>
  known.includes(word) ? undefined : `expected one of ${known.join(", ")}, got ${JSON.stringify(word)}`;

/** Names of variables, and globs on them. */
export const faultOfPattern = (pattern: string): string | undefined =>
  faultOfVariable(pattern) === undefined
    ? undefined
    : `expected the name of a variable or a glob, got ${JSON.stringify(pattern)}`;

/** Ids of slots may contain "/". */
export function faultOfId(id: string): string | undefined {
  if (id.trim() !== "" && !CONTROL.test(id)) return undefined;
  return `expected a name without control characters, got ${JSON.stringify(id)}`;
}

/** A command that splits into words, and whose slots exist. */
export function faultOfCommand(command: string, slotCount: number): string | undefined {
  if (command.includes("\0")) return "expected a command without NUL";
  const slots = Array.from({ length: slotCount }, () => "");
  const scope = {
    workenv: "",
    packageName: "",
    version: "",
    os: "",
    arch: "",
    bun: "",
    primarySlot: 0,
    slots,
  };
  try {
    const [program = ""] = splitWords(command);
    if (program === "") return `expected a command, got ${JSON.stringify(command)}`;
    fillTemplate(command, scope);
    return undefined;
  } catch (error) {
    if (error instanceof PspfError) return error.message;
    throw error;
  }
}

/** The name of an environment variable. */
export const faultOfVariable = (name: string): string | undefined =>
  /^[^=\0]+$/s.test(name)
    ? undefined
    : `expected the name of a variable, without "=" and NUL, got ${JSON.stringify(name)}`;

export const faultOfValue = (value: string): string | undefined =>
  value.includes("\0") ? "expected a value without NUL" : undefined;
