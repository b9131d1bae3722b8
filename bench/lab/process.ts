/** A command with all that it sees. */
export interface Call {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** The milliseconds that a command takes, from before it is started until it has ended. What it says goes nowhere. */
export const milliseconds = (call: Call): number => run(call).wall;

/** The milliseconds of processor time that a command and what it waits for take, on all cores together. */
export const cpuMilliseconds = (call: Call): number => run(call).processor;

function run(call: Call): { readonly wall: number; readonly processor: number } {
  const [command, place] = [[...call.command], placeOf(call)];
  const before = Bun.nanoseconds();
  const { exitCode, resourceUsage } = Bun.spawnSync(command, {
    ...place,
    stdio: ["ignore", "ignore", "ignore"],
  });
  const after = Bun.nanoseconds();
  if (exitCode !== 0) throw new Error(`${nameOf(call)} ended with ${exitCode}${heard(call)}`);
  return { wall: (after - before) / 1e6, processor: Number(resourceUsage?.cpuTime.total ?? 0) / 1e3 };
}

/** What a command writes to stdout, and to stderr. Throws an Error with its last words when it fails. */
export function said(call: Call): { readonly out: string; readonly err: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...call.command], {
    ...placeOf(call),
    stdin: "ignore",
  });
  if (exitCode === 0) return { out: `${stdout}`, err: `${stderr}` };
  throw new Error(`${nameOf(call)} ended with ${exitCode}${lastLine(`${stderr}`) || lastLine(`${stdout}`)}`);
}

const placeOf = ({ env, cwd }: Call) => ({ env: { ...env }, ...(cwd === undefined ? {} : { cwd }) });

/** A timed command is silent: what it had to say when it failed is heard when it fails again. */
function heard(call: Call): string {
  const { exitCode, stderr } = Bun.spawnSync([...call.command], { ...placeOf(call), stdin: "ignore" });
  return exitCode === 0 ? ", and with 0 when it was tried again" : lastLine(`${stderr}`);
}

const lastLine = (text: string): string => {
  const line = text.trim().split("\n").at(-1) ?? "";
  return line === "" ? "" : `: ${line.slice(0, 300)}`;
};

const nameOf = ({ command }: Call): string => command.join(" ").slice(0, 200);
