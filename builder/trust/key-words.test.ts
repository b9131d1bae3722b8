import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { EMPTY_STORE, type TrustStore } from "../../format/trust/trust-store.ts";
import { failureOf } from "../../tests/support/failure.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { keyCalled, readKey, readKeyOrStatement } from "./key-words.ts";

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
});
afterEach(() => dir[Symbol.dispose]());
const at = (name: string) => join(dir.path, name);

const [A, B] = ["a", "b"].map((digit) => digit.repeat(64)) as [string, string];
const storeWith = (rows: Readonly<Record<string, string>>): TrustStore => ({
  ...EMPTY_STORE,
  keys: Object.entries(rows).map(([name, key]) => ({ key, name, packages: [], added: "" })),
});

test("a key is its digits, in either case, or what is in a file", async () => {
  expect(await readKey(A.toUpperCase())).toBe(A);
  writeFileSync(at("raw"), Buffer.from(A, "hex"));
  expect(await readKey(at("raw"))).toBe(A);
});

test("32 raw bytes are a key, whatever text they look like", async () => {
  const bytes = Buffer.from("{".padEnd(32, "x"));
  writeFileSync(at("raw"), bytes);
  expect(await readKeyOrStatement(at("raw"))).toEqual({ key: bytes.toString("hex") });
});

test("a name means the key that has it, in whichever store", () => {
  const [user, system] = [storeWith({ one: A, same: B }), storeWith({ two: B, same: B })];
  const meant = (word: string) => keyCalled(word, [user, system]);
  expect(["one", "two", "same", A.toUpperCase()].map(meant)).toEqual([A, B, B, A]);
});

test("a name that two keys have is refused, and both are told", async () => {
  const error = await failureOf(() => keyCalled("x", [storeWith({ x: A }), storeWith({ x: B })]));
  expect(error).toMatchObject({ code: "bad-arguments", problems: [A, B] });
  expect(error.message).toEndWith("several keys have that name");
});
