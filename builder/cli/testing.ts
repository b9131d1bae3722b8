import type { ProgressBar } from "../../format/progress/bar.ts";
import type { Environment } from "../launchers/base.ts";
import type { Io } from "./io.ts";
import { run } from "./program.ts";

/** What a run of the command line did to the world outside of files. */
export interface CliRun {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
  /** Questions that were asked. */
  readonly asked: readonly string[];
  /** What it became. */
  readonly became:
    { readonly program: string; readonly args: readonly string[]; readonly env: Environment } | undefined;
}

export interface CliSetting {
  readonly env?: Environment;
  readonly cwd?: string;
  /** What a person at a terminal answers; nobody is there when not given. */
  readonly answer?: boolean;
  /** What that person types where it does not appear, one after the other. */
  readonly secrets?: readonly string[];
  /** What that person sees of long work. */
  readonly bar?: ProgressBar;
}

/** Runs the command line in this process, with a process of our own making around it. */
export async function runCli(args: readonly string[], setting: CliSetting = {}): Promise<CliRun> {
  const { env = {}, cwd = process.cwd(), answer, secrets, bar } = setting;
  const typed = secrets?.values();
  const texts = { out: "", err: "" };
  const asked: string[] = [];
  let became: CliRun["became"];
  const output = (name: "out" | "err"): Io["out"] => ({
    write: (text) => {
      texts[name] += text;
    },
    paint: (_, text) => text,
    isTerminal: false,
    columns: () => undefined,
  });
  const io: Io = {
    out: output("out"),
    err: output("err"),
    env,
    cwd: () => cwd,
    confirm:
      answer === undefined
        ? undefined
        : async (question) => {
            asked.push(question);
            return answer;
          },
    askSecret:
      typed === undefined
        ? undefined
        : async (question) => {
            asked.push(question);
            return typed.next().value ?? "";
          },
    openBar: bar && (async () => bar),
    become: async (program, given, environment) => {
      became = { program, args: given, env: environment };
      return 42;
    },
    exitCode: 0,
  };
  await run(args, io);
  return { ...texts, exitCode: io.exitCode, asked, became };
}

/** The one JSON document that a run printed. */
export const documentOf = ({ out }: CliRun): Record<string, unknown> =>
  JSON.parse(out) as Record<string, unknown>;
