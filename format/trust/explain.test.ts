import { describe, expect, test } from "bun:test";
import type { Consultation } from "./consult.ts";
import { explain } from "./explain.ts";
import type { Case, Finding } from "./judge.ts";
import { NO_POLICY } from "./policy-file.ts";
import { EMPTY_STORE } from "./trust-store.ts";

const [A, B] = ["aa".repeat(32), "bb".repeat(32)];
const FILE = "/h/.local/state/flavor/known/app.json";
const MAY = "2026-05-01T00:00:00.000Z";
const remembered = { package: "app", signer: B, firstSeen: MAY, version: "1.0", built: MAY };

const found = (
  finding: Finding,
  more: Partial<Case> = {},
  memoryFile: string | undefined = FILE,
): Consultation => ({
  finding,
  memoryFile,
  about: {
    name: "app",
    version: "1.1",
    signer: A,
    isAnonymous: false,
    built: undefined,
    remembered,
    userStore: EMPTY_STORE,
    systemStore: EMPTY_STORE,
    environmentKeys: undefined,
    policy: NO_POLICY,
    rotations: [],
    selfRevoked: new Map(),
    ...more,
  },
});

const wanted = { key: B, name: "B\n", packages: ["app"], added: MAY };
const ALL: Readonly<Record<Finding["kind"], Finding>> = {
  trusted: { kind: "trusted", by: "your trust store", name: "A" },
  named: { kind: "named" },
  known: { kind: "known", remembered },
  successor: { kind: "successor", remembered },
  new: { kind: "new" },
  anonymous: { kind: "anonymous" },
  revoked: { kind: "revoked", reason: "", where: "its owner" },
  changed: { kind: "changed", remembered },
  pinned: { kind: "pinned", to: [wanted], by: "the system's trust store" },
  unlisted: { kind: "unlisted", by: "FLAVOR_TRUSTED_KEYS" },
  older: { kind: "older", newest: MAY, built: undefined },
};

test.each(Object.values(ALL).map((finding) => [finding.kind, finding] as const))(
  "%s: in one line each, with the key that it is about",
  (kind, finding) => {
    const { state, facts, hint } = explain(found(finding));
    for (const line of [state, ...facts, hint]) expect(line).toMatch(/^[ -~]*$/);
    expect(state).toMatch(/^[a-z"]/);
    if (kind !== "older") expect(facts.join("\n")).toContain(A);
    if (!["trusted", "named"].includes(kind)) expect(hint).not.toBe("");
  },
);

test("what is refused says why", () => {
  const codes = Object.fromEntries(
    Object.values(ALL).map((finding) => [finding.kind, explain(found(finding)).code]),
  );
  expect(codes).toMatchObject({
    revoked: "signer-revoked",
    changed: "signer-changed",
    pinned: "signer-untrusted",
    unlisted: "signer-untrusted",
    older: "package-older",
    new: "signer-untrusted",
    anonymous: "signer-untrusted",
  });
});

test("an older build, with both times", () => {
  expect(explain(found(ALL.older)).facts).toEqual([
    `newest: ${MAY} (version 1.0)`,
    "this one: it does not say when (version 1.1)",
  ]);
});

describe("a remedy to type, whatever a package is called", () => {
  test.each([
    ["app", "flavor trust forget app, or "],
    ["my.app-2_x", "flavor trust forget my.app-2_x, or "],
    ["my app", "flavor trust forget 'my app', or "],
    ["$(rm -rf ~)", "flavor trust forget '$(rm -rf ~)', or "],
    ["a'; rm -rf ~ '", "flavor trust forget 'a'\\''; rm -rf ~ '\\''', or "],
    // It would be an option.
    ["--system", "flavor trust forget -- '--system', or "],
    // What cannot be typed.
    ["a\nb", ""],
    ["a\u202eb", ""],
    ["", "flavor trust forget '', or "],
  ])("%j", (name, command) => {
    const { state, hint } = explain(found(ALL.changed, { name }));
    expect(hint).toBe(`if its author has changed the key: ${command}remove ${FILE}`);
    expect(state).toMatch(/^[ -~]*$/);
  });

  test("in the shell it means that name and nothing else", () => {
    for (const name of ["my app", "$(echo x)", "a'b", "`x`", "a\\", '"', "*"]) {
      const { hint } = explain(found(ALL.changed, { name }));
      const word = hint.slice(hint.indexOf("forget ") + 7, hint.lastIndexOf(", or"));
      const { stdout } = Bun.spawnSync(["sh", "-c", `printf %s ${word}`]);
      expect(stdout.toString()).toBe(name);
    }
  });

  test("without a memory there is nothing to remove", () => {
    expect(explain({ ...found(ALL.changed), memoryFile: undefined }).hint).toBe(
      "if its author has changed the key: flavor trust forget app",
    );
  });
});

describe("a remedy trusts a key for this package and for no other", () => {
  const unlisted: Finding = { kind: "unlisted", by: "the policy of this machine" };
  test.each([
    ["app", `flavor trust add ${A} --package=app`],
    ["my app", `flavor trust add ${A} --package='my app'`],
    ["-rf", `flavor trust add ${A} --package='-rf'`],
    // As a pattern it would mean others, too; or it cannot be typed.
    ["*", "list it in FLAVOR_TRUSTED_KEYS"],
    ["acme-*", "list it in FLAVOR_TRUSTED_KEYS"],
    ["a\u001bb", "list it in FLAVOR_TRUSTED_KEYS"],
  ])("%j", (name, remedy) => {
    for (const finding of [unlisted, ALL.new, ALL.pinned]) {
      const { hint } = explain(found(finding, { name }));
      expect(hint).toContain(`author's`);
      expect(hint).toContain(remedy);
      if (remedy.startsWith("list")) expect(hint).not.toContain("trust add");
    }
  });
});
