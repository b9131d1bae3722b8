import type { Bytes } from "../../../format/types.ts";
import { type Document, text } from "../surgery.ts";
import type { Row } from "./row.ts";

const MIB = 1024 * 1024;

type Reading = readonly [name: string, edit: (json: string) => string | Bytes, words: string];

const READINGS: readonly Reading[] = [
  [
    "a key twice",
    (json) => json.replace('"execution": {', '"execution": {}, "execution": {'),
    'the key "execution" stands twice',
  ],
  [
    "a key twice, once escaped",
    (json) => json.replace('"execution": {', '"\\u0065xecution": {}, "execution": {'),
    'the key "execution" stands twice',
  ],
  [
    "a key twice, deep inside",
    (json) => json.replace('"command":', '"command": "evil", "command":'),
    'the key "command" stands twice',
  ],
  [
    "a key in capitals",
    (json) => json.replace('"execution": {', '"EXECUTION": {}, "execution": {'),
    'EXECUTION: a key in the wrong case, expected "execution"',
  ],
  [
    "a key with a capital, deep inside",
    (json) => json.replace('"command":', '"Command": "evil", "command":'),
    'execution.Command: a key in the wrong case, expected "command"',
  ],
  [
    "a key with a long s",
    (json) => json.replace('"slots":', '"\u017flots": [], "slots":'),
    'a key in the wrong case, expected "slots"',
  ],
  [
    "a key with a Kelvin sign",
    (json) => json.replace('"package":', '"pac\u212aage": {}, "package":'),
    'a key in the wrong case, expected "package"',
  ],
  ["text behind it", (json) => `${json} {}`, "text after the end of the document"],
  ["a NUL behind it", (json) => `${json}\u0000`, "text after the end of the document"],
  ["a byte order mark", (json) => `\ufeff${json}`, "expected a value at line 1, column 1"],
  ["a comment", (json) => json.replace("{", "{ // it is only JSON\n"), "expected a string"],
  ["a comma too many", (json) => json.replace(/\}$/, ",}"), "expected a string"],
  ["NaN", (json) => json.replace('"primary_slot": 0', '"primary_slot": NaN'), "expected a value"],
  [
    "a number with a zero in front",
    (json) => json.replace('"primary_slot": 0', '"primary_slot": 00'),
    'expected "," or "}"',
  ],
  [
    "half a surrogate pair",
    (json) => json.replace('"bin/run.sh"', '"bin/\\ud800"'),
    "half of a surrogate pair",
  ],
  [
    "bytes that are not UTF-8",
    (json) => new Uint8Array([...Buffer.from(json, "utf8"), 0xff]),
    "it is not UTF-8",
  ],
  ["nothing", () => "", "expected a value at line 1, column 1"],
  ["a list", () => "[]", "expected an object, got an array"],
  ["null", () => "null", "expected an object"],
  ["66 levels", () => `${"[".repeat(66)}${"]".repeat(66)}`, "nested too deeply"],
  ["half a million levels", () => "[".repeat(MIB / 2), "nested too deeply"],
  [
    "a byte more than 1 MiB",
    (json) => json + " ".repeat(MIB + 1 - json.length),
    "it is larger than 1048576 bytes",
  ],
  ["4 MiB of blanks", (json) => json + " ".repeat(4 * MIB), "it is larger than 1048576 bytes"],
  ["a hundred thousand mistakes", () => `{"slots":[${"0,".repeat(100_000)}0]}`, "more"],
  ["4097 slots", (json) => withSlots(json, 4097), "4097 are too many, at most 4096"],
];

/** JSON that two readers could take for two things, or that no reader should have to take. */
export const JSON_ROWS: readonly Row[] = READINGS.map(([name, edit, words]) => ({
  name: `metadata with ${name}, signed by its author`,
  change: text("the author", edit),
  code: "metadata-invalid",
  words,
}));

function withSlots(json: string, count: number): string {
  const parsed = JSON.parse(json) as Document;
  const { checksum } = parsed.slots[0];
  parsed.slots = Array.from({ length: count }, (_, slot) => {
    const words = { id: "", source: "", target: "x", operations: "", purpose: "", lifecycle: "" };
    return { slot, size: 0, checksum, ...words };
  });
  return JSON.stringify(parsed);
}
