import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { launcherBundle } from "../../builder/launchers/bundle.ts";
import { FAIL_POINTS } from "../../format/io/fail-point.ts";
import { compiledLauncher, testLauncher } from "../support/compiled.ts";

// Fail points are for tests: nothing of them is in what is shipped.

const ROOT = join(import.meta.dir, "..", "..");
const WORDS = ["failPoint", "isWithout", "FLAVOR_TEST_", ...FAIL_POINTS.map((name) => `"${name}"`)];

/** Which of the words are in a file. Bytecode has the text of the program beside it. */
const wordsIn = (text: Buffer): readonly string[] => WORDS.filter((word) => text.includes(word));

test("each fail point has its mark", () => {
  const sources = ["format", "launcher", "builder"].flatMap((part) =>
    [...new Bun.Glob("**/*.ts").scanSync(join(ROOT, part))].map((file) => join(ROOT, part, file)),
  );
  const texts = sources.map((file) => readFileSync(file, "utf8"));
  const isMarked = (name: string) => texts.some((text) => text.includes(`globalThis.failPoint?.("${name}")`));
  expect(FAIL_POINTS.filter((name) => !isMarked(name))).toEqual([]);
});

test("the launcher of the tests has fail points, so that they would be found", async () => {
  const found = wordsIn(readFileSync((await testLauncher()).path));
  expect(found).toContainValues([
    "failPoint",
    "isWithout",
    "FLAVOR_TEST_",
    '"lock-held"',
    '"marker-in-place"',
  ]);
}, 60_000);

test("the shipped launcher has none of them, and nothing that reads variables of tests", async () => {
  expect(wordsIn(readFileSync((await compiledLauncher()).path))).toEqual([]);
  const bundle = await launcherBundle();
  expect(wordsIn(Buffer.concat(bundle.map(({ bytes }) => bytes)))).toEqual([]);
}, 60_000);
