import { describe, expect, test } from "bun:test";
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import { isLong } from "./length.ts";
import { type Mutant, MUTANTS } from "./mutants.ts";

// Who watches the tests: with each of these faults in the program, the test that is there for it fails.

const ROOT = join(import.meta.dir, "..", "..");
const NOT_COPIED = ["node_modules", "dist", ".git"];

const textOf = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const countOf = (text: string, part: string): number => text.split(part).length - 1;

test.each([...MUTANTS])("$name: the text that it changes is there once, and its test is, too", (mutant) => {
  for (const { file, from } of mutant.edits) expect([file, countOf(textOf(file), from)]).toEqual([file, 1]);
  const { file: tests, test: name, title = name } = mutant.caughtBy;
  expect(textOf(tests)).toContain(title);
});

/** A copy of the tree with the fault in it, without what is big or made. */
function plant({ edits }: Mutant, copy: string): void {
  for (const name of readdirSync(ROOT))
    if (!NOT_COPIED.includes(name)) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  for (const { file, from, to } of edits) {
    const text = readFileSync(join(copy, file), "utf8");
    writeFileSync(
      join(copy, file),
      text.replace(from, () => to),
    );
  }
}

/** Errors of types in a copy, but for what a fault leaves unused: a fault that does not even compile proves nothing. */
function typeErrorsIn(copy: string): readonly string[] {
  const { stdout, stderr } = Bun.spawnSync([process.execPath, "check"], { cwd: copy });
  const lines = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("error TS"));
  return lines.filter((line) => !/error TS(6133|6192|6196):/.test(line));
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Whether the test that is there for a fault fails because of it. */
function isCaught(mutant: Mutant): boolean {
  using copy = tempDir("flavor-mutant-");
  plant(mutant, copy.path);
  expect(typeErrorsIn(copy.path)).toEqual([]);
  const parts = mutant.caughtBy.test.split(" > ");
  const pattern = parts.map(escaped).join(" ");
  const { FLAVOR_TORTURE: _, ...env } = process.env;
  const { stderr } = Bun.spawnSync(
    [process.execPath, "test", "--timeout", "60000", mutant.caughtBy.file, "-t", pattern],
    { cwd: copy.path, env, stdout: "ignore", stderr: "pipe" },
  );
  const failed = stderr
    .toString()
    .split("\n")
    .filter((line) => line.startsWith("(fail)"));
  return failed.some((line) => line.includes(mutant.caughtBy.test));
}

/** In the short form only those whose tests need no launcher, and one that does. */
const planted = MUTANTS.filter(
  (mutant, i) => isLong || i === 0 || mutant.caughtBy.file.startsWith("format/"),
);

describe("the tests find", () => {
  test.each(planted)(
    "$name",
    (mutant) => {
      const isFound = isCaught(mutant);
      process.stderr.write(`${isFound ? "caught  " : "SURVIVED"} ${mutant.name}\n`);
      expect(isFound).toBe(true);
    },
    180_000,
  );
});
