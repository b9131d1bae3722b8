import { Command } from "commander";
import { causesOf, exitCodeOf, PspfError, renderError, withoutPrivateKeys } from "../../format/errors.ts";
import { FLAVOR_VERSION } from "../../format/spec.ts";
import { hostTarget } from "../launchers/host.ts";
import { addCache } from "./commands/cache.ts";
import { addCompletion } from "./commands/completion.ts";
import { addExtract } from "./commands/extract.ts";
import { addExtractAll } from "./commands/extract-all.ts";
import { addInit } from "./commands/init.ts";
import { addInspect } from "./commands/inspect.ts";
import { addKeygen } from "./commands/keygen.ts";
import { addLaunchers } from "./commands/launchers.ts";
import { addPack } from "./commands/pack.ts";
import { addRun } from "./commands/run.ts";
import { addTrust } from "./commands/trust.ts";
import { addVerify } from "./commands/verify.ts";
import { addWorkenv } from "./commands/workenv.ts";
import { type Io, writeDocument } from "./io.ts";
import { plainLines } from "./reports/text.ts";
import { exitOfHelp, throwUsageErrors } from "./usage.ts";

/** Commands as help shows them, by their names. */
const GROUPS: Readonly<Record<string, Readonly<Record<string, (program: Command, io: Io) => void>>>> = {
  "Make:": { init: addInit, pack: addPack, keygen: addKeygen, launchers: addLaunchers },
  "Look into:": {
    run: addRun,
    inspect: addInspect,
    verify: addVerify,
    extract: addExtract,
    "extract-all": addExtractAll,
  },
  "Trust:": { trust: addTrust },
  "Cache:": { workenv: addWorkenv, cache: addCache },
  "Other:": { completion: addCompletion },
};

/** The command that a line calls, if it needs no other: most of the time of a short one went into those. */
const onlyCommandOf = ([word = ""]: readonly string[]): string | undefined =>
  word !== "completion" && Object.values(GROUPS).some((group) => Object.hasOwn(group, word))
    ? word
    : undefined;

/**
 * The whole command line as a tree, or, if one is named, as much of it as this command needs. What a command does is loaded
 * when it is called.
 */
export function buildProgram(io: Io, only?: string): Command {
  const program = new Command("flavor")
    .description("Packs any application into one executable file")
    .version(versionLine(), "-V, --version", "print the line that a bug report needs")
    .helpOption("-h, --help", "print help")
    .addHelpCommand(new Command("help").argument("[command]").description("print help").helpGroup("Other:"))
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => io.out.write(text),
      writeErr: (text) => io.err.write(text),
      // `run` prints errors
      outputError: () => {},
      getOutHelpWidth: () => io.out.columns() as number,
      getErrHelpWidth: () => io.err.columns() as number,
      getOutHasColors: () => io.out.paint("bold", "") !== "" || io.out.isTerminal,
      getErrHasColors: () => io.err.isTerminal,
    })
    .configureHelp({ styleTitle: (text) => io.out.paint("bold", text) })
    .addHelpText("after", "\nErrors: docs/errors.md says what each code in brackets means");

  for (const [group, commands] of Object.entries(GROUPS)) {
    program.commandsGroup(group);
    for (const [name, add] of Object.entries(commands))
      if (only === undefined || only === name) add(program, io);
  }
  throwUsageErrors(program);
  return program;
}

/** Version, Bun version and machine, on one line. */
const versionLine = (): string => `flavor ${FLAVOR_VERSION} (Bun ${Bun.version}, ${machineName()})`;

function machineName(): string {
  try {
    return hostTarget();
  } catch {
    return `${process.platform}-${process.arch}`; // no launcher is made for it
  }
}

/** Does what the arguments say. Never throws: what goes wrong is printed and decides about `io.exitCode`. */
export async function run(args: readonly string[], io: Io): Promise<void> {
  try {
    await buildProgram(io, onlyCommandOf(args)).parseAsync([...args], { from: "user" });
  } catch (error) {
    const exit = exitOfHelp(error);
    io.exitCode = exit ?? exitCodeOf(error);
    if (exit === undefined) printError(error, io, wantsJson(args));
  }
}

function printError(error: unknown, io: Io, asJson: boolean): void {
  if (!asJson) return printAsText(error, io);
  try {
    printAsJson(error, io);
  } catch {
    printAsText(error, io); // stdout is full, which may be what failed
  }
}

/** Known before the arguments are understood, because that may be what fails. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  // all that follows `run` belongs to the application
  return args[0] !== "run" && (end === -1 ? args : args.slice(0, end)).includes("--json");
}

function printAsJson(error: unknown, io: Io): void {
  const known = error instanceof PspfError ? error : undefined;
  writeDocument(io, "flavor.error/1", {
    code: known?.code ?? "internal-error",
    message: withoutPrivateKeys(error instanceof Error ? error.message : String(error)),
    problems: known?.problems ?? [],
    causes: known === undefined ? [] : causesOf(known),
    hint: known?.hint ?? null,
    exitCode: exitCodeOf(error),
  });
}

function printAsText(error: unknown, io: Io): void {
  const text = renderError(error, "error");
  const [first = "", ...rest] = plainLines(text).split("\n");
  const lines = [first.replace(/^error:/, io.err.paint("red", "error:")), ...rest];
  io.err.write(`${lines.join("\n")}\n`);
}
