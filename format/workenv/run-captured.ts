import type { Environment } from "../command/environment.ts";

/** How a program ended whose output nobody sees unless it fails. */
export interface CapturedEnding {
  readonly exitCode: number;
  readonly signal: string | undefined;
  /** The last lines of what it wrote, without empty ones; only of one that failed. */
  readonly lines: readonly string[];
}

const SHOWN_LINES = 20;
/** Bytes of each stream that are kept at least. */
const KEPT = 64 * 1024;
/** Milliseconds. What a program has written is read long before; a child that it left may never close the pipe. */
const GRACE = 250;
/** Milliseconds from the signal that asks a program to end to the one that it cannot refuse. */
const PATIENCE = 5000;

/** Runs a program without input to its end, or to its last output if `interrupted` ends it. Throws if it does not start. */
export async function runCaptured(
  command: readonly string[],
  {
    cwd,
    env,
    interrupted,
    held,
  }: {
    cwd: string;
    env: Environment;
    interrupted?: AbortSignal | undefined;
    /** An open file that the program gets as well. */
    held?: number | undefined;
  },
): Promise<CapturedEnding> {
  const child = Bun.spawn([...command], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe", ...(held === undefined ? [] : [held])],
  });
  const streams = [tailOf(child.stdout), tailOf(child.stderr)];
  const end = () => {
    const { reason } = interrupted as AbortSignal;
    child.kill(isSignal(reason) ? reason : "SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), PATIENCE).unref();
  };
  interrupted?.addEventListener("abort", end);
  const exitCode = await child.exited;
  // What came from the terminal came to both of us, and may be seen here a moment later.
  if (exitCode !== 0) await Promise.race([Promise.all(streams.map(({ done }) => done)), Bun.sleep(GRACE)]);
  interrupted?.removeEventListener("abort", end);
  for (const { stop } of streams) stop();
  const lines = streams
    .map(({ text }) => text())
    .join("")
    .trimEnd()
    .split("\n");
  const signal = child.signalCode === null ? undefined : String(child.signalCode);
  return { exitCode, signal, lines: lines.slice(-SHOWN_LINES).filter((line) => line !== "") };
}

const isSignal = (reason: unknown): reason is NodeJS.Signals =>
  typeof reason === "string" && reason.startsWith("SIG");

/** The end of a stream, read all the time so that nobody waits for us to read. */
function tailOf(stream: ReadableStream<Uint8Array>) {
  const reader = stream.getReader();
  const pieces: Uint8Array[] = [];
  let size = 0;
  const read = async (): Promise<void> => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      pieces.push(next.value);
      size += next.value.length;
      while (size - (pieces[0]?.length ?? 0) >= KEPT) size -= pieces.shift()?.length ?? 0;
    }
  };
  return {
    done: read().catch(() => {}),
    text: () => new TextDecoder().decode(Buffer.concat(pieces)),
    stop() {
      reader.cancel().catch(() => {});
    },
  };
}
