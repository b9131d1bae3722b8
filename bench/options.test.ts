import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { PspfError } from "../format/errors.ts";
import { outputOf, parseOptions } from "./options.ts";

const NAMES = ["cold", "warm"];
const DEFAULTS = {
  quick: false,
  only: [],
  rounds: undefined,
  dir: undefined,
  disk: undefined,
  out: undefined,
  keep: false,
};

test.each([
  [[], {}],
  [["--quick"], { quick: true }],
  [["--only", "cold", "warm"], { only: ["cold", "warm"] }],
  [["--only", "cold", "--only", "warm", "--keep"], { only: ["cold", "warm"], keep: true }],
  [["--rounds", "20"], { rounds: 20 }],
  [["--dir", "a", "--disk", "b", "--out", "c"], { dir: resolve("a"), disk: resolve("b"), out: resolve("c") }],
])("%p", (args, expected) => {
  expect(parseOptions(args, NAMES)).toEqual({ ...DEFAULTS, ...expected });
});

test.each([
  [["--only", "nothing"], "there is no row nothing"],
  [["cold"], "cold is no option"],
  [["--rounds", "0"], "--rounds is 0, wanted a number from 1"],
  [["--rounds", "1e3"], "--rounds is 1e3, wanted a number from 1"],
  [["--fast"], "Unknown option '--fast'"],
  [["--rounds"], "Option '--rounds <value>' argument missing"],
])("%p is refused in one line", (args, state) => {
  try {
    parseOptions(args, NAMES);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(PspfError);
    const { message, code, hint } = error as PspfError;
    expect({ message, code }).toEqual({
      message: `Cannot run the benchmark: ${state}`,
      code: "bad-arguments",
    });
    expect(hint).toContain("usage: npm run bench -- [--quick]");
  }
});

test.each([
  [[], "committed"],
  [["--rounds", "3"], "committed"],
  [["--quick"], undefined],
  [["--only", "cold"], undefined],
  [["--quick", "--out", "/a"], "/a"],
  [["--out", "/a"], "/a"],
])("what %p finds goes to %p", (args, expected) => {
  expect(outputOf(parseOptions(args, NAMES), "committed")).toBe(expected as string);
});
