import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isGenuine, parseStatement } from "../../../format/trust/statement.ts";
import { encodeKnown, knownFileName } from "../../../format/trust/known-packages.ts";
import { keyPairFromText, privateKeyPem, publicKeyPem } from "../../../format/seal/keys.ts";
import { Problems } from "../../../format/wire/problems.ts";
import { withIndex } from "../../../tests/support/forged.ts";
import { packageBytes } from "../../../tests/support/packages.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { type CliRun, documentOf, runCli } from "../testing.ts";

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
  for (const name of ["mine", "other"]) {
    const { seed, publicKey } = keyPairFromText(name);
    writeFileSync(at(`${name}.key`), privateKeyPem(seed));
    writeFileSync(at(`${name}.pub`), publicKeyPem(publicKey));
  }
});
afterEach(() => dir[Symbol.dispose]());
const at = (...names: readonly string[]) => join(dir.path, ...names);
const keyOf = (text: string) => keyPairFromText(text).publicKey.toHex();
const MINE = keyOf("mine");
const OTHER = keyOf("other");

const trust = (...args: readonly string[]) => trustWith({}, ...args);
const trustWith = (env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<CliRun> =>
  runCli(["trust", ...args], { cwd: dir.path, env: { HOME: dir.path, USERPROFILE: dir.path, ...env } });
const storePath = () => at(".config", "flavor", "trust.json");

function remember(name: string, signer: string): string {
  const memory = at(".local", "state", "flavor", "known");
  mkdirSync(memory, { recursive: true });
  const known = { package: name, signer, firstSeen: "2026-01-31T12:00:00Z", version: "1.2" };
  writeFileSync(join(memory, knownFileName(name)), encodeKnown(known), { mode: 0o600 });
  return join(memory, knownFileName(name));
}

test("a key is added, listed and removed", async () => {
  expect(await trust("add", at("mine.pub"), "--name", "Me", "-p", "app", "--package", "a-*")).toMatchObject({
    out: `trusted: ${MINE} (Me), app, a-*, in ${storePath()}\n`,
    err: "",
    exitCode: 0,
  });
  expect((await trust("add", MINE, "-p", "app")).out).toStartWith("already trusted: ");
  remember("app", OTHER);
  const { out } = await trust("list");
  expect(out).toStartWith(`Your trust store: ${storePath()}\n  trusted  ${MINE}  Me  app, a-*\n\n`);
  expect(out).toContain(`\n  app  ${OTHER}  since 2026-01-31, version 1.2\n`);
  expect(documentOf(await trust("list", "--json"))).toMatchObject({
    schema: "flavor.trust-list/1",
    stores: [
      {
        store: "user",
        path: storePath(),
        exists: true,
        keys: [{ key: MINE, name: "Me", packages: ["app", "a-*"] }],
        revoked: [],
        statements: [],
      },
      { store: "system" },
    ],
    packages: [{ name: "app", signer: OTHER, version: "1.2", built: null }],
    unusable: [],
  });
  expect((await trust("remove", "Me")).out).toBe(`no longer trusted: ${MINE} in ${storePath()}\n`);
  expect((await trust("remove", MINE)).out).toStartWith(`there was nothing about ${MINE}`);
  expect(await trust("remove", "Me")).toMatchObject({ out: "", exitCode: 105 });
});

test("a key is revoked, and that is taken back", async () => {
  await trust("add", MINE.toUpperCase(), "--name", "Me");
  expect(documentOf(await trust("revoke", "Me", "--reason", "lost", "--json"))).toMatchObject({
    schema: "flavor.trust-edit/1",
    deed: "revoke",
    key: MINE,
    path: storePath(),
    changed: true,
    trusted: null,
    revoked: { key: MINE, reason: "lost" },
  });
  expect((await trust("list")).out).toContain(`  revoked  ${MINE}  lost\n`);
  const again = await trust("add", MINE);
  expect(again.err).toContain(`hint: first: flavor trust remove ${MINE}`);
  expect(again).toMatchObject({ out: "", exitCode: 105 });
  expect((await trust("revoke", MINE)).out).toBe(`already revoked: ${MINE} in ${storePath()}\n`);
  expect((await trust("remove", MINE)).out).toBe(`no longer revoked: ${MINE} in ${storePath()}\n`);
  expect(await trust("add", MINE)).toMatchObject({ exitCode: 0 });
});

test.each<[readonly string[], number, string]>([
  [["add", "nothing"], 106, "Cannot read the key nothing"],
  [["add", "MINE.key"], 107, 'Cannot use MINE.key as a public key: it is a "PRIVATE KEY"'],
  [["add", "STATEMENT", "--name", "x"], 105, "Cannot give the statement STATEMENT a name or packages"],
  [["revoke", "nobody"], 105, 'Cannot tell which key "nobody" is: no trusted key has that name'],
  [["forget", "app"], 105, 'Cannot forget "app": nothing is remembered of it'],
  [["show", "no/such.psp"], 106, "Cannot open no/such.psp"],
  [["statement", "revoke", "-o", "new"], 105, "Cannot sign the statement: no key was named"],
  [
    ["statement", "revoke", "-o", "new", "--private-key", "MINE.pub"],
    107,
    "Cannot use MINE.pub as a private",
  ],
  [
    ["statement", "revoke", "-o", "new", "--private-key", "MINE.key", "--reason", "a\nb"],
    105,
    "Cannot make the statement: readers would refuse it",
  ],
  [
    ["statement", "rotate", "-o", "new", "--from", "MINE.key", "--to", "MINE.pub"],
    105,
    "Cannot make the statement: readers would refuse it",
  ],
  [
    ["statement", "rotate", "-o", "new", "--from", "MINE.key", "--private-key", "MINE.key", "--to", OTHER],
    105,
    "Cannot sign with --from and with --private-key: they are the same",
  ],
  [
    ["statement", "rotate", "-o", "MINE.pub", "--from", "MINE.key", "--to", OTHER],
    106,
    "Cannot write MINE.pub: it exists",
  ],
  [["statement", "rotate", "--from", "MINE.key", "--to", OTHER], 105, "Cannot understand the command line"],
])("%j is refused with %p", async (args, exitCode, message) => {
  const statement = at("statement.json");
  await trust("statement", "revoke", "--private-key", at("other.key"), "-o", statement);
  const paths: Readonly<Record<string, string>> = {
    "MINE.key": at("mine.key"),
    "MINE.pub": at("mine.pub"),
    STATEMENT: statement,
    new: at("new"),
  };
  const run = await trust(...args.map((word) => paths[word] ?? word));
  const shown = Object.entries(paths).reduce((text, [word, path]) => text.replaceAll(path, word), run.err);
  expect(shown).toStartWith(`error: ${message}`);
  expect(run).toMatchObject({ out: "", exitCode });
  expect(existsSync(at("new"))).toBe(false);
});

test("statements are made, genuine, and taken in", async () => {
  const rotation = await trust(
    ...["statement", "rotate", "--from", at("mine.key"), "--to", at("other.pub")],
    ...["-p", "app", "-o", at("1.statement.json")],
  );
  expect(rotation.out).toBe(
    `Statement  ${at("1.statement.json")}\nKey        ${MINE}\nSays       handed over to ${OTHER} for app\n`,
  );
  expect(rotation.err).toStartWith("note: ");
  const revocation = await trust(
    ...["statement", "revoke", "--key-seed", "mine", "--reason", "lost", "-o", at("2.json"), "--json"],
  );
  for (const name of ["1.statement.json", "2.json"]) {
    const problems = new Problems();
    const statement = parseStatement(JSON.parse(readFileSync(at(name), "utf8")), "", problems);
    expect(problems.found).toEqual([]);
    expect(await isGenuine(statement)).toBe(true);
    expect(await trust("add", at(name))).toMatchObject({ err: "", exitCode: 0 });
  }
  expect(documentOf(revocation)).toMatchObject({
    schema: "flavor.trust-statement/1",
    path: at("2.json"),
    statement: { kind: "revocation", key: MINE, reason: "lost" },
  });
  const { out } = await trust("list");
  expect(out).toContain(
    `  said  ${MINE}  handed over to ${OTHER} for app\n  said  ${MINE}  revoked itself: lost\n`,
  );
  expect((await trust("add", at("2.json"))).out).toStartWith(`already noted: ${MINE} revoked itself: lost`);
  expect((await trust("remove", MINE)).out).toStartWith(`no longer with a statement: ${MINE}`);
});

test("a forged statement is not taken in", async () => {
  await trust("statement", "revoke", "--private-key", at("mine.key"), "-o", at("s.json"));
  writeFileSync(at("s.json"), readFileSync(at("s.json"), "utf8").replace(MINE, OTHER));
  const run = await trust("add", at("s.json"));
  expect(run.err).toStartWith(`error: Cannot believe the statement ${at("s.json")}: it is not signed by`);
  expect(run).toMatchObject({ out: "", exitCode: 107 });
  expect(existsSync(storePath())).toBe(false);
});

test("show tells what is known about a key, by its digits or its name", async () => {
  expect((await trust("show", MINE)).out).toBe(`${MINE}\n\nNothing is known about this key\n`);
  await trust("add", MINE, "--name", "Me", "-p", "app");
  remember("app", MINE);
  remember("tool", OTHER);
  for (const word of [MINE, "Me"])
    expect((await trust("show", word)).out).toBe(
      `${MINE}\n\nYour trust store  trusted as Me: app\n` +
        "Remembered        for app since 2026-01-31, version 1.2\n",
    );
  expect(documentOf(await trust("show", "Me", "--json"))).toMatchObject({
    schema: "flavor.trust-show/1",
    kind: "key",
    key: MINE,
    trusted: [{ store: "user", name: "Me", packages: ["app"] }],
    packages: [{ name: "app", version: "1.2" }],
  });
});

test("show tells what would become of packages of a name, by their signers", async () => {
  const any = (words: string, why: string) => new RegExp(`\\n  any other key +${words}  ${why}\\n$`);
  expect((await trust("show", "app")).out).toMatch(
    any("refused at strict", "its signer is in no trust store"),
  );
  const memoryFile = remember("app", MINE);
  const { out } = await trust("show", "app");
  expect(out).toStartWith(
    `app\n\nRemembered  ${MINE} since 2026-01-31, version 1.2\nIn          ${memoryFile}\n\nSigned by\n` +
      `  ${MINE}  refused at strict  `,
  );
  expect(out).toMatch(any("refused at strict and standard", '"app" was signed by another key until now'));
  await trust("add", OTHER, "-p", "a*", "--name", "It");
  expect(documentOf(await trust("show", "app", "--json"))).toMatchObject({
    kind: "name",
    name: "app",
    remembered: { signer: MINE },
    memoryFile,
    signers: [
      { key: MINE, finding: "pinned", outcomes: { standard: "refuse" } },
      { key: OTHER, finding: "trusted", outcomes: { strict: "run" } },
      { key: null, finding: "pinned" },
    ],
  });
  const env = { FLAVOR_TRUSTED_KEYS: `${at("mine.pub")},${keyOf("third")}` };
  expect(documentOf(await trustWith(env, "show", "app", "--json"))).toMatchObject({
    signers: [
      { key: MINE, finding: "named" },
      { key: OTHER, finding: "unlisted" },
      { key: keyOf("third"), finding: "named" },
      { key: null, finding: "unlisted" },
    ],
  });
});

test("show and verify tell what would become of a package", async () => {
  writeFileSync(at("app.psp"), await packageBytes({ keySeed: "mine" }));
  const show = async (env: Readonly<Record<string, string>> = {}) =>
    documentOf(await trustWith(env, "show", at("app.psp"), "--json"));
  const verify = (...more: readonly string[]) =>
    runCli(["verify", at("app.psp"), ...more], { env: { HOME: dir.path }, cwd: dir.path });
  expect(await show()).toMatchObject({ kind: "package", name: "small", signer: MINE, finding: "new" });
  expect((await verify()).out).toContain("\nok   signer: its signer is in no trust store\n");
  remember("small", OTHER);
  expect(await show()).toMatchObject({
    finding: "changed",
    outcomes: { standard: "refuse", relaxed: "warn" },
  });
  const changed = await verify();
  expect(changed.out).toContain('\nFAIL signer: "small" was signed by another key until now; remembered: ');
  expect(changed.exitCode).toBe(107);
  // Who names a key, in whatever way, has said whom they trust.
  expect(await show({ FLAVOR_TRUSTED_KEYS: MINE })).toMatchObject({ finding: "named" });
  expect(await verify("--key", at("mine.pub"))).toMatchObject({ exitCode: 0 });
  await trust("add", MINE, "-p", "small", "--name", "Me");
  const { out } = await trust("show", at("app.psp"));
  expect(out).toMatch(/^Start +starts$/m);
  expect(out).toMatch(/^Because +its signer is "Me" in your trust store$/m);
  await trust("revoke", "Me");
  for (const more of [[], ["--key", at("mine.pub")]])
    expect((await verify(...more)).out).toContain(
      "\nFAIL signer: the key that signed it was revoked by your",
    );
});

test("a package that nobody has signed has no signer to ask about", async () => {
  const { publicKey } = keyPairFromText("other");
  writeFileSync(at("app.psp"), withIndex(await packageBytes({ keySeed: "mine" }), { publicKey }));
  remember("small", MINE);
  const { out, exitCode } = await runCli(["verify", at("app.psp")], { env: { HOME: dir.path } });
  expect(out).toContain("\nFAIL signature: ");
  expect(out).not.toContain("signer:");
  expect(exitCode).toBe(107);
  expect(documentOf(await trust("show", at("app.psp"), "--json"))).toMatchObject({
    signer: OTHER,
    seal: "invalid",
    finding: "unchecked",
    why: "its signature does not match its metadata",
    outcomes: { standard: "refuse", relaxed: "warn", none: "run" },
  });
});

test("what is remembered but damaged is shown with its file, and can be forgotten", async () => {
  const path = remember("app", MINE);
  writeFileSync(path, "{", { mode: 0o600 });
  expect((await trust("list")).out).toContain(`  ${path}  cannot be used  `);
  expect(documentOf(await trust("list", "--json"))).toMatchObject({ packages: [], unusable: [{ path }] });
  expect(await trust("show", "app")).toMatchObject({ out: "", exitCode: 109 });
  expect(await trust("forget", "app")).toMatchObject({ out: `forgot app: removed ${path}\n`, exitCode: 0 });
  expect((await trust("show", "app")).exitCode).toBe(0);
});
