import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Statement } from "../../format/trust/statement.ts";
import {
  EMPTY_STORE,
  encodeTrustStore,
  parseTrustStore,
  type TrustStore,
} from "../../format/trust/trust-store.ts";
import { failureOf } from "../../tests/support/failure.ts";
import { withKey, withoutKey, withRevocation, withStatement } from "./edits.ts";

const [A, B, C] = ["a", "b", "c"].map((digit) => digit.repeat(64)) as [string, string, string];
const NOW = new Date("2026-01-31T12:00:00Z");
const LATER = new Date("2026-02-01T12:00:00Z");
const TIME = NOW.toISOString();

const said = (statement: object): Statement =>
  ({ created: TIME, signature: `${"A".repeat(86)}==`, ...statement }) as Statement;
const REVOKED_ITSELF = said({ kind: "revocation", key: A, reason: "" });
const HANDED_OVER = said({
  kind: "rotation",
  from: A,
  to: B,
  packages: [],
  signature: `${"B".repeat(85)}A==`,
});

const acme = (packages: readonly string[] = []) => ({ key: A, name: "Acme", packages, added: TIME });
const storeWith = (more: Partial<TrustStore>): TrustStore => ({ ...EMPTY_STORE, ...more });

test("a key is trusted from now on; without a name, its first digits are it", () => {
  expect(withKey(EMPTY_STORE, { key: A, name: "Acme", packages: ["x", "x", "y-*"] }, NOW)).toEqual(
    storeWith({ keys: [acme(["x", "y-*"])] }),
  );
  expect(withKey(EMPTY_STORE, { key: A, packages: [] }, NOW).keys).toEqual([
    { ...acme(), name: "aaaaaaaaaaaaaaaa" },
  ]);
});

test("a key that is there keeps what is not said anew: it gets further patterns, a new name, or all packages", () => {
  const before = storeWith({ keys: [acme(["x"]), { ...acme(), key: B, name: "B" }] });
  const after = (more: object) => withKey(before, { key: A, packages: [], ...more }, LATER).keys[0];
  expect(after({ packages: ["y", "x"] })).toEqual(acme(["x", "y"]));
  expect(after({ packages: ["x"], name: "New" })).toEqual({ ...acme(["x"]), name: "New" });
  expect(after({})).toEqual(acme([]));
  expect(withKey(before, { key: B, packages: [] }, LATER)).toEqual(before);
});

test.each<[TrustStore, object, RegExp]>([
  [storeWith({ keys: [acme([])] }), { packages: ["x"] }, /it is trusted for any package already$/],
  [storeWith({ revoked: [{ key: A, reason: "", revoked: TIME }] }), {}, /it is revoked there$/],
  [storeWith({ statements: [REVOKED_ITSELF] }), {}, /it is revoked there$/],
  [storeWith({ keys: [{ ...acme(), key: B }] }), { name: "Acme" }, new RegExp(`: so is ${B}$`)],
  [EMPTY_STORE, { name: B }, /: that is a key itself$/],
  [EMPTY_STORE, { name: "a\nb" }, /^Cannot use the name "a\\nb": it must be one line of plain text$/],
  [EMPTY_STORE, { name: "\ud800" }, /^Cannot use the name/],
  [EMPTY_STORE, { packages: [""] }, /^Cannot use an empty pattern/],
  [EMPTY_STORE, { packages: ["\u202e"] }, /^Cannot use the pattern/],
])("case %#: such a key is refused", async (store, more, message) => {
  const error = await failureOf(() => withKey(store, { key: A, packages: [], ...more }, NOW));
  expect(error.code).toBe("bad-arguments");
  expect(error.message).toMatch(message);
});

test("a revoked key is trusted no more, and keeps the time of the first revocation", () => {
  const trusted = storeWith({ keys: [acme(), { ...acme(), key: B, name: "B" }] });
  const once = withRevocation(trusted, { key: A, reason: "lost" }, NOW);
  expect(once).toEqual(
    storeWith({
      keys: [{ ...acme(), key: B, name: "B" }],
      revoked: [{ key: A, reason: "lost", revoked: TIME }],
    }),
  );
  expect(withRevocation(once, { key: A }, LATER)).toEqual(once);
  expect(withRevocation(once, { key: A, reason: "sold" }, LATER).revoked).toEqual([
    { key: A, reason: "sold", revoked: TIME },
  ]);
});

test("a reason that would break lines is refused", async () => {
  const error = await failureOf(() => withRevocation(EMPTY_STORE, { key: A, reason: "a\u2028b" }, NOW));
  expect(error.message).toStartWith("Cannot use the reason ");
});

test("a statement is there once", () => {
  const once = withStatement(EMPTY_STORE, HANDED_OVER);
  expect(once.statements).toEqual([HANDED_OVER]);
  expect(withStatement(once, { ...HANDED_OVER })).toBe(once);
});

test("removing a key takes back all that was said about it, and nothing else", () => {
  const others = storeWith({
    keys: [{ ...acme(), key: C, name: "C" }],
    revoked: [{ key: B, reason: "", revoked: TIME }],
    statements: [said({ kind: "rotation", from: C, to: A, packages: [], signature: `${"C".repeat(85)}A==` })],
  });
  const full: TrustStore = {
    keys: [acme(), ...others.keys],
    revoked: [{ key: A, reason: "", revoked: TIME }, ...others.revoked],
    statements: [REVOKED_ITSELF, HANDED_OVER, ...others.statements],
  };
  expect(withoutKey(full, A)).toEqual(others);
  expect(withoutKey(others, A)).toEqual(others);
});

test("whatever is done in whatever order, the store can be read again", () => {
  const key = fc.constantFrom(A, B, C);
  const text = fc.constantFrom("one", "two", "x-*", "");
  const edit = fc.oneof(
    fc
      .record({ key, name: text, packages: fc.array(text, { maxLength: 2 }) })
      .map((wanted) => (store: TrustStore) => withKey(store, wanted, NOW)),
    fc.record({ key, reason: text }).map((it) => (store: TrustStore) => withRevocation(store, it, NOW)),
    key.map((it) => (store: TrustStore) => withoutKey(store, it)),
    fc.constantFrom(REVOKED_ITSELF, HANDED_OVER).map((it) => (store: TrustStore) => withStatement(store, it)),
  );
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 12 }), (edits) => {
      let store = EMPTY_STORE;
      for (const change of edits) {
        try {
          store = change(store);
        } catch (error) {
          expect(error).toMatchObject({ code: "bad-arguments" });
        }
      }
      const text = encodeTrustStore(store);
      expect(parseTrustStore(new TextEncoder().encode(text), "store")).toEqual(store);
      expect(new Set(store.keys.map(({ name }) => name)).size).toBe(store.keys.length);
      const revoked = new Set(store.revoked.map((row) => row.key));
      expect(store.keys.some((row) => revoked.has(row.key))).toBe(false);
    }),
  );
});
