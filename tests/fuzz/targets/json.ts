import fc from "fast-check";
import { PspfError } from "../../../format/errors.ts";
import { type Json, parseStrictJson } from "../../../format/wire/strict-json.ts";
import { must, type Target } from "../target.ts";
import { oddText, textOf, utf8 } from "./material.ts";

/** Object.create(null) or not, -0 or 0: as JSON both are the same. */
const isSameJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const tokensOfJson = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ..."{}[],:",
        '"a"',
        '"__proto__"',
        "1",
        "-0",
        "1e999",
        "true",
        "null",
        " ",
        "\n",
        '"\\u0061"',
        '"\\ud800"',
      ),
      oddText(4).map((text) => JSON.stringify(text)),
    ),
    { maxLength: 30 },
  )
  .map((tokens) => utf8(tokens.join("")));

/** JSON as all that is signed is written. */
export const strictJson: Target = {
  name: "json",
  allowed: ["metadata-invalid"],
  structured: fc.oneof(fc.json().map(utf8), tokensOfJson),
  tokens: ["{", "}", "[", "]", '"', ":", ",", "\\u", "\\ud83d", '"__proto__":', "-", "e+", "true", "null"],
  run(input) {
    const text = textOf(input);
    let ours: Json;
    try {
      ours = parseStrictJson(text);
    } catch (error) {
      must(
        !(error instanceof PspfError) || isOwnRule(error) || !parses(text),
        "nothing that is JSON is refused but by our own rules",
      );
      throw error;
    }
    must(parses(text), "what is accepted is JSON");
    must(isSameJson(ours, JSON.parse(text)), "it means what JSON.parse says");
    return typeof ours;
  },
};

const isOwnRule = ({ message }: PspfError): boolean =>
  /stands twice|nested too deeply|surrogate/.test(message);

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
