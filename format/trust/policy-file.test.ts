import { describe, expect, test } from "bun:test";
import { failureOf } from "../../tests/support/failure.ts";
import { utf8 } from "../../tests/support/packages.ts";
import { VALIDATION_LEVELS } from "./levels.ts";
import { NO_POLICY, parsePolicy } from "./policy-file.ts";

const parse = (document: unknown) =>
  parsePolicy(utf8(typeof document === "string" ? document : JSON.stringify(document)), "/p.json");
const SCHEMA = { schema: "flavor.policy/1" };

test("a policy that asks for nothing is as good as none", () => {
  expect(parse(SCHEMA)).toEqual(NO_POLICY);
});

test("all that can be asked", () => {
  for (const lowest_validation of VALIDATION_LEVELS)
    for (const trust of ["anyone", "listed", "system"] as const)
      for (const rollback of ["allow", "refuse"] as const)
        expect(parse({ ...SCHEMA, lowest_validation, trust, rollback })).toEqual({
          lowestValidation: lowest_validation,
          trust,
          rollback,
        });
});

describe("is refused, with every mistake", () => {
  test.each([
    [{}, ["schema: expected a string, got nothing"]],
    [{ schema: "flavor.policy/2" }, ['schema: expected "flavor.policy/1", got "flavor.policy/2"']],
    [
      { ...SCHEMA, lowest_validation: "Strict", trust: "none", rollback: true },
      [
        'lowest_validation: expected one of strict, standard, relaxed, minimal, none, got "Strict"',
        'trust: expected one of anyone, listed, system, got "none"',
        "rollback: expected one of allow, refuse, got true",
      ],
    ],
    // What was meant to forbid something must not be passed over: null is no word either.
    [
      { ...SCHEMA, lowest_validation: null, lowest: "strict", "a\nb": 1 },
      [
        "lowest: is not known, expected schema, lowest_validation, trust, rollback",
        '["a\\nb"]: is not known, expected schema, lowest_validation, trust, rollback',
        "lowest_validation: expected one of strict, standard, relaxed, minimal, none, got null",
      ],
    ],
    [[], ["expected an object, got an array", "schema: expected a string, got nothing"]],
  ])("%j", async (document, problems) => {
    expect(await failureOf(() => parse(document))).toMatchObject({
      code: "policy-invalid",
      exitCode: 109,
      message: "Cannot use the policy of this machine /p.json",
      problems,
      hint: expect.stringContaining("/p.json"),
    });
  });

  test.each([
    ["", "expected a value at line 1, column 1"],
    ['{"schema":"flavor.policy/1","trust":"anyone","trust":"system"}', 'the key "trust" stands twice'],
    ['{"schema":"flavor.policy/1"} {}', "text after the end of the document"],
    ['{"schema":', "expected a value"],
  ])("%j", async (text, state) => {
    expect(await failureOf(() => parse(text))).toMatchObject({
      code: "policy-invalid",
      message: expect.stringContaining(`Cannot use the policy of this machine /p.json: ${state}`),
    });
  });

  test("bytes that are no text", async () => {
    expect(await failureOf(() => parsePolicy(Uint8Array.of(0x7b, 0xff), "/p.json"))).toMatchObject({
      code: "policy-invalid",
      message: "Cannot use the policy of this machine /p.json: it is not UTF-8",
    });
  });
});
