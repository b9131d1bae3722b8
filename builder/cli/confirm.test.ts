import { expect, test } from "bun:test";
import { PassThrough } from "node:stream";
import { confirm } from "./confirm.ts";

test.each([
  ["y\n", true],
  ["YES\n", true],
  [" y \n", true],
  ["n\n", false],
  ["\n", false],
  ["yup\n", false],
  ["", false],
])("the answer %j means %p", async (answer, expected) => {
  const input = new PassThrough();
  const output = new PassThrough();
  const result = confirm("remove it?", input, output);
  input.end(answer);
  expect(await result).toBe(expected);
  expect(String(output.read())).toContain("remove it? [y/N] ");
});
