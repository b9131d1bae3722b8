#!/usr/bin/env bun
import { isatty, WriteStream } from "node:tty";
import { styleText } from "node:util";
import { currentFolder, errnoOf, ioError } from "../../format/io/fs.ts";
import { endingSignals } from "../../format/io/ignored-signals.ts";
import { removeUnfinished } from "../../format/io/replacement.ts";
import type { ProgressBar } from "../../format/progress/bar.ts";
import { isInForeground, isWatched } from "../../format/progress/watched.ts";
import { writeWhole } from "../../format/io/write-whole.ts";
import type { Io, Output } from "./io.ts";

/** Stands on the terminal for a moment only: whatever is written takes it away first. */
let bar: ProgressBar | undefined;
/** A signal ends us, and what is still being done has nothing more to say. */
let isEnding = false;

/** The only file of the command line that knows it is a process. */
const io: Io = {
  out: outputOn(1),
  err: outputOn(2),
  env: process.env,
  cwd: currentFolder,
  confirm:
    isatty(0) && isatty(2)
      ? async (question) => (await import("./confirm.ts")).confirm(question, process.stdin, process.stderr)
      : undefined,
  askSecret:
    isatty(0) && isatty(2)
      ? async (question) =>
          (await import("./ask-secret.ts")).askSecret(question, process.stdin, process.stderr)
      : undefined,
  openBar:
    isatty(2) && isWatched(process.env, process.platform === "win32")
      ? async () => {
          const { openBar } = await import("../../format/progress/bar.ts");
          bar = openBar({
            write: (text) => void (isEnding || process.stderr.write(text)),
            columns: () => io.err.columns(),
            isOurs: isInForeground,
          });
          return bar;
        }
      : undefined,
  become: async (program, args, env) => (await import("./become.ts")).become(program, args, env),
  // This very program: it sees that it is not the first thread.
  startThread: {
    verify: () => new Worker(Bun.main, { smol: true, argv: ["verify"] }),
    unpack: () => new Worker(Bun.main, { argv: ["unpack"] }),
  },
  exitCode: 0,
};

function outputOn(stream: 1 | 2): Output {
  const isTerminal = isatty(stream);
  // As styleText decides it; but that looks at Bun's own streams, which change a pipe by that alone.
  const isWanted = isTerminal || process.env["FORCE_COLOR"] !== undefined;
  const hasColors = isWanted && WriteStream.prototype.getColorDepth() > 2;
  return {
    write(text) {
      bar?.hide();
      if (!isEnding) (stream === 1 ? answer : tell)(text);
    },
    paint: (style, text) => (hasColors ? styleText(style, text, { validateStream: false }) : text),
    isTerminal,
    columns: () => (isTerminal ? (stream === 1 ? process.stdout : process.stderr).columns : undefined),
  };
}

function answer(text: string): void {
  try {
    writeWhole(1, text);
  } catch (error) {
    // A reader that has seen enough, such as "head", is a normal end.
    if (errnoOf(error) === "EPIPE") process.exit(io.exitCode);
    throw ioError("write to", "stdout", error);
  }
}

/** Work goes on when nobody hears of it. */
function tell(text: string): void {
  try {
    writeWhole(2, text);
  } catch {
    // nobody could be told of this either
  }
}

async function workAsThread(work: string | undefined): Promise<void> {
  if (work === "unpack")
    await (await import("../../format/workenv/unpacking/unpack-worker.ts")).runUnpackWorker();
  else await (await import("../../format/verifying/verify-worker.ts")).runVerifyWorker();
}

/** Exit codes of a shell for a program that was ended by a signal: 128 and its number. */
const ENDINGS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

if (!Bun.isMainThread) await workAsThread(process.argv[2]);
else {
  for (const signal of endingSignals())
    process.on(signal, () => {
      bar?.end();
      isEnding = true;
      removeUnfinished();
      // Others who listen tidy up first: they are called in this same turn.
      setImmediate(() => process.exit(ENDINGS[signal]));
    });
  await (await import("./program.ts")).run(process.argv.slice(2), io);
  process.exitCode = io.exitCode;
}
