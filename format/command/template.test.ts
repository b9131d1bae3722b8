import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fillTemplate, type Scope, usesBun } from "./template.ts";

const SCOPE: Scope = {
  workenv: "/cache/0123 with blank",
  packageName: "app",
  version: "1.2.3",
  slots: ["/cache/0/bin", "/cache/0/share"],
  primarySlot: 1,
  os: "linux",
  arch: "amd64",
  bun: "/cache/.0.pspf/bun/bun",
};

test.each([
  ["{workenv}/bin/x", "/cache/0123 with blank/bin/x"],
  ["{package_name}-{version}", "app-1.2.3"],
  ["{slot:0}:{slot:1}", "/cache/0/bin:/cache/0/share"],
  ["{slot:00}", "/cache/0/bin"],
  ["{primary}", "/cache/0/share"],
  ["{os}/{arch}/{platform}", "linux/amd64/linux_amd64"],
  ["{bun}", "/cache/.0.pspf/bun/bun"],
  ["{workenv}{workenv}", "/cache/0123 with blank/cache/0123 with blank"],
  ["{{version}}", "{1.2.3}"],
  ["no placeholder", "no placeholder"],
  ["", ""],
])("%j becomes %j", (template, filled) => {
  expect(fillTemplate(template, SCOPE)).toBe(filled);
});

test.each([
  "{}",
  "{WORKENV}",
  "{ workenv }",
  "{python}",
  "{slot}",
  "{slot:}",
  "{slot:-1}",
  "{slot:x}",
  "{slot:0",
  "workenv}",
  "$" + "{workenv",
  '{"json": true}',
])("%j stays as it is", (text) => {
  expect(fillTemplate(text, SCOPE)).toBe(text);
});

test.each(["{slot:2}", "{slot:99999999999999999999}"])("%j is refused: there are two slots", (template) => {
  expect(() => fillTemplate(template, SCOPE)).toThrow(
    expect.objectContaining({ code: "command-invalid", message: expect.stringContaining(template) }),
  );
});

test("{primary} without any slot is refused", () => {
  expect(() => fillTemplate("{primary}", { ...SCOPE, slots: [], primarySlot: 0 })).toThrow("{primary}");
});

test("a value is put in as it is: nothing in it is filled in again or means anything to replace()", () => {
  const odd = { ...SCOPE, workenv: "/{version}/$&/$1/{slot:9}", packageName: "$$" };
  expect(fillTemplate("{workenv} {package_name}", odd)).toBe("/{version}/$&/$1/{slot:9} $$");
});

describe("for any text", () => {
  test("without braces it is the same", () => {
    const text = fc.string({ unit: "grapheme" }).filter((it) => !it.includes("{"));
    fc.assert(fc.property(text, (it) => expect(fillTemplate(it, SCOPE)).toBe(it)));
  });

  test("around a placeholder it is the same", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "}", " ", "/", "$", "é") });
    fc.assert(
      fc.property(text, text, (before, after) =>
        expect(fillTemplate(`${before}{version}${after}`, SCOPE)).toBe(`${before}1.2.3${after}`),
      ),
    );
  });
});

test("property: it does what a regular expression would", () => {
  const names = "slot:(\\d+)|(workenv|primary|package_name|version|os|arch|platform|bun)";
  const values = { ...SCOPE, primary: "/cache/0/share", package_name: "app", platform: "linux_amd64" };
  const model = (text: string) =>
    text.replace(new RegExp(`\\{(?:${names})\\}`, "g"), (_, slot, name) =>
      slot === undefined ? values[name as "os"] : (SCOPE.slots[Number(slot)] as string),
    );
  const pieces = fc.constantFrom(
    "{",
    "}",
    "slot:",
    "0",
    "1",
    "os",
    "workenv",
    "primary",
    "platform",
    "{bun}",
    "x",
    "$&",
  );
  const isThere = (text: string) => !/\{slot:\d{2,}\}/.test(text);
  fc.assert(
    fc.property(
      fc
        .array(pieces, { maxLength: 12 })
        .map((all) => all.join(""))
        .filter(isThere),
      (text) => expect(fillTemplate(text, SCOPE)).toBe(model(text)),
    ),
    { numRuns: 1000 },
  );
});

test.each([
  ["{bun} main.ts", true],
  ["sh -c '{bun}'", true],
  ["bun main.ts", false],
  ["{bunny}", false],
])("whether %j uses Bun: %p", (template, uses) => {
  expect(usesBun(template)).toBe(uses);
});
