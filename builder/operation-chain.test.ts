import { expect, test } from "bun:test";
import fc from "fast-check";
import { OPERATIONS, type OperationName } from "../format/wire/operations.ts";
import { Operation, OperationChain } from "./operation-chain.ts";

const NAMES = Object.keys(OPERATIONS) as OperationName[];
const chains = fc.array(fc.constantFrom(...NAMES), { maxLength: 8 });

const chainOf = (names: readonly OperationName[]): OperationChain =>
  names.reduce((chain, name) => chain.add(name), new OperationChain());

test("FlavorPack's example: tar, then gzip, is 0x1001", () => {
  const chain = new OperationChain().add(Operation.TAR).add(Operation.GZIP);
  expect(chain.encode()).toBe(0x1001n);
  expect(chain.toString()).toBe("tar|gzip");
});

test("what is encoded comes back, as a number and as text", () => {
  fc.assert(
    fc.property(chains, (names) => {
      const chain = chainOf(names);
      expect(OperationChain.decode(chain.encode()).operations).toEqual(names);
      expect(OperationChain.parse(chain.toString()).operations).toEqual(names);
    }),
  );
});

test("every operation is there under its name, and the table cannot be changed", () => {
  expect(Object.entries(Operation)).toEqual(NAMES.map((name) => [name, name]));
  expect(Object.isFrozen(Operation)).toBe(true);
});

test("a list that was handed out is not the chain's own", () => {
  const chain = new OperationChain().add("TAR");
  (chain.operations as OperationName[]).push("ZSTD");
  expect(chain.encode()).toBe(1n);
});

test.each([
  ["nine operations", () => chainOf(Array.from({ length: 9 }, () => "GZIP" as const)).encode(), "at most 8"],
  ["a code without a name", () => OperationChain.decode(0x0fn), "0x0f"],
  ["a gap", () => OperationChain.decode(0x1b_00_01n), "follows the end"],
  ["a word that is none", () => OperationChain.parse("tar|rar5"), "rar5"],
])("%s is refused", (_, attempt, words) => {
  expect(attempt).toThrow(words);
});
