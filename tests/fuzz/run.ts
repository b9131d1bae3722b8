import { parseArgs } from "node:util";
import { join } from "node:path";
import { fuzzAside } from "./campaign.ts";
import { keepFind } from "./corpus.ts";
import { TARGETS } from "./targets.ts";

/*
 * Fuzzes for an hour:   npm run fuzz -- [--seconds N] [--target NAME]… [--seed N]
 * Every find is made small and put into the corpus, where it is a test from then on.
 */

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "3600" },
    target: { type: "string", multiple: true },
    seed: { type: "string" },
  },
});
const names = (values.target ?? TARGETS.map(({ name }) => name)).flatMap((name) => name.split(","));
const unknown = names.filter((name) => !TARGETS.some((target) => target.name === name));
if (unknown.length > 0)
  fail(`there is no target ${unknown.join(", ")}, only ${TARGETS.map(({ name }) => name).join(", ")}`);
const seconds = Number(values.seconds);
if (!(seconds > 0)) fail(`--seconds ${values.seconds} is no time`);
const firstSeed = Number(values.seed ?? Date.now() % 2 ** 31);
if (!Number.isSafeInteger(firstSeed)) fail(`--seed ${values.seed} is no whole number`);

/** Every target has its turn several times, so that an hour that is cut short has seen all of them. */
const ROUNDS = Math.max(1, Math.min(10, Math.floor(seconds / names.length / 5)));
const SLOWEST = 1000;
const PATIENCE = 20_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function fail(state: string): never {
  process.stderr.write(`fuzz: ${state}\n`);
  process.exit(105);
}

interface Sum {
  executions: number;
  accepted: number;
  features: number;
  finds: number;
}
const sums = new Map<string, Sum>(
  names.map((name) => [name, { executions: 0, accepted: 0, features: 0, finds: 0 }]),
);

const known = new Set<string>();

async function turn(name: string, seed: number): Promise<void> {
  const { tallies, finds } = await fuzzAside({
    module: join(import.meta.dir, "targets.ts"),
    targets: [name],
    seed,
    milliseconds: (seconds * 1000) / names.length / ROUNDS,
    slowest: SLOWEST,
    patience: PATIENCE,
  });
  const sum = sums.get(name) as Sum;
  for (const tally of tallies) {
    sum.executions += tally.executions;
    sum.accepted += tally.accepted;
    sum.features = Math.max(sum.features, tally.features);
  }
  for (const { feature, detail, input } of finds) {
    // What was found in an earlier round lies in the corpus now, and is found again.
    if (known.has(`${name} ${feature}`)) continue;
    known.add(`${name} ${feature}`);
    sum.finds++;
    say(
      `FIND in ${name}, seed ${seed}: ${feature}\n${detail}\n${keepFind(name, input)} (${input.length} bytes)`,
    );
  }
}

say(`fuzz: seed ${firstSeed}, ${seconds} s, ${names.length} targets, ${ROUNDS} rounds`);
for (let round = 0; round < ROUNDS; round++) for (const name of names) await turn(name, firstSeed + round);
say("target            executions  accepted  features  finds");
for (const [name, { executions, accepted, features, finds }] of sums)
  say([name.padEnd(16), pad(executions, 12), pad(accepted, 10), pad(features, 10), pad(finds, 7)].join(""));
const all = [...sums.values()];
const total = (of: keyof Sum): number => all.reduce((sum, each) => sum + each[of], 0);
say(`fuzz: ${total("executions")} executions, ${total("finds")} finds, seed ${firstSeed}`);
process.exitCode = total("finds") === 0 ? 0 : 1;

function pad(value: number, width: number): string {
  return String(value).padStart(width);
}
