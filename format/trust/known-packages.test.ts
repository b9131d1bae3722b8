import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { failureOf } from "../../tests/support/failure.ts";
import { utf8 } from "../../tests/support/packages.ts";
import { encodeKnown, type KnownPackage, knownFileName, parseKnown } from "./known-packages.ts";

const KNOWN: KnownPackage = {
  package: "app",
  signer: "ab".repeat(32),
  firstSeen: "2026-01-31T12:00:00.000Z",
  version: "1.0",
  built: "2026-01-30T12:00:00.000Z",
};
const DOCUMENT = {
  schema: "flavor.known/1",
  package: "app",
  signer: KNOWN.signer,
  first_seen: KNOWN.firstSeen,
  version: "1.0",
  built: KNOWN.built,
};

test("a file says what is known", () => {
  expect(JSON.parse(encodeKnown(KNOWN))).toEqual(DOCUMENT);
  expect(parseKnown(utf8(JSON.stringify(DOCUMENT)), "/k.json", "app")).toEqual(KNOWN);
});

test("what is encoded is parsed, whatever a package is called", () => {
  const text = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(text, text, fc.boolean(), (name, version, hasBuilt) => {
      const { built = "", ...rest } = KNOWN;
      const known = { ...rest, package: name, version, ...(hasBuilt ? { built } : {}) };
      expect(parseKnown(utf8(encodeKnown(known)), "/k.json", name)).toEqual(known);
    }),
  );
});

describe("is refused", () => {
  const { signer: _, ...unsigned } = DOCUMENT;
  test.each([
    ["another package's", { ...DOCUMENT, package: "App" }, 'package: expected "app", got "App"'],
    ["without a signer", unsigned, "signer: expected a string, got nothing"],
    ["with a signer that is none", { ...DOCUMENT, signer: "ab" }, "signer: expected a public key"],
    ["with a time that is none", { ...DOCUMENT, built: "+010000-01-01T00:00:00Z" }, "built: expected a time"],
    ["with a null for a time", { ...DOCUMENT, built: null }, "built: expected a string, got null"],
    ["with more", { ...DOCUMENT, trusted: true }, "trusted: is not known"],
  ])("%s", async (_, document, problem) => {
    const failure = await failureOf(() => parseKnown(utf8(JSON.stringify(document)), "/k.json", "app"));
    expect(failure).toMatchObject({
      code: "trust-store-invalid",
      message: "Cannot use what is remembered of a package, /k.json",
      hint: "mend /k.json, or remove it: then the package's next start is its first one",
    });
    expect(failure.problems).toHaveLength(1);
    expect(failure.problems[0]).toContain(problem);
  });

  test("a file that was cut off", async () => {
    const text = encodeKnown(KNOWN);
    for (const end of [0, 1, text.length - 3])
      expect(await failureOf(() => parseKnown(utf8(text.slice(0, end)), "/k.json", "app"))).toMatchObject({
        code: "trust-store-invalid",
      });
  });
});

describe("the name of a package's file", () => {
  test.each([
    ["app", "app.json"],
    ["my-app_2.0", "my-app_2.0.json"],
    ["App", "%41pp.json"],
    [".app", "%2eapp.json"],
    ["..", "%2e..json"],
    ["../../etc/x", "%2e.%2f..%2fetc%2fx.json"],
    ["a/b", "a%2fb.json"],
    ["a\\b:c", "a%5cb%3ac.json"],
    ["a b", "a%20b.json"],
    ["%41pp", "%2541pp.json"],
    ["ü", "%c3%bc.json"],
    ["a\0", "a%00.json"],
    // Windows knows these, with anything behind a dot.
    ["con", "%63on.json"],
    ["nul.txt", "%6eul.txt.json"],
    ["com1", "%63om1.json"],
    ["console", "console.json"],
  ])("%j is %j", (name, file) => {
    expect(knownFileName(name)).toBe(file);
  });

  test("of a long one, and of none", () => {
    expect(knownFileName("a".repeat(200))).toBe(`${"a".repeat(200)}.json`);
    expect(knownFileName("a".repeat(201))).toMatch(/^%%[0-9a-f]{64}\.json$/);
    expect(knownFileName("")).toMatch(/^%%[0-9a-f]{64}\.json$/);
  });

  test("is one name in one folder, and no two are the same, also where case does not count", () => {
    const name = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: fc.constantFrom("a", "A", ".", "/", "%", "4", "1", "\\", ":"), maxLength: 6 }),
      fc.constantFrom("con", "CON", "Con", "aux.c", "lpt9"),
    );
    fc.assert(
      fc.property(name, name, (a, b) => {
        expect(knownFileName(a)).toMatch(/^(?!\.)[a-z0-9._%-]{1,205}$/);
        expect(knownFileName(a) === knownFileName(b).toLowerCase()).toBe(a === b);
      }),
    );
  });
});
