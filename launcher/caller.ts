import type { Environment } from "../format/command/environment.ts";
import { readAll, statusOf } from "../format/io/quick-files.ts";
import { decodeText } from "../format/io/text-bytes.ts";

/** The variables in the caller's order, with those that have no name, no value or the name of an earlier one. */
let variables: string[] = [];
let readFrom: Environment = Object.create(null);

/**
 * What the caller handed to this process, to the byte; `args` are what Bun makes of it, which damages bytes that are no
 * UTF-8, and count where the system does not tell. The environment is undefined there.
 */
export function readHanded(args: readonly string[]): {
  readonly args: readonly string[];
  readonly env: Environment | undefined;
} {
  if (process.platform !== "linux") return { args, env: undefined };
  const words = args.join("\0").includes(DAMAGE) ? stringsIn("/proc/self/cmdline")?.slice(1) : undefined;
  variables = stringsIn("/proc/self/environ") ?? [];
  readFrom = tableOf(variables);
  return {
    // Options of Bun's own would be among the words.
    args: words?.length === args.length ? words : args,
    env: variables.length > 0 ? readFrom : undefined,
  };
}

/** What Bun, as everybody, makes of bytes that are no text. */
const DAMAGE = "\ufffd";

/** The first of several with one name is what C programs see. */
function tableOf(lines: readonly string[]): Environment {
  const table: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const end = line.indexOf("=");
    const name = end < 0 ? line : line.slice(0, end);
    table[name] ??= end < 0 ? "" : line.slice(end + 1);
  }
  return table;
}

/**
 * An environment as the lines that a program is given: what is as the caller had it stays as it was and where it was;
 * the rest follows. "for good" is for who becomes that program: then they are written where the caller's were, because
 * every list of another length is memory of another kind.
 */
export function linesOf(env: Environment, how?: "for good"): readonly string[] {
  const lines = how === "for good" ? variables : variables.slice();
  let count = 0;
  const changed: string[] = [];
  for (const line of variables) {
    const end = line.indexOf("=");
    const name = end < 0 ? line : line.slice(0, end);
    const value = env[name];
    if (value === undefined) continue;
    if (value === readFrom[name]) lines[count++] = line;
    else if (!changed.includes(name)) {
      lines[count++] = `${name}=${value}`;
      changed.push(name);
    }
  }
  lines.length = count;
  for (const name of Object.keys(env)) if (readFrom[name] === undefined) lines.push(`${name}=${env[name]}`);
  return lines;
}

/** Strings with a zero byte behind each; undefined where the system has no such file. */
function stringsIn(path: string): string[] | undefined {
  try {
    const bytes = readAll(path);
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    return text.includes(DAMAGE) ? split(bytes).map(decodeText) : text.split("\0").slice(0, -1);
  } catch {
    return undefined;
  }
}

function split(bytes: Uint8Array): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += (pieces.at(-1)?.length ?? 0) + 1)
    pieces.push(bytes.subarray(start, bytes.indexOf(0, start)));
  return pieces;
}

/** Files that the caller left open, besides the three streams: Bun would have them closed for the program. */
export let inheritedFiles: readonly number[] = [];

/**
 * Whether there are such files. To be asked before this process opens any of its own. Newer systems tell the number of
 * open files as the size of a folder; others 0.
 */
export const hasInheritedFiles = (): boolean => process.platform === "linux" && openFiles() !== OF_BUN;

function openFiles(): number | undefined {
  try {
    return statusOf("/proc/self/fd").size;
  } catch {
    return undefined;
  }
}

/** Finds them out, which is to be done before this process opens a file as well. */
export async function noteInheritedFiles(): Promise<void> {
  inheritedFiles = (await import("./inherited-files.ts")).findInheritedFiles();
}

/** Three streams, and the two files of Bun's event loop. */
const OF_BUN = 5;

/** How the name of a process begins that a launcher has started to become the application: see `order.ts`. */
export const ORDERED = "flavor:ordered:";

const deeds: (() => void)[] = [];

/** Something that the launcher has changed for itself, and changes back right before this process becomes the program. */
export const atBecoming = (deed: () => void): void => void deeds.push(deed);

export function putBack(): void {
  for (const deed of deeds) deed();
}
