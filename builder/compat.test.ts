import { expect, test } from "bun:test";
import { parseOperations } from "../format/wire/operations.ts";
import { failureOf } from "../tests/support/failure.ts";
import { fileSlot, selfSlot, treeSlot } from "../tests/support/packages.ts";
import { checkCompatible } from "./compat.ts";
import type { SlotInput } from "./slot-input.ts";

const file = (operations: string, rest: Partial<SlotInput> = {}) =>
  fileSlot("f", "x", { operations: parseOperations(operations), ...rest });
const tree = (operations: string, target: string) =>
  treeSlot("t", "/tree", { operations: parseOperations(operations), target });

const check = (slots: readonly SlotInput[], command = "true") =>
  checkCompatible({ execution: { primarySlot: 0, command, env: {} } }, slots);
const many = (count: number) => Array.from({ length: count }, () => file("raw"));

test.each<[string, readonly SlotInput[], string]>([
  [
    "every chain that runs",
    [file("raw"), file("gzip"), tree("tar", "a"), tree("tgz", "b"), tree("tgz", "")],
    "",
  ],
  ["as many slots as run", many(123), ""],
  ["a nested target of a file", [file("raw", { target: "a/b/c" })], ""],
  ["placeholders that are known", [], "env {workenv}/bin/{package_name} {version} {slot} {slot:} {other}"],
])("%s pass", (_, slots, command) => {
  expect(() => check(slots, command)).not.toThrow();
});

const ONLY = "only raw, tar, gzip, tar|gzip run";

test.each<[string, readonly SlotInput[], string, readonly string[]]>([
  ["the chain of files", [fileSlot("f", "x")], "", [`slots[0] (f): operations "zstd", ${ONLY}`]],
  ["the chain of folders", [treeSlot("t", "/t")], "", [`slots[0] (t): operations "tar|zstd", ${ONLY}`]],
  ["other chains", [file("raw"), file("gzip|gzip")], "", [`slots[1] (f): operations "gzip|gzip", ${ONLY}`]],
  ["the package itself", [selfSlot("s")], "", ["slots[0] (s): the Go launcher crashes on $SELF"]],
  [
    "a nested folder",
    [tree("tgz", "a/b")],
    "",
    ['slots[0] (t): an archive\'s target must have one part, got "a/b"'],
  ],
  [
    "a nested archive",
    [file("tgz", { target: "a/b" })],
    "",
    ['slots[0] (f): an archive\'s target must have one part, got "a/b"'],
  ],
  ["too many slots", many(124), "", ["slots: 124, at most 123 run"]],
  ...["{slot:0}", "{primary}", "{os}", "{arch}", "{platform}", "{bun}"].map(
    (name): [string, readonly SlotInput[], string, readonly string[]] => [
      name,
      [],
      `run a${name}b`,
      [`execution.command: ${name} is not known there`],
    ],
  ),
])("%s is refused", async (_, slots, command, problems) => {
  const error = await failureOf(() => check(slots, command));
  expect(error).toMatchObject({
    code: "build-failed",
    message: "Cannot build a package for FlavorPack's own launchers",
    problems,
    hint: "without --compat flavorpack, flavor's launcher runs all of it",
  });
});

test("all of it is said at once", async () => {
  const slots = [selfSlot("s"), treeSlot("t", "/t", { target: "a/b" }), ...many(122)];
  const { problems } = await failureOf(() => check(slots, "{bun} {slot:12} {bun}"));
  expect(problems.map((line) => line.slice(0, 28))).toEqual([
    "slots[0] (s): the Go launche",
    'slots[1] (t): operations "ta',
    "slots[1] (t): an archive's t",
    "slots: 124, at most 123 run",
    "execution.command: {bun} is ",
    "execution.command: {slot:12}",
  ]);
});
