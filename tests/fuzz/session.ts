import fc from "fast-check";
import type { Bytes } from "../../format/types.ts";
import { forgetPeak, peakMemory } from "./memory.ts";
import { minimise } from "./minimise.ts";
import { mutate } from "./mutate.ts";
import { randomFrom } from "./random.ts";
import { attempt, DEFAULT_SIZE, type Outcome, type Target } from "./target.ts";

/** An input that must not be, as small as it could be made. */
export interface Find {
  readonly target: string;
  /** What went wrong, the same for finds that are alike. */
  readonly feature: string;
  readonly detail: string;
  readonly input: Bytes;
}

export interface Tally {
  readonly target: string;
  readonly executions: number;
  readonly accepted: number;
  /** How many ways of going through the parser were told apart. */
  readonly features: number;
  readonly finds: number;
}

export interface Session {
  readonly target: Target;
  readonly seed: number;
  readonly corpus: readonly Bytes[];
  /** Asked after each execution. */
  readonly isOver: (executions: number) => boolean;
  /** Milliseconds that one input may take. */
  readonly slowest: number;
  /** Told of each input before it is tried: whoever watches knows what we died of. */
  readonly trying: (input: Bytes) => void;
  readonly found: (find: Find) => void;
}

/** Growth of the process by one input, in bytes. No parser here needs a tenth of it for what we give it. */
const MOST_MEMORY = 256 * 1024 * 1024;

const LARGEST_POOL = 4000;
const FRESH = 16;

/**
 * Tries one input after the other on one target: those of the corpus, ones with structure, and mutations of both and of
 * every input that went a new way. What is tried depends on the seed and on the corpus alone.
 */
export async function fuzz(session: Session): Promise<Tally> {
  const { target, seed } = session;
  const random = randomFrom(seed);
  const maxSize = target.maxSize ?? DEFAULT_SIZE;
  const tokens = (target.tokens ?? []).map((token) => new Uint8Array(Buffer.from(token, "latin1")));
  const features = new Set<string>();
  const finds = new Set<string>();
  const pool: Bytes[] = [];
  let [executions, accepted] = [0, 0];
  let fresh: Bytes[] = [];

  const structured = (): Bytes => {
    if (fresh.length === 0)
      fresh = fc.sample(target.structured, { seed: random.below(2 ** 31), numRuns: FRESH });
    return fresh.pop() as Bytes;
  };

  const tryOne = async (input: Bytes): Promise<void> => {
    const outcome = await watched(session, input);
    executions++;
    if (outcome.kind === "accepted") accepted++;
    if (outcome.kind === "find") {
      if (finds.has(outcome.feature)) return;
      finds.add(outcome.feature);
      session.found({ ...(await smallest(session, input, outcome)), target: target.name });
    } else if (!features.has(outcome.feature)) {
      features.add(outcome.feature);
      if (pool.length < LARGEST_POOL) pool.push(input);
    }
  };

  for (const input of session.corpus) await tryOne(input);
  for (let i = 0; i < FRESH; i++) await tryOne(structured());
  while (!session.isOver(executions)) {
    const parent = pool.length === 0 || random.oneIn(5) ? structured() : random.pick(pool);
    const other = () => (random.oneIn(2) || pool.length === 0 ? structured() : random.pick(pool));
    const input = mutate(parent, random, { tokens, other, maxSize });
    await tryOne(target.repair !== undefined && random.oneIn(2) ? target.repair(input) : input);
  }
  return { target: target.name, executions, accepted, features: features.size, finds: finds.size };
}

/** One execution with an eye on clock and memory. */
async function watched(session: Session, input: Bytes): Promise<Outcome> {
  const [outcome, time] = await timed(session, input);
  if (outcome.kind === "find" || time < QUICK) return outcome;
  const bytes = await growth(session, input);
  if (bytes > MOST_MEMORY)
    return { kind: "find", feature: MEMORY, detail: `the process grew by ${bytes} bytes` };
  if (time <= slowestOf(session)) return outcome;
  // Another process may have been in the way: only what is slow again is slow.
  const again = Math.min((await timed(session, input))[1], (await timed(session, input))[1]);
  if (again <= slowestOf(session)) return outcome;
  return {
    kind: "find",
    feature: SLOW,
    detail: `${Math.round(again)} ms, at most ${slowestOf(session)} are allowed`,
  };
}

const slowestOf = ({ slowest, target }: Session): number => Math.max(slowest, target.slowest ?? 0);

/** Milliseconds in which nobody can fill so much memory. */
const QUICK = 5;

/** Bytes by which an input makes the process grow. A peak that has long been there is not its fault: hence again. */
async function growth(session: Session, input: Bytes): Promise<number> {
  const usual = usualPeak;
  usualPeak = peakMemory();
  if (usualPeak - usual <= MOST_MEMORY || !forgetPeak()) return usualPeak - usual;
  const before = peakMemory();
  await timed(session, input);
  return peakMemory() - before;
}

let usualPeak = peakMemory();

const MEMORY = "too much memory";
const SLOW = "too slow";

async function timed(session: Session, input: Bytes): Promise<readonly [Outcome, number]> {
  session.trying(input);
  const start = performance.now();
  const outcome = await attempt(session.target, input);
  return [outcome, performance.now() - start];
}

/** How often a slow input is tried while it is made smaller: each try takes long. */
const SLOW_BUDGET = 40;

async function smallest(
  session: Session,
  input: Bytes,
  { feature, detail }: Outcome & { readonly kind: "find" },
): Promise<Omit<Find, "target">> {
  // A peak is reached once; to ask again takes a new process.
  if (feature === MEMORY) return { feature, detail, input };
  const isSame = async (candidate: Bytes): Promise<boolean> => {
    const [outcome, time] = await timed(session, candidate);
    return feature === SLOW
      ? time > slowestOf(session)
      : outcome.kind === "find" && outcome.feature === feature;
  };
  return {
    feature,
    detail,
    input: await minimise(input, isSame, feature === SLOW ? SLOW_BUDGET : undefined),
  };
}
