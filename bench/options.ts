import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { PspfError } from "../format/errors.ts";

export interface Options {
  readonly quick: boolean;
  /** The measurements that were asked for; all when there are none. */
  readonly only: readonly string[];
  readonly rounds: number | undefined;
  readonly dir: string | undefined;
  readonly disk: string | undefined;
  readonly out: string | undefined;
  readonly keep: boolean;
}

/** Throws `bad-arguments` with one line about what is wrong. `names` are the measurements that there are. */
export function parseOptions(args: readonly string[], names: readonly string[]): Options {
  const { values, positionals } = parsed(args);
  const only = [...(values.only ?? []), ...positionals];
  if (positionals.length > 0 && values.only === undefined)
    throw wrong(`${positionals[0]} is no option`, names);
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw wrong(`there is no row ${unknown.join(", ")}`, names);
  const { quick, keep, dir, disk, out, rounds } = values;
  return {
    quick,
    keep,
    only,
    rounds: roundsOf(rounds, names),
    dir: path(dir),
    disk: path(disk),
    out: path(out),
  };
}

/**
 * Where results go: into the named file, those of a whole run into `committed`, others nowhere. A quick run's figures mean
 * nothing, and those of some rows are not all.
 */
export const outputOf = ({ out, quick, only }: Options, committed: string): string | undefined =>
  out ?? (quick || only.length > 0 ? undefined : committed);

const path = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : resolve(text);

function roundsOf(text: string | undefined, names: readonly string[]): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,5}$/.test(text)) throw wrong(`--rounds is ${text}, wanted a number from 1`, names);
  return Number(text);
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string", multiple: true },
        rounds: { type: "string" },
        dir: { type: "string" },
        disk: { type: "string" },
        out: { type: "string" },
        keep: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    // the first sentence of what Node says: the others tell how to write what nobody wants
    throw wrong(String((error as Error).message).split(/\. |\n/)[0] as string, []);
  }
}

const wrong = (state: string, names: readonly string[]) =>
  new PspfError("bad-arguments", `Cannot run the benchmark: ${state}`, {
    hint: `usage: npm run bench -- [--quick] [--only ROW…] [--rounds N] [--dir FOLDER] [--disk FOLDER] [--out FILE] [--keep]${names.length > 0 ? `, with rows of: ${names.join(", ")}` : ""}`,
  });
