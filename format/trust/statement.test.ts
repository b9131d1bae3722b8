import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { keyPairFromText } from "../seal/keys.ts";
import { signWith } from "../seal/sign.ts";
import type { Bytes } from "../types.ts";
import { toHex } from "../wire/hashes.ts";
import { Problems } from "../wire/problems.ts";
import { parseStrictJson } from "../wire/strict-json.ts";
import {
  authorOf,
  isGenuine,
  messageOf,
  parseStatement,
  signStatement,
  type Statement,
  statementDocument,
  type UnsignedStatement,
} from "./statement.ts";

const OLD = keyPairFromText("old");
const NEW = keyPairFromText("new");
const hex = ({ publicKey }: { readonly publicKey: Bytes }) => toHex(publicKey);
const byOld = (message: Bytes) => signWith(OLD.seed, message);

const ROTATION: UnsignedStatement = {
  kind: "rotation",
  from: hex(OLD),
  to: hex(NEW),
  packages: ["app", "tools-*"],
  created: "2026-01-31T12:00:00Z",
};
const REVOCATION: UnsignedStatement = {
  kind: "revocation",
  key: hex(OLD),
  reason: "the laptop was stolen",
  created: "2026-02-01T00:00:00.123Z",
};

/** A document as it comes from a file. */
const parsed = (value: unknown): { readonly statement: Statement; readonly found: readonly string[] } => {
  const problems = new Problems();
  const statement = parseStatement(parseStrictJson(JSON.stringify(value)), "", problems);
  return { statement, found: problems.found };
};

test("the signed text of a rotation and of a revocation", () => {
  const text = (statement: UnsignedStatement) => new TextDecoder().decode(messageOf(statement));
  expect(text(ROTATION)).toBe(
    `flavor statement 1\nrotation\nfrom: ${hex(OLD)}\nto: ${hex(NEW)}\ncreated: 2026-01-31T12:00:00Z\n` +
      "package: app\npackage: tools-*\n",
  );
  expect(text(REVOCATION)).toBe(
    `flavor statement 1\nrevocation\nkey: ${hex(OLD)}\ncreated: 2026-02-01T00:00:00.123Z\n` +
      "reason: the laptop was stolen\n",
  );
});

describe.each([ROTATION, REVOCATION])("a $kind", (unsigned) => {
  test("goes through JSON and is still genuine", async () => {
    const statement = await signStatement(unsigned, byOld);
    const { statement: back, found } = parsed(statementDocument(statement));
    expect({ back, found }).toEqual({ back: statement, found: [] });
    expect(authorOf(back)).toBe(hex(OLD));
    expect(await isGenuine(back)).toBe(true);
  });

  test("by anybody else is not genuine", async () => {
    const forged = await signStatement(unsigned, async (message) => signWith(NEW.seed, message));
    expect(await isGenuine(forged)).toBe(false);
  });

  test("is not genuine with any member changed", async () => {
    const document = statementDocument(await signStatement(unsigned, byOld));
    const changes: readonly (readonly [string, unknown])[] = [
      ["from", hex(NEW).replace(/^./, "0")],
      ["to", hex(OLD).replace(/^./, "0")],
      ["key", hex(NEW)],
      ["created", "2026-01-31T12:00:01Z"],
      ["reason", "the laptop was stolen."],
      ["packages", []],
      ["packages", ["tools-*", "app"]],
      ["packages", ["app", "tools-*", "*"]],
    ];
    const fitting = changes.filter(([name]) => Object.hasOwn(document, name));
    expect(fitting.length).toBeGreaterThan(2);
    for (const [name, value] of fitting) {
      const { statement, found } = parsed({ ...document, [name]: value });
      expect({ name, found }).toEqual({ name, found: [] });
      expect({ name, value, genuine: await isGenuine(statement) }).toEqual({ name, value, genuine: false });
    }
  });
});

test("what is signed for a statement is never the JSON of a package", () => {
  for (const statement of [ROTATION, REVOCATION])
    expect(() => parseStrictJson(new TextDecoder().decode(messageOf(statement)))).toThrow("expected a value");
});

const SIGNATURE = `${"A".repeat(86)}==`;
const GOOD = { schema: "flavor.statement/1", ...ROTATION, signature: SIGNATURE };
const REVOKED = { schema: "flavor.statement/1", ...REVOCATION, signature: SIGNATURE };

test.each<[unknown, string | RegExp]>([
  [null, "expected an object, got null"],
  [[], "expected an object, got an array"],
  [{ ...GOOD, schema: "flavor.statement/2" }, /^schema: expected one of flavor\.statement\/1/],
  [{ ...GOOD, kind: "promise" }, /^kind: expected one of rotation, revocation/],
  [{ ...GOOD, from: "ab" }, 'from: expected a public key of 64 lower-case hex digits, got "ab"'],
  [{ ...GOOD, to: hex(NEW).toUpperCase() }, /^to: expected a public key of 64 lower-case hex digits/],
  [{ ...GOOD, to: hex(OLD) }, 'to: the same key as in "from"'],
  [{ ...GOOD, packages: "app" }, 'packages: expected an array, got "app"'],
  [{ ...GOOD, packages: ["a\nb"] }, "packages[0]: expected one line of text without control characters"],
  [{ ...GOOD, packages: ["a", ""] }, "packages: an empty pattern fits no package"],
  [{ ...GOOD, packages: Array(101).fill("a") }, "packages: 101 are too many, at most 100"],
  [{ ...GOOD, packages: ["a".repeat(1001)] }, "packages[0]: 1001 characters are too many, at most 1000"],
  [{ ...GOOD, created: "yesterday" }, /^created: expected a time such as/],
  [{ ...GOOD, created: "2026-13-31T12:00:00Z" }, /^created: expected a time such as/],
  [{ ...GOOD, created: "2026-01-31T12:00:00+01:00" }, /^created: expected a time such as/],
  [{ ...GOOD, signature: "AAAA" }, 'signature: expected 64 bytes in base64, got "AAAA"'],
  [{ ...GOOD, signature: `${"A".repeat(85)}B==` }, /^signature: expected 64 bytes in base64/],
  [{ ...GOOD, reason: "none" }, "reason: a rotation has no such member"],
  [{ ...REVOKED, to: hex(NEW) }, "to: a revocation has no such member"],
  [{ ...REVOKED, reason: "a\u2028b" }, "reason: expected one line of text without control characters"],
  [{ ...REVOKED, reason: 5 }, "reason: expected a string, got 5"],
  [{ ...REVOKED, key: null }, "key: expected a string, got null"],
])("malformed, case %#: refused", (document, problem) => {
  const { found } = parsed(document);
  const matching = found.filter((line) =>
    typeof problem === "string" ? line === problem : problem.test(line),
  );
  expect({ found, matching: matching.length }).toEqual({ found, matching: 1 });
});

test("half of a surrogate pair, which has no bytes that could be signed: refused", () => {
  const problems = new Problems();
  parseStatement({ ...GOOD, packages: ["\ud800"] }, "", problems);
  expect(problems.found).toEqual(["packages[0]: expected one line of text without control characters"]);
});

test("two statements never have the same signed bytes", () => {
  const text = fc.oneof(
    fc.constantFrom("package: a", "to: b", "created: ", "", " "),
    fc.string({ unit: "grapheme" }).filter((it) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(it)),
  );
  const statement = fc.record({
    kind: fc.constant("rotation" as const),
    from: fc.constantFrom(hex(OLD), hex(NEW)),
    to: fc.constantFrom(hex(OLD), hex(NEW)),
    packages: fc.array(text, { maxLength: 3 }),
    created: fc.constantFrom("2026-01-31T12:00:00Z", "2026-01-31T12:00:01Z"),
  });
  fc.assert(
    fc.property(statement, statement, (one, two) => {
      fc.pre(!Bun.deepEquals(one, two));
      expect(toHex(messageOf(one))).not.toBe(toHex(messageOf(two)));
    }),
  );
});
