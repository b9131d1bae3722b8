#!/usr/bin/env bun
import { styleText } from "node:util";
import { removeUnfinished } from "../../format/io/replacement.ts";
import type { ProgressBar } from "../../format/progress/bar.ts";
import { isInForeground, isWatched } from "../../format/progress/watched.ts";
import type { Io, Output } from "./io.ts";

/** Stands on the terminal for a moment only: whatever is written takes it away first. */
let bar: ProgressBar | undefined;
/** A signal ends us, and what is still being done has nothing more to say. */
let isEnding = false;

/** The only file of the command line that knows it is a process. */
const io: Io = {
  out: outputOn(process.stdout),
  err: outputOn(process.stderr),
  env: process.env,
  cwd: () => process.cwd(),
  confirm:
    process.stdin.isTTY && process.stderr.isTTY
      ? async (question) => (await import("./confirm.ts")).confirm(question, process.stdin, process.stderr)
      : undefined,
  askSecret:
    process.stdin.isTTY && process.stderr.isTTY
      ? async (question) =>
          (await import("./ask-secret.ts")).askSecret(question, process.stdin, process.stderr)
      : undefined,
  openBar:
    process.stderr.isTTY && isWatched(process.env, process.platform === "win32")
      ? async () => {
          const { openBar } = await import("../../format/progress/bar.ts");
          bar = openBar({
            write: (text) => void (isEnding || process.stderr.write(text)),
            columns: () => process.stderr.columns,
            isOurs: isInForeground,
          });
          return bar;
        }
      : undefined,
  become: async (program, args, env) => (await import("./become.ts")).become(program, args, env),
  // This very program: it sees that it is not the first thread.
  startThread: () => new Worker(Bun.main, { smol: true }),
  exitCode: 0,
};

function outputOn(stream: NodeJS.WriteStream): Output {
  // A reader that has seen enough, such as "head", is a normal end.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(io.exitCode);
  });
  return {
    write(text) {
      bar?.hide();
      if (!isEnding) stream.write(text);
    },
    paint: (style, text) => styleText(style, text, { stream }),
    isTerminal: stream.isTTY === true,
  };
}

/** Exit codes of a shell for a program that was ended by a signal: 128 and its number. */
const ENDINGS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

if (!Bun.isMainThread) await (await import("../../format/verifying/verify-worker.ts")).runVerifyWorker();
else {
  for (const [signal, code] of Object.entries(ENDINGS))
    process.on(signal, () => {
      bar?.end();
      isEnding = true;
      removeUnfinished();
      // Others who listen tidy up first: they are called in this same turn.
      setImmediate(() => process.exit(code));
    });
  await (await import("./program.ts")).run(process.argv.slice(2), io);
  process.exitCode = io.exitCode;
}
