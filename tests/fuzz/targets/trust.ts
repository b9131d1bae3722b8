import fc from "fast-check";
import { isTime } from "../../../format/trust/document.ts";
import { type Case, judgeSigner } from "../../../format/trust/judge.ts";
import { encodeKnown, knownFileName, parseKnown } from "../../../format/trust/known-packages.ts";
import { fitsPattern } from "../../../format/trust/package-patterns.ts";
import { NO_POLICY, parsePolicy } from "../../../format/trust/policy-file.ts";
import { isGenuine, messageOf, parseStatement, statementDocument } from "../../../format/trust/statement.ts";
import { encodeTrustStore, parseTrustStore, type TrustStore } from "../../../format/trust/trust-store.ts";
import { PspfError } from "../../../format/errors.ts";
import { Problems } from "../../../format/wire/problems.ts";
import { must, type Target } from "../target.ts";
import { edited, jsonOf, matchesSimply, mostly, oddText, pairIn, pairs, textOf, utf8 } from "./material.ts";

const KEYS = ["ab".repeat(32), "cd".repeat(32), "01".repeat(32)] as const;
const key = fc.oneof(
  { arbitrary: fc.constantFrom(...KEYS), weight: 9 },
  { arbitrary: oddText(6), weight: 1 },
);
const TIME = "2026-01-31T12:00:00Z";
const time = fc.constantFrom(
  TIME,
  TIME,
  TIME,
  "2026-01-31T12:00:00.123456789Z",
  "2026-13-31T12:00:00Z",
  "now",
);
const patterns = fc.array(fc.oneof(fc.constantFrom("app", "app-*", "*"), oddText(6)), { maxLength: 3 });

const ROTATION = {
  schema: "flavor.statement/1",
  kind: "rotation",
  from: KEYS[0],
  to: KEYS[1],
  packages: ["app-*"],
  created: TIME,
  signature: `${"A".repeat(86)}==`,
};
const REVOCATION = {
  schema: "flavor.statement/1",
  kind: "revocation",
  key: KEYS[2],
  reason: "lost",
  created: TIME,
  signature: `${"B".repeat(85)}Q==`,
};
const statements = fc.oneof(edited(ROTATION), edited(REVOCATION));

const statement: Target = {
  name: "statement",
  allowed: ["manifest-invalid", "metadata-invalid"],
  structured: jsonOf(statements),
  tokens: [
    '"kind":"rotation"',
    '"kind":"revocation"',
    '"packages":[',
    "\\n",
    "\\u2028",
    "\\ud800",
    '"__proto__":',
    "==",
  ],
  async run(input) {
    const problems = new Problems();
    const found = parseStatement(jsonIn(input), "", problems);
    problems.throwIfAny("manifest-invalid", "Cannot use the statement");
    const again = parseStatement(statementDocument(found), "", new Problems());
    must(Bun.deepEquals(again, found), "a statement is read as it is written");
    const lines = new TextDecoder().decode(messageOf(found)).split("\n");
    const wanted = found.kind === "rotation" ? 6 + found.packages.length : 6;
    must(lines.length === wanted && lines.at(-1) === "", "each field is one line of what is signed");
    // Whoever forged these bytes has no key.
    must(!(await isGenuine(found)), "nobody has signed it");
    return found.kind;
  },
};

/** JSON that is none is another target's business. */
function jsonIn(input: Uint8Array<ArrayBuffer>): unknown {
  try {
    return JSON.parse(textOf(input));
  } catch {
    throw new PspfError("metadata-invalid", "Cannot parse the JSON");
  }
}

const SOUND_STORE = {
  schema: "flavor.trust/1",
  keys: [
    { key: KEYS[0], name: "me", packages: ["app-*", "tool"], added: TIME },
    { key: KEYS[1], name: "you", packages: [], added: TIME },
  ],
  revoked: [{ key: KEYS[2], reason: "stolen", revoked: TIME }],
  statements: [ROTATION, REVOCATION],
};

const stores = mostly({
  schema: fc.constant("flavor.trust/1"),
  keys: fc.array(mostly({ key, name: oddText(6), packages: patterns, added: time }), { maxLength: 3 }),
  revoked: fc.array(mostly({ key, reason: oddText(6), revoked: time }), { maxLength: 2 }),
  statements: fc.array(statements, { maxLength: 2 }),
});

/** What is asked of a judge who has these stores. */
const caseOf = (userStore: TrustStore, systemStore: TrustStore, signer: string, name: string): Case => ({
  name,
  version: "1",
  signer,
  isAnonymous: false,
  built: TIME,
  remembered: { package: name, signer: KEYS[0], firstSeen: TIME, version: "0", built: TIME },
  userStore,
  systemStore,
  environmentKeys: undefined,
  policy: NO_POLICY,
  rotations: userStore.statements.flatMap((each) => (each.kind === "rotation" ? [each] : [])),
  selfRevoked: new Map(),
});

const trustStore: Target = {
  name: "trust-store",
  allowed: ["trust-store-invalid"],
  structured: jsonOf(
    fc.oneof({ arbitrary: edited(SOUND_STORE), weight: 3 }, { arbitrary: stores, weight: 1 }),
  ),
  tokens: [
    '"keys":[',
    '"revoked":[',
    '"statements":[',
    '"packages":["*"]',
    KEYS[0],
    KEYS[1],
    TIME,
    '"__proto__":',
    "null",
  ],
  run(input) {
    const store = parseTrustStore(input, "/trust.json");
    must(
      Bun.deepEquals(parseTrustStore(utf8(encodeTrustStore(store)), ""), store),
      "a store is read as it is written",
    );
    const empty = { keys: [], revoked: [], statements: [] };
    const findings = new Set<string>();
    for (const signer of KEYS)
      for (const [user, system] of [
        [store, empty],
        [empty, store],
      ] as const) {
        const { kind } = judgeSigner(caseOf(user, system, signer, "app-1"));
        const isRevoked = store.revoked.some((row) => row.key === signer);
        must(!isRevoked || kind === "revoked", "no key that a store revokes gets by");
        findings.add(kind);
      }
    return [...findings].join(" ");
  },
};

const policy: Target = {
  name: "policy",
  allowed: ["policy-invalid"],
  structured: jsonOf(
    fc.oneof(
      edited({
        schema: "flavor.policy/1",
        lowest_validation: "standard",
        trust: "listed",
        rollback: "refuse",
      }),
      fc.constant({ schema: "flavor.policy/1" }),
    ),
  ),
  tokens: ['"trust":', '"system"', '"rollback":', '"lowest_validation":', '"strict"', "null", '"__proto__":'],
  run(input) {
    const found = parsePolicy(input, "/policy.json");
    const { lowestValidation, trust, rollback } = found;
    must(
      ["strict", "standard", "relaxed", "minimal", "none"].includes(lowestValidation),
      "the level is one of five",
    );
    must(["anyone", "listed", "system"].includes(trust), "trust is one of three");
    must(["allow", "refuse"].includes(rollback), "rollback is one of two");
    return `${lowestValidation} ${trust} ${rollback}`;
  },
};

const known: Target = {
  name: "known",
  allowed: ["trust-store-invalid"],
  structured: jsonOf(
    edited({
      schema: "flavor.known/1",
      package: "app",
      signer: KEYS[0],
      first_seen: TIME,
      version: "1.0",
      built: TIME,
    }),
  ),
  tokens: ['"package":"app"', '"signer":', '"built":', KEYS[1], TIME, "null", '"__proto__":'],
  run(input) {
    const found = parseKnown(input, "/app.json", "app");
    must(
      Bun.deepEquals(parseKnown(utf8(encodeKnown(found)), "", "app"), found),
      "a memory is read as it is written",
    );
    must(isTime(found.firstSeen) && isTime(found.built ?? TIME), "times are times");
    return `${found.built !== undefined}`;
  },
};

const knownName: Target = {
  name: "known-name",
  allowed: [],
  maxSize: 600,
  structured: pairs(oddText(16), oddText(16)),
  tokens: ["/", "..", ".", "%", "con", "a", "A", "\0"],
  run(input) {
    const [first, second] = pairIn(input);
    const [a, b] = [knownFileName(first), knownFileName(second)];
    must(/^[a-z0-9_%-][a-z0-9._%-]{0,254}$/.test(a), `it is a file's name everywhere: ${a}`);
    must(first === second || a !== b, "two packages have two files");
    return `${a.length > 60}`;
  },
};

const packagePattern: Target = {
  name: "package-pattern",
  allowed: [],
  maxSize: 600,
  structured: pairs(
    fc.string({ unit: fc.constantFrom(..."*abAB.-"), maxLength: 12 }),
    fc.string({ unit: fc.constantFrom(..."abAB.-"), maxLength: 16 }),
  ),
  tokens: ["*", "*a", "a*", "**", "\0"],
  run(input) {
    const [pattern, name] = pairIn(input);
    const found = fitsPattern(name, pattern);
    must(
      found === matchesSimply(pattern, name, "*"),
      "a star means what it means, and nothing else means anything",
    );
    return `${found}`;
  },
};

/** What says whom to trust. */
export const TRUST_TARGETS: readonly Target[] = [
  statement,
  trustStore,
  policy,
  known,
  knownName,
  packagePattern,
];
