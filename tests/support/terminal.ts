/** The terminals that Bun makes are those of Unix. */
export const hasTerminals = process.platform !== "win32";

export interface OnTerminal {
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string>>;
  /** Told what the terminal got, each time it got more; and gets the process. */
  readonly onShown?: (shown: string, child: Bun.Subprocess) => void;
}

/** Runs a program on a terminal of its own, of 80 columns, to its end. `shown` is all that the terminal got. */
export async function onTerminal(command: readonly string[], { onShown, ...options }: OnTerminal) {
  const decoder = new TextDecoder();
  let shown = "";
  const child: Bun.Subprocess = Bun.spawn([...command], {
    ...options,
    terminal: {
      cols: 80,
      data(_, bytes) {
        shown += decoder.decode(bytes, { stream: true });
        onShown?.(shown, child);
      },
    },
  });
  await child.exited;
  child.terminal?.close();
  const { exitCode, signalCode: signal } = child;
  return { shown, exitCode, signal };
}
