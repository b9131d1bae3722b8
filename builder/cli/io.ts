import type { styleText } from "node:util";
import type { ProgressBar } from "../../format/progress/bar.ts";
import type { Environment } from "../launchers/base.ts";

export type Style = Parameters<typeof styleText>[0];

/** Gives a text a look, where there is somebody to look at it: elsewhere it comes back as it is. */
export type Paint = (style: Style, text: string) => string;

/** Where text goes: the answer (stdout) or the talk (stderr). */
export interface Output {
  write(text: string): void;
  readonly paint: Paint;
  readonly isTerminal: boolean;
  /** How wide the terminal is, if it is one. */
  readonly columns: () => number | undefined;
}

/** All that a command may touch of its process. */
export interface Io {
  readonly out: Output;
  readonly err: Output;
  readonly env: Environment;
  readonly cwd: () => string;
  /** Asks a question that is answered with yes or no; undefined where nobody can answer. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
  /** Asks for a line that does not appear on the terminal; undefined where nobody can answer. */
  readonly askSecret: ((question: string) => Promise<string>) | undefined;
  /** Opens a bar on stderr for long work; undefined where nobody looks on. */
  readonly openBar: (() => Promise<ProgressBar>) | undefined;
  /** Becomes another program where the system can do that; else runs it and returns its exit code. */
  readonly become: (program: string, args: readonly string[], env: Environment) => Promise<number>;
  /** Starts a thread that runs `runVerifyWorker`, or `runUnpackWorker`; undefined where threads are of no use. */
  readonly startThread?: Readonly<Record<"verify" | "unpack", () => Worker>>;
  exitCode: number;
}

/** A result's two views, side by side so that neither falls behind. */
export interface Report<T> {
  /** The promise that the JSON keeps: fields are only added. */
  readonly schema: `flavor.${string}/1`;
  /** Lines, without a line break at the end. */
  text(result: T, paint: Paint): string;
  json(result: T): Readonly<Record<string, unknown>>;
}

/** The option that every command with an answer has. */
export interface JsonOption {
  readonly json?: true;
}

/** Prints a result on stdout: for people, or as one JSON document. */
export function show<T>(io: Io, report: Report<T>, result: T, { json }: JsonOption): void {
  if (json === true) writeDocument(io, report.schema, report.json(result));
  else io.out.write(`${report.text(result, io.out.paint)}\n`);
}

export const writeDocument = (io: Io, schema: string, members: Readonly<Record<string, unknown>>): void =>
  io.out.write(`${JSON.stringify({ schema, ...members }, null, 2)}\n`);

/** A bar for a command that may take long, where somebody looks on who wants more than an answer. */
export const openBarFor = async (
  io: Io,
  { json, quiet }: { readonly json?: true; readonly quiet?: true },
): Promise<ProgressBar | undefined> => (json === true || quiet === true ? undefined : io.openBar?.());

/** One line of talk. */
export const say = (io: Io, text: string): void => io.err.write(`${text}\n`);
