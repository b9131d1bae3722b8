#!/usr/bin/env bun
import { styleText } from "node:util";
import { removeUnfinished } from "../../format/io/replacement.ts";
import type { Io, Output } from "./io.ts";

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
    write: (text) => void stream.write(text),
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
      removeUnfinished();
      // Others who listen tidy up first: they are called in this same turn.
      setImmediate(() => process.exit(code));
    });
  await (await import("./program.ts")).run(process.argv.slice(2), io);
  process.exitCode = io.exitCode;
}
