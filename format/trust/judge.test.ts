import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Case, type Finding, formerSignersOf, judgeSigner } from "./judge.ts";
import type { KnownPackage } from "./known-packages.ts";
import { NO_POLICY, type Policy } from "./policy-file.ts";
import type { Rotation } from "./statement.ts";
import { EMPTY_STORE, type TrustStore } from "./trust-store.ts";

const [A, B, C, D] = ["aa", "bb", "cc", "dd"].map((byte) => byte.repeat(32)) as [
  string,
  string,
  string,
  string,
];
const [MAY, JUNE, JULY] = ["05", "06", "07"].map((month) => `2026-${month}-01T00:00:00.000Z`) as [
  string,
  string,
  string,
];

const known = (signer: string, more: Partial<KnownPackage> = {}): KnownPackage => ({
  package: "app",
  signer,
  firstSeen: MAY,
  version: "1.0",
  built: JUNE,
  ...more,
});
/** A store that lists keys; each with patterns behind it, if there are any. */
const storeOf = (...rows: readonly (readonly [string, ...string[]])[]): TrustStore => ({
  ...EMPTY_STORE,
  keys: rows.map(([key, ...packages]) => ({ key, name: `name of ${key.slice(0, 2)}`, packages, added: MAY })),
});
const revoking = (key: string, store = EMPTY_STORE): TrustStore => ({
  ...store,
  revoked: [{ key, reason: "stolen", revoked: MAY }],
});
const rotation = (from: string, to: string, ...packages: readonly string[]): Rotation => ({
  kind: "rotation",
  from,
  to,
  packages,
  created: MAY,
});
const policyOf = (more: Partial<Policy>): Policy => ({ ...NO_POLICY, ...more });
const SYSTEM_ONLY = policyOf({ trust: "system" });
const LISTED = policyOf({ trust: "listed" });
const NO_ROLLBACK = policyOf({ rollback: "refuse" });

/** A package "app" that A has signed in June, where nothing is known. */
const caseOf = (more: Partial<Case>): Case => ({
  name: "app",
  version: "1.1",
  signer: A,
  isAnonymous: false,
  built: JUNE,
  remembered: undefined,
  userStore: EMPTY_STORE,
  systemStore: EMPTY_STORE,
  environmentKeys: undefined,
  policy: NO_POLICY,
  rotations: [],
  selfRevoked: new Map(),
  ...more,
});

type Row = readonly [what: string, about: Partial<Case>, kind: Finding["kind"], facts?: object];

const ROWS: readonly Row[] = [
  // What first uses have left.
  ["nobody knows anything", {}, "new"],
  ["the same key as before", { remembered: known(A) }, "known", { remembered: known(A) }],
  ["another key than before", { remembered: known(B) }, "changed", { remembered: known(B) }],
  ["a key for one build", { isAnonymous: true }, "anonymous"],
  ["a key for one build, where one is remembered", { isAnonymous: true, remembered: known(B) }, "changed"],
  // Stores of the user and of the system.
  [
    "the user's store lists the key for any package",
    { userStore: storeOf([A]) },
    "trusted",
    { by: "your trust store", name: "name of aa" },
  ],
  ["the system's does", { systemStore: storeOf([A]) }, "trusted", { by: "the system's trust store" }],
  [
    "both do",
    { systemStore: storeOf([A]), userStore: storeOf([A]) },
    "trusted",
    { by: "the system's trust store" },
  ],
  ["a pattern fits", { userStore: storeOf([A, "a*"]) }, "trusted"],
  ["the second pattern fits", { userStore: storeOf([A, "b*", "*pp"]) }, "trusted"],
  ["the key is for other packages", { userStore: storeOf([A, "b*"]) }, "new"],
  [
    "the owner's word counts more than the memory",
    { userStore: storeOf([A]), remembered: known(B) },
    "trusted",
  ],
  [
    "a key for one build that the owner has listed",
    { userStore: storeOf([A]), isAnonymous: true },
    "trusted",
  ],
  [
    "the store wants another key for this name",
    { userStore: storeOf([B, "app"]) },
    "pinned",
    { by: "your trust store", to: [{ key: B }] },
  ],
  [
    "it does, though the key is remembered",
    { userStore: storeOf([B, "app"]), remembered: known(A) },
    "pinned",
  ],
  ["it does, and lists this key for other names", { userStore: storeOf([B, "app"], [A, "b*"]) }, "pinned"],
  ["it lists two keys for this name", { userStore: storeOf([B, "app"], [A, "a*"]) }, "trusted"],
  [
    "it lists two others",
    { userStore: storeOf([B, "app"], [C, "a*"]) },
    "pinned",
    { to: [{ key: B }, { key: C }] },
  ],
  ["it wants another one, and this one for any package", { userStore: storeOf([B, "app"], [A]) }, "trusted"],
  ["a key for any package forbids no other", { userStore: storeOf([B]) }, "new"],
  [
    "the system's store wants another key than the user's",
    { systemStore: storeOf([B, "app"]), userStore: storeOf([A, "app"]) },
    "pinned",
    { by: "the system's trust store" },
  ],
  [
    "the user's wants another than the system's",
    { systemStore: storeOf([A, "app"]), userStore: storeOf([B, "app"]) },
    "trusted",
  ],
  // Revocations.
  [
    "the user has revoked the key",
    { userStore: revoking(A) },
    "revoked",
    { where: "your trust store", reason: "stolen" },
  ],
  ["the system has", { systemStore: revoking(A) }, "revoked", { where: "the system's trust store" }],
  [
    "its owner has",
    { selfRevoked: new Map([[A, "lost"]]) },
    "revoked",
    { where: "its owner", reason: "lost" },
  ],
  ["it is revoked and listed", { userStore: revoking(A, storeOf([A, "app"])) }, "revoked"],
  ["it is revoked here and listed there", { systemStore: storeOf([A]), userStore: revoking(A) }, "revoked"],
  ["it is revoked and remembered", { userStore: revoking(A), remembered: known(A) }, "revoked"],
  ["it is revoked and named by the environment", { userStore: revoking(A), environmentKeys: [A] }, "revoked"],
  [
    "it is revoked and older",
    { userStore: revoking(A), remembered: known(A, { built: JULY }), policy: NO_ROLLBACK },
    "revoked",
  ],
  ["another key is revoked", { userStore: revoking(B) }, "new"],
  [
    "the remembered key is revoked, and another signs",
    { userStore: revoking(B), remembered: known(B) },
    "changed",
  ],
  // FLAVOR_TRUSTED_KEYS.
  ["the environment lists it", { environmentKeys: [B, A] }, "named"],
  ["the environment lists others", { environmentKeys: [B, C] }, "unlisted", { by: "FLAVOR_TRUSTED_KEYS" }],
  ["the environment lists it, the memory another", { environmentKeys: [A], remembered: known(B) }, "named"],
  [
    "the environment lists another, the memory this one",
    { environmentKeys: [B], remembered: known(A) },
    "unlisted",
  ],
  [
    "the environment lists another, the user's store this one",
    { environmentKeys: [B], userStore: storeOf([A]) },
    "unlisted",
  ],
  [
    "the environment lists another, the system's store this one",
    { environmentKeys: [B], systemStore: storeOf([A]) },
    "trusted",
  ],
  [
    "the environment lists it, the system's store wants another",
    { environmentKeys: [A], systemStore: storeOf([B, "app"]) },
    "pinned",
  ],
  [
    "the environment lists it, the user's store wants another",
    { environmentKeys: [A], userStore: storeOf([B, "app"]) },
    "named",
  ],
  // Policy.
  [
    "only listed signers, and nobody lists it",
    { policy: LISTED },
    "unlisted",
    { by: "the policy of this machine" },
  ],
  ["only listed signers, and it is only remembered", { policy: LISTED, remembered: known(A) }, "unlisted"],
  ["only listed signers, a key for one build", { policy: LISTED, isAnonymous: true }, "unlisted"],
  ["only listed signers, and the user lists it", { policy: LISTED, userStore: storeOf([A]) }, "trusted"],
  ["only listed signers, and the environment names it", { policy: LISTED, environmentKeys: [A] }, "named"],
  [
    "only the system's, and the system lists it",
    { policy: SYSTEM_ONLY, systemStore: storeOf([A]) },
    "trusted",
  ],
  [
    "only the system's, and the user lists it",
    { policy: SYSTEM_ONLY, userStore: storeOf([A]) },
    "unlisted",
    { by: "the policy of this machine" },
  ],
  [
    "only the system's, and the environment names it",
    { policy: SYSTEM_ONLY, environmentKeys: [A] },
    "unlisted",
    { by: "the policy of this machine" },
  ],
  ["only the system's, and it is remembered", { policy: SYSTEM_ONLY, remembered: known(A) }, "unlisted"],
  [
    "only the system's, and the user has revoked it",
    { policy: SYSTEM_ONLY, systemStore: storeOf([A]), userStore: revoking(A) },
    "revoked",
  ],
  [
    "only the system's, and the user wants another",
    { policy: SYSTEM_ONLY, systemStore: storeOf([A]), userStore: storeOf([B, "app"]) },
    "trusted",
  ],
  // Keys that have handed over.
  [
    "the remembered key has handed over",
    { remembered: known(B), rotations: [rotation(B, A)] },
    "successor",
    { remembered: known(B) },
  ],
  [
    "for packages of this name",
    { remembered: known(B), rotations: [rotation(B, A, "b", "a*")] },
    "successor",
  ],
  ["for packages of another name", { remembered: known(B), rotations: [rotation(B, A, "b*")] }, "changed"],
  [
    "in three steps",
    { remembered: known(D), rotations: [rotation(B, A), rotation(D, C), rotation(C, B)] },
    "successor",
  ],
  [
    "in steps of which one is for another name",
    { remembered: known(C), rotations: [rotation(C, B, "b"), rotation(B, A)] },
    "changed",
  ],
  ["the other way round", { remembered: known(B), rotations: [rotation(A, B)] }, "changed"],
  ["in a circle", { remembered: known(B), rotations: [rotation(B, C), rotation(C, B)] }, "changed"],
  [
    "and was revoked",
    { remembered: known(B), rotations: [rotation(B, A)], userStore: revoking(B) },
    "changed",
  ],
  [
    "and was revoked by its owner",
    { remembered: known(B), rotations: [rotation(B, A)], selfRevoked: new Map([[B, ""]]) },
    "changed",
  ],
  [
    "through a key that was revoked",
    { remembered: known(C), rotations: [rotation(C, B), rotation(B, A)], systemStore: revoking(B) },
    "changed",
  ],
  [
    "to a key that was revoked",
    { remembered: known(B), rotations: [rotation(B, A)], userStore: revoking(A) },
    "revoked",
  ],
  ["though nothing is remembered", { rotations: [rotation(B, A)] }, "new"],
  [
    "a listed key has handed over",
    { userStore: storeOf([B, "app"]), rotations: [rotation(B, A)] },
    "trusted",
    { name: "name of bb" },
  ],
  [
    "a key that the system lists has",
    { policy: SYSTEM_ONLY, systemStore: storeOf([B]), rotations: [rotation(B, A)] },
    "trusted",
  ],
  [
    "a key that is listed for other packages has",
    { userStore: storeOf([B, "b*"]), rotations: [rotation(B, A)] },
    "new",
  ],
  ["a key that the environment names has", { environmentKeys: [B], rotations: [rotation(B, A)] }, "unlisted"],
  // Older builds.
  ["older, and nobody minds", { remembered: known(A), built: MAY }, "known"],
  [
    "older, and the policy minds",
    { remembered: known(A), built: MAY, policy: NO_ROLLBACK },
    "older",
    { newest: JUNE, built: MAY },
  ],
  ["as old", { remembered: known(A), built: JUNE, policy: NO_ROLLBACK }, "known"],
  [
    "as old, in another time zone",
    { remembered: known(A), built: "2026-05-31T22:00:00-02:00", policy: NO_ROLLBACK },
    "known",
  ],
  ["newer", { remembered: known(A), built: JULY, policy: NO_ROLLBACK }, "known"],
  [
    "without a time, where there was one",
    { remembered: known(A), built: undefined, policy: NO_ROLLBACK },
    "older",
    { built: undefined },
  ],
  [
    "without a time, where there was none",
    {
      remembered: { package: "app", signer: A, firstSeen: MAY, version: "1" },
      built: undefined,
      policy: NO_ROLLBACK,
    },
    "known",
  ],
  [
    "older, by a trusted key",
    { remembered: known(A), built: MAY, policy: NO_ROLLBACK, userStore: storeOf([A]) },
    "older",
  ],
  [
    "older, by a key that the system lists",
    { remembered: known(A), built: MAY, policy: NO_ROLLBACK, systemStore: storeOf([A]) },
    "older",
  ],
  [
    "older, by a successor",
    { remembered: known(B), built: MAY, policy: NO_ROLLBACK, rotations: [rotation(B, A)] },
    "older",
  ],
  ["older, by another key", { remembered: known(B), built: MAY, policy: NO_ROLLBACK }, "changed"],
  [
    "older, by a key that the environment names",
    { remembered: known(A), built: MAY, policy: NO_ROLLBACK, environmentKeys: [A] },
    "named",
  ],
];

describe(`${ROWS.length} cases`, () => {
  test.each(ROWS.map((row) => [row[0], row] as const))("%s", (_, [, about, kind, facts = {}]) => {
    expect(judgeSigner(caseOf(about))).toMatchObject({ kind, ...facts });
  });
});

test("sixteen steps are followed, and seventeen are not", () => {
  const key = (n: number) => n.toString(16).padStart(64, "0");
  const steps = (count: number) => ({
    signer: key(count),
    remembered: known(key(0)),
    rotations: Array.from({ length: count }, (_, i) => rotation(key(i), key(i + 1))),
  });
  expect(judgeSigner(caseOf(steps(16))).kind).toBe("successor");
  expect(judgeSigner(caseOf(steps(17))).kind).toBe("changed");
});

test("whose packages have left something for the signer", () => {
  const rotations = [rotation(B, A), rotation(C, B, "a*"), rotation(D, B, "b*"), rotation(A, D)];
  expect(formerSignersOf(caseOf({ rotations })).toSorted()).toEqual([B, C]);
  expect(formerSignersOf(caseOf({ rotations, userStore: revoking(B) }))).toEqual([]);
  expect(formerSignersOf(caseOf({ rotations, userStore: revoking(C) }))).toEqual([B]);
  expect(formerSignersOf(caseOf({}))).toEqual([]);
});

// Whatever else is said.
const key = fc.constantFrom(A, B, C, D);
const pattern = fc.constantFrom("app", "a*", "*", "b*");
const rows = fc.uniqueArray(
  fc.record({
    key,
    name: fc.constant("n"),
    packages: fc.array(pattern, { maxLength: 2 }),
    added: fc.constant(MAY),
  }),
  { selector: (row) => row.key },
);
const store: fc.Arbitrary<TrustStore> = fc.record({
  keys: rows,
  revoked: fc.uniqueArray(fc.record({ key, reason: fc.constant(""), revoked: fc.constant(MAY) }), {
    selector: (row) => row.key,
    maxLength: 1,
  }),
  statements: fc.constant([]),
});
const time = fc.option(fc.constantFrom(MAY, JUNE, JULY), { nil: undefined });
const anyCase: fc.Arbitrary<Case> = fc.record({
  name: fc.constant("app"),
  version: fc.constant("1"),
  signer: key,
  isAnonymous: fc.boolean(),
  built: time,
  remembered: fc.option(
    key.map((signer) => known(signer)),
    { nil: undefined },
  ),
  userStore: store,
  systemStore: store,
  environmentKeys: fc.option(fc.array(key, { maxLength: 2 }), { nil: undefined }),
  policy: fc.record({
    lowestValidation: fc.constant("none" as const),
    trust: fc.constantFrom("anyone" as const, "listed" as const, "system" as const),
    rollback: fc.constantFrom("allow" as const, "refuse" as const),
  }),
  rotations: fc.array(
    fc
      .tuple(key, key, fc.array(pattern, { maxLength: 1 }))
      .map(([from, to, names]) => rotation(from, to, ...names)),
    { maxLength: 3 },
  ),
  selfRevoked: fc.constant(new Map()),
});
const ACCEPTED: readonly Finding["kind"][] = ["trusted", "named", "known", "successor", "new", "anonymous"];
const isAccepted = (about: Case) => ACCEPTED.includes(judgeSigner(about).kind);

test("a revoked signer is never accepted, and a revocation never lets anybody in", () => {
  fc.assert(
    fc.property(anyCase, key, (about, revoked) => {
      const more: Case = {
        ...about,
        userStore: { ...about.userStore, revoked: [{ key: revoked, reason: "", revoked: MAY }] },
      };
      if (revoked === about.signer) expect(judgeSigner(more).kind).toBe("revoked");
      if (isAccepted(more))
        expect(isAccepted({ ...more, userStore: { ...more.userStore, revoked: [] } })).toBe(true);
    }),
  );
});

test("a stricter policy never lets anybody in whom a laxer one does not", () => {
  fc.assert(
    fc.property(anyCase, (about) => {
      const under = (more: Partial<Policy>) => isAccepted({ ...about, policy: { ...about.policy, ...more } });
      if (under({ trust: "listed" })) expect(under({ trust: "anyone" })).toBe(true);
      if (under({ rollback: "refuse" })) expect(under({ rollback: "allow" })).toBe(true);
      if (under({ trust: "system" }))
        expect(judgeSigner({ ...about, policy: SYSTEM_ONLY }).kind).toBe("trusted");
    }),
  );
});

test("a rotation by somebody whom nobody knows changes nothing", () => {
  const stranger = "ee".repeat(32);
  fc.assert(
    fc.property(anyCase, (about) => {
      const more = { ...about, rotations: [...about.rotations, rotation(stranger, about.signer)] };
      expect(judgeSigner(more)).toEqual(judgeSigner(about));
    }),
  );
});
