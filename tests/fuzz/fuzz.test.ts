import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { fuzzAside } from "./campaign.ts";
import { corpusNames, corpusOf } from "./corpus.ts";
import { attempt } from "./target.ts";
import { TARGETS } from "./targets.ts";

// Every parser of what others have made may refuse, in its own words, and may do nothing else. `npm run fuzz` goes on
// where this stops.

const EXECUTIONS = 150;

test("every target has a name of its own, and the corpus knows no others", () => {
  const names = TARGETS.map(({ name }) => name);
  expect(names.length).toBe(new Set(names).size);
  expect(corpusNames().filter((name) => !names.includes(name))).toEqual([]);
});

test.each(TARGETS.map((target) => [target.name, target] as const))(
  "%s: whatever is in the corpus is accepted, or refused in its words",
  async (name, target) => {
    const finds: string[] = [];
    for (const sample of corpusOf(name)) {
      const outcome = await attempt(target, sample.bytes);
      if (outcome.kind === "find") finds.push(`${sample.name}: ${outcome.detail}`);
    }
    expect(finds).toEqual([]);
  },
);

describe("property", () => {
  test.each(TARGETS.map((target) => [target.name, target] as const))(
    "%s: whatever has structure is accepted, or refused in its words",
    async (_, target) => {
      let accepted = 0;
      await fc.assert(
        fc.asyncProperty(target.structured, async (input) => {
          const outcome = await attempt(target, input);
          if (outcome.kind === "accepted") accepted++;
          return outcome.kind === "find" ? Promise.reject(new Error(outcome.detail)) : undefined;
        }),
        { numRuns: 60 },
      );
      // A generator of which nothing is ever taken never meets the deeper parts.
      expect(accepted).toBeGreaterThan(0);
    },
  );
});

test("a short budget of mutations of all of it finds nothing", async () => {
  const seed = Date.now() % 2 ** 31;
  const { tallies, finds } = await fuzzAside({
    module: join(import.meta.dir, "targets.ts"),
    targets: TARGETS.map(({ name }) => name),
    seed,
    executions: EXECUTIONS,
    // How fast a parser is, the long form asks: here others may have the processor.
    slowest: 60_000,
    patience: 60_000,
  });
  const executions = tallies.reduce((sum, tally) => sum + tally.executions, 0);
  process.stderr.write(`fuzz: ${executions} executions, ${tallies.length} targets, seed ${seed}\n`);
  expect(finds.map(({ input, ...find }) => ({ ...find, input: input.toBase64() }))).toEqual([]);
  expect(tallies.map(({ target }) => target)).toEqual(TARGETS.map(({ name }) => name));
  expect(Math.min(...tallies.map((tally) => tally.executions))).toBeGreaterThanOrEqual(EXECUTIONS);
}, 120_000);
