import { onEnding } from "../../format/io/ignored-signals.ts";
import type { Bytes } from "../../format/types.ts";
import type { Environment } from "../launchers/base.ts";
import { withoutSecrets } from "./secrets.ts";

/** How long a program may take, in milliseconds. */
export interface Patience {
  readonly timeout: number;
  /** Between the polite signal and the other one. */
  readonly grace: number;
}

/** What a program said, and what is wrong with its end, if anything. */
export interface Answered {
  readonly answer: Bytes;
  readonly state?: string;
}

/** Somebody may have to find their hardware key and touch it. */
const PATIENCE: Patience = { timeout: 120_000, grace: 5_000 };

/** Enough for a short answer. */
const MAX_ANSWER = 4096;

/** How long to wait for the rest of an answer when its program has ended, and another one holds the pipe. */
const LINGER_MS = 500;

/**
 * Runs a program that gets `message` on stdin and answers on stdout. It has our stderr and terminal, and an
 * environment without our secrets. It does not run any more afterwards, however this ends. Throws the system's error
 * when it cannot be started.
 */
export async function ask(
  words: string[],
  message: Bytes,
  patience: Partial<Patience> = {},
  env: Environment = process.env,
): Promise<Answered> {
  const { timeout, grace } = { ...PATIENCE, ...patience };
  const child = Bun.spawn(words, {
    stdin: message,
    stdout: "pipe",
    stderr: "inherit",
    env: withoutSecrets(env),
  });
  const stopListening = onEnding((signal) => child.kill(signal));
  let state: string | undefined;
  const timers = [
    setTimeout(() => {
      state = `it took longer than ${timeout / 1000} seconds`;
      child.kill("SIGTERM");
    }, timeout),
    setTimeout(() => child.kill("SIGKILL"), timeout + grace),
  ];
  const answer = collect(child.stdout, () => {
    state = `it answered more than ${MAX_ANSWER} bytes`;
    child.kill("SIGKILL");
  });
  try {
    const code = await child.exited;
    if (child.signalCode !== null) state ??= `it was ended by ${child.signalCode}`;
    else if (code !== 0) state ??= `it ended with ${code}`;
    // What was asked to end and ended well has still not answered in time.
    return { answer: await answer.rest(), ...(state === undefined ? {} : { state }) };
  } finally {
    for (const timer of timers) clearTimeout(timer);
    stopListening();
  }
}

/** Reads a stream from now on, but not without end. */
function collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>, tooMuch: () => void) {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const reader = stream.getReader();
  const all = (async () => {
    for (let size = 0; size <= MAX_ANSWER;) {
      const { done, value } = await reader.read();
      if (done) return;
      pieces.push(value);
      size += value.length;
    }
    tooMuch();
  })();
  return {
    /** All that has been written, when its writer has ended. */
    async rest(): Promise<Bytes> {
      const lingering = Promise.withResolvers<void>();
      const timer = setTimeout(lingering.resolve, LINGER_MS);
      await Promise.race([all, lingering.promise]);
      clearTimeout(timer);
      await reader.cancel();
      return new Uint8Array(await new Blob(pieces).arrayBuffer());
    },
  };
}
