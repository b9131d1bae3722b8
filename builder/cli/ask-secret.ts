/** The part of a terminal's input that a secret is read from. */
export interface SecretInput extends NodeJS.ReadableStream {
  setRawMode(isRaw: boolean): unknown;
}

const KEY = { interrupt: "\u0003", end: "\u0004", enter: "\r", newline: "\n", clear: "\u0015" } as const;
const BACKSPACES = "\u007f\b";

/**
 * Asks on a terminal for a line that does not appear there; the end of the input gives "". Ctrl-C ends this process
 * as it always does.
 */
export async function askSecret(
  question: string,
  input: SecretInput,
  output: NodeJS.WritableStream,
  interrupt: () => void = () => process.kill(process.pid, "SIGINT"),
): Promise<string> {
  input.setRawMode(true); // at its end, a process of Bun puts that right itself
  let line: string | undefined;
  try {
    output.write(question);
    line = await readLine(input);
  } finally {
    input.setRawMode(false);
    output.write("\n");
  }
  if (line !== undefined) return line;
  interrupt();
  return new Promise(() => {}); // nothing more is done until the signal comes
}

/** Undefined when Ctrl-C was pressed. */
function readLine(input: SecretInput): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let line = "";
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const end = () => resolve(line);
  const read = (piece: Uint8Array | string) => {
    const text = typeof piece === "string" ? piece : decoder.decode(piece, { stream: true });
    let at = 0;
    for (const key of text) {
      at += key.length;
      if (key === KEY.enter || key === KEY.newline || key === KEY.end) {
        stop();
        // who pastes two lines answers two questions
        if (at < text.length) input.unshift(Buffer.from(text.slice(at)));
        return end();
      }
      if (key === KEY.interrupt) {
        stop();
        return resolve(undefined);
      }
      line = edited(line, key);
    }
  };
  const stop = () => {
    input.off("data", read);
    input.off("end", end);
    input.pause();
  };
  input.on("data", read);
  input.once("end", end);
  input.resume();
  return promise;
}

/** A line after one more key: other keys than those of a passphrase do nothing. */
function edited(line: string, key: string): string {
  if (key === KEY.clear) return "";
  if (BACKSPACES.includes(key)) return [...line].slice(0, -1).join("");
  return /\p{Cc}/u.test(key) ? line : line + key;
}
