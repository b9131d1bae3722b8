import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { failureOf } from "../../tests/support/failure.ts";
import { utf8 } from "../../tests/support/packages.ts";
import { EMPTY_STORE, encodeTrustStore, parseTrustStore, type TrustStore } from "./trust-store.ts";

const KEY = "ab".repeat(32);
const OTHER = "cd".repeat(32);
const TIME = "2026-01-31T12:00:00Z";
const SIGNATURE = `${"A".repeat(86)}==`;
const SCHEMA = { schema: "flavor.trust/1" };

const parse = (document: unknown): TrustStore => parseTrustStore(utf8(JSON.stringify(document)), "/t.json");

test("a store without anything", () => {
  expect(parse(SCHEMA)).toEqual(EMPTY_STORE);
  expect(parse({ ...SCHEMA, keys: [], revoked: [], statements: [] })).toEqual(EMPTY_STORE);
});

test("what is encoded is parsed", () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => bytes.toHex());
  const time = fc
    .date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true })
    .map((date) => date.toISOString());
  const text = fc.string({ unit: "binary" });
  const line = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 20 });
  const distinct = { selector: (row: { key: string }) => row.key };
  const signed = { created: fc.constant(TIME), signature: fc.constant(SIGNATURE) };
  const store: fc.Arbitrary<TrustStore> = fc.record({
    keys: fc.uniqueArray(
      fc.record({ key, name: text, packages: fc.array(text.filter((it) => it !== "")), added: time }),
      distinct,
    ),
    revoked: fc.uniqueArray(fc.record({ key, reason: text, revoked: time }), distinct),
    statements: fc.array(
      fc.oneof(
        fc
          .record({ ...signed, from: key, to: key, packages: fc.array(line) })
          .filter(({ from, to }) => from !== to)
          .map((rotation) => ({ kind: "rotation" as const, ...rotation })),
        fc.record({ ...signed, key, reason: line }).map((it) => ({ kind: "revocation" as const, ...it })),
      ),
    ),
  });
  fc.assert(
    fc.property(store, (value) =>
      expect(parseTrustStore(utf8(encodeTrustStore(value)), "/t.json")).toEqual(value),
    ),
  );
});

const row = { key: KEY, name: "A", packages: [], added: TIME };
const gone = { key: KEY, reason: "", revoked: TIME };

describe("is refused, with every mistake", () => {
  test.each([
    [{ keys: [] }, ["schema: expected a string, got nothing"]],
    [{ ...SCHEMA, trusted: [] }, ["trusted: is not known, expected schema, keys, revoked, statements"]],
    [{ ...SCHEMA, keys: {} }, ["keys: expected an array, got an object"]],
    [
      { ...SCHEMA, keys: [{}] },
      [
        "keys[0].key: expected a string, got nothing",
        "keys[0].name: expected a string, got nothing",
        "keys[0].added: expected a string, got nothing",
      ],
    ],
    [
      { ...SCHEMA, keys: [{ ...row, key: KEY.toUpperCase() }] },
      [
        `keys[0].key: expected a public key of 64 lower-case hex digits, got "${KEY.toUpperCase().slice(0, 60)}…"`,
      ],
    ],
    [
      { ...SCHEMA, keys: [{ ...row, added: "yesterday", pattern: "*" }] },
      [
        "keys[0].pattern: is not known, expected key, name, packages, added",
        'keys[0].added: expected a time such as 2026-01-31T12:00:00Z, got "yesterday"',
      ],
    ],
    [
      { ...SCHEMA, keys: [{ ...row, packages: ["a", "", 5] }] },
      [
        "keys[0].packages[2]: expected a string, got 5",
        "keys[0].packages[1]: an empty pattern fits no package",
        "keys[0].packages[2]: an empty pattern fits no package",
      ],
    ],
    [{ ...SCHEMA, keys: [row, { ...row, name: "B" }] }, [`keys[1].key: stands twice: ${KEY}`]],
    [{ ...SCHEMA, revoked: [gone, gone] }, [`revoked[1].key: stands twice: ${KEY}`]],
    [
      { ...SCHEMA, revoked: [{ key: OTHER, revoked: TIME, why: "x" }] },
      [
        "revoked[0].why: is not known, expected key, reason, revoked",
        "revoked[0].reason: expected a string, got nothing",
      ],
    ],
  ])("%j", async (document, problems) => {
    expect(await failureOf(() => parse(document))).toMatchObject({
      code: "trust-store-invalid",
      exitCode: 109,
      message: "Cannot use the trust store /t.json",
      problems,
      hint: expect.stringContaining("/t.json"),
    });
  });

  test("a statement in it that is none", async () => {
    const statement = {
      schema: "flavor.statement/1",
      kind: "revocation",
      key: "x",
      reason: "",
      created: TIME,
    };
    const { problems } = await failureOf(() => parse({ ...SCHEMA, statements: [statement] }));
    expect(problems.map((line) => line.split(":")[0])).toEqual([
      "statements[0].signature",
      "statements[0].key",
    ]);
  });
});
