import { readFileSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { loadLinuxLibc } from "../../format/io/libc-linux.ts";
import { corpusOf } from "./corpus.ts";
import { openScratch } from "./scratch.ts";
import { fuzz } from "./session.ts";
import { attempt, DEFAULT_SIZE, type Target } from "./target.ts";

/** What a fuzzing process is told, as JSON in its only argument. */
export interface Order {
  /** Absolute path of a module that exports `TARGETS`. */
  readonly module: string;
  /** Names of the targets, tried one after the other. */
  readonly targets: readonly string[];
  readonly seed: number;
  /** For each target. */
  readonly milliseconds?: number;
  readonly executions?: number;
  readonly slowest: number;
  readonly scratch: string;
  /** Only this file, once. */
  readonly replay?: string;
}

const { SIGKILL } = constants.signals;

/** Takes over: a process of its own, because a parser that hangs or crashes takes its process along. */
async function work(order: Order): Promise<void> {
  // One that hangs would go on for ever when nobody watches any more. Elsewhere the watchdog alone must do.
  loadLinuxLibc()?.signalAtParentDeath(SIGKILL);
  const { TARGETS } = (await import(order.module)) as { readonly TARGETS: readonly Target[] };
  for (const name of order.targets) {
    const target = TARGETS.find((each) => each.name === name);
    if (target === undefined) throw new Error(`Cannot fuzz ${name}: there is no such target`);
    if (order.replay === undefined) await fuzzOne(target, order);
    else await attempt(target, new Uint8Array(readFileSync(order.replay)));
  }
}

async function fuzzOne(target: Target, order: Order): Promise<void> {
  const { milliseconds = Number.POSITIVE_INFINITY, executions = Number.POSITIVE_INFINITY } = order;
  using scratch = openScratch(order.scratch, target.maxSize ?? DEFAULT_SIZE);
  const start = performance.now();
  const tally = await fuzz({
    target,
    seed: order.seed,
    corpus: corpusOf(target.name).map(({ bytes }) => bytes),
    isOver: (count) => count >= executions || performance.now() - start >= milliseconds,
    slowest: order.slowest,
    trying: scratch.note,
    found: ({ input, ...find }) => say({ find: { ...find, input: input.toBase64() } }),
  });
  say({ tally });
}

/** One line at a time, at once: nothing may be lost when the next input ends us. */
function say(line: object): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

if (import.meta.main) await work(JSON.parse(process.argv[2] as string) as Order);
