import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bytes } from "../../format/types.ts";
import { tempDir } from "../support/temp-dir.ts";
import { minimise } from "./minimise.ts";
import { readScratch } from "./scratch.ts";
import type { Find, Tally } from "./session.ts";
import type { Order } from "./worker.ts";

export type Campaign = Omit<Order, "scratch" | "replay"> & {
  /** Milliseconds after which an input that is still being worked on hangs. */
  readonly patience: number;
  /** How often an input that ends its process is tried again to make it smaller; 40 times when not given. */
  readonly retries?: number;
};

export interface Result {
  readonly tallies: readonly Tally[];
  readonly finds: readonly Find[];
}

const WORKER = join(import.meta.dir, "worker.ts");
/** How often the watchdog looks. */
const LOOK = 100;
/** Milliseconds until the first input. */
const LOADING = 60_000;
/** Milliseconds that an input has while it is made smaller. */
const SHORT_PATIENCE = 2500;

/**
 * Fuzzes targets in a process of their own and watches it: one that is still at the same input after `patience`, or that
 * dies, has found something. The targets after the fatal one are not tried then.
 */
export async function fuzzAside(campaign: Campaign): Promise<Result> {
  using dir = tempDir("flavor-fuzz-");
  const scratch = join(dir.path, "input");
  const { patience, retries = 40, ...order } = campaign;
  const child = Bun.spawn([process.execPath, WORKER, JSON.stringify({ ...order, scratch })], {
    stdout: "pipe",
    stderr: "pipe",
    cwd: dir.path,
  });
  const errors = new Response(child.stderr).text();
  const lines = new Response(child.stdout).text();
  const hung = await outwaited(child, scratch, patience);
  const { tallies, finds } = parse(await lines);
  if (child.exitCode === 0) return { tallies, finds };
  const target = order.targets[tallies.length] ?? "";
  const input = readScratch(scratch)?.input;
  // Before the first input it is not a parser's fault.
  if (input === undefined)
    throw new Error(`Cannot fuzz ${target}: ${child.signalCode ?? ""} ${await errors}`);
  const how = hung ? "it hangs" : `the process ended by ${child.signalCode ?? `code ${child.exitCode}`}`;
  const detail = hung ? `no end after ${patience} ms` : (await errors).slice(-2000);
  const small = await minimise(input, (it) => isFatal(it, { ...order, targets: [target] }), retries);
  return { tallies, finds: [...finds, { target, feature: how, detail, input: small }] };
}

/** Waits for the process; kills it, and says so, when it has been at one input for too long. */
async function outwaited(child: Bun.Subprocess, scratch: string, patience: number): Promise<boolean> {
  let [last, since] = [0, performance.now()];
  let hung = false;
  const watch = setInterval(() => {
    const count = readScratch(scratch)?.count ?? 0;
    // To load everything may take a while where much else is going on.
    const limit = count === 0 ? Math.max(patience, LOADING) : patience;
    if (count !== last) [last, since] = [count, performance.now()];
    else if (performance.now() - since > limit) {
      hung = true;
      child.kill("SIGKILL");
    }
  }, LOOK);
  await child.exited;
  clearInterval(watch);
  return hung;
}

function parse(lines: string): { tallies: Tally[]; finds: Find[] } {
  const tallies: Tally[] = [];
  const finds: Find[] = [];
  for (const line of lines.split("\n").filter((text) => text !== "")) {
    const { tally, find } = JSON.parse(line) as { tally?: Tally; find?: Find & { input: string } };
    if (tally !== undefined) tallies.push(tally);
    if (find !== undefined) finds.push({ ...find, input: Uint8Array.fromBase64(find.input) as Bytes });
  }
  return { tallies, finds };
}

/** Whether an input alone ends a process, or keeps it too long. */
async function isFatal(input: Bytes, order: Omit<Order, "scratch">): Promise<boolean> {
  using dir = tempDir("flavor-fuzz-");
  const replay = join(dir.path, "replay");
  writeFileSync(replay, input);
  const child = Bun.spawn(
    [process.execPath, WORKER, JSON.stringify({ ...order, scratch: join(dir.path, "input"), replay })],
    { stdout: "ignore", stderr: "ignore", cwd: dir.path, timeout: SHORT_PATIENCE, killSignal: "SIGKILL" },
  );
  return (await child.exited) !== 0;
}
