import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { readPublicKey } from "../../format/seal/keys.ts";
import { layoutOf } from "../../format/cache/layout.ts";
import { decodeMarker } from "../../format/workenv/marker.ts";
import { compiledLauncher } from "../support/compiled.ts";
import { cleanEnv, oneFolder, type Ran, runPackage, writeFiles } from "../support/launcher.ts";
import { cannotReplaceEtc, makeEtc, runUnderEtc } from "../support/system-files.ts";
import { tempDir } from "../support/temp-dir.ts";

// What "flavor trust" says is what launchers do: the command line and packages as people have them, each a process.

const MAIN = join(import.meta.dir, "..", "..", "builder", "cli", "main.ts");

let dir: ReturnType<typeof tempDir>;
let launchers: string;
/** A home of its own for each test. */
let home: string;
let homes = 0;
let noEtc: string | undefined;
const at = (...names: readonly string[]) => join(dir.path, ...names);

beforeAll(async () => {
  dir = tempDir();
  home = at("author");
  launchers = dirname((await compiledLauncher()).path);
  noEtc = cannotReplaceEtc(at("probe"));
  if (noEtc !== undefined) process.stderr.write(`not tested: the system's trust store (${noEtc})\n`);
  for (const name of ["old", "new", "stranger"])
    expect(await flavor("keygen", "--out-dir", at("keys", name))).toMatchObject({ exitCode: 0 });
  expect(await flavor(...rotation())).toMatchObject({ exitCode: 0 });
  await pack("first", "old", "it is the first");
  await pack("silent", "new", "it is by a new key");
  await pack("second", "new", "it is the second", "--statement", at("rotated.statement.json"));
  await pack("stranger", "stranger", "it is a stranger's");
}, 60_000);
beforeEach(() => {
  home = at(`home-${homes++}`);
});
afterAll(() => dir[Symbol.dispose]());

const rotation = (): readonly string[] => [
  ...["trust", "statement", "rotate", "--from", at("keys", "old", "flavor-private.key")],
  ...["--to", publicKey("new"), "--package", "app", "-o", at("rotated.statement.json")],
];

const publicKey = (name: string) => at("keys", name, "flavor-public.key");
const keyOf = (name: string) => readPublicKey(new Uint8Array(readFileSync(publicKey(name))), name).toHex();
const env = () => ({ FLAVOR_LAUNCHERS: launchers });

const flavor = (...args: readonly string[]): Promise<Ran> =>
  runPackage(process.execPath, [MAIN, ...args], { home, env: env() });

/** The one JSON document that a command prints. */
async function documentOf(...args: readonly string[]) {
  const { stdout, exitCode } = await flavor(...args, "--json");
  return { document: JSON.parse(stdout), exitCode };
}

/** A package "app" that says one line. */
async function pack(name: string, key: string, says: string, ...more: readonly string[]) {
  writeFiles(at(name), {
    "flavor.toml": oneFolder("app", "{workenv}/app/run.sh"),
    "app/run.sh": `#!/bin/sh\necho ${JSON.stringify(says)}\n`,
  });
  const signing = ["--private-key", at("keys", key, "flavor-private.key"), ...more];
  const run = await flavor("pack", at(name), "--no-verify", "-o", at(`${name}.psp`), ...signing);
  expect({ name, ...run }).toMatchObject({ exitCode: 0 });
}

const start = (name: string, more: Readonly<Record<string, string>> = {}) =>
  runPackage(at(`${name}.psp`), [], { home, env: more });

const runs = (says: string) => ({ stdout: `${says}\n`, stderr: "", exitCode: 0 });
const FIRST = runs("it is the first");
const SECOND = runs("it is the second");
const STRANGERS = runs("it is a stranger's");

/** A start that was refused, with what it says. */
function expectRefused({ stdout, stderr, exitCode }: Ran, code: string, ...words: readonly string[]) {
  expect({ stdout, stderr, exitCode }).toEqual({ stdout: "", stderr, exitCode: 107 });
  for (const each of [`[${code}]`, ...words]) expect(stderr).toContain(each);
}

/** What the markers of the workenvs say of the signers, and whether a start believes them without another look. */
function markers() {
  const cache = join(home, "cache");
  const ids = readdirSync(cache).filter((name) => /^[0-9a-f]{16}$/.test(name));
  return ids.map((id) => {
    const { marker } = layoutOf(cache, id);
    const isFresh = Date.now() - statSync(marker).mtimeMs < 24 * 60 * 60 * 1000;
    return { signer: decodeMarker(readFileSync(marker, "utf8"))?.signer, isFresh };
  });
}

describe("an author changes their key", () => {
  test("whoever knows the old one accepts the new one by the statement, and then no longer the old one", async () => {
    expect(await start("first")).toEqual({ ...FIRST, signal: null });
    expectRefused(await start("silent"), "signer-changed", keyOf("old"), keyOf("new"));
    expect(await start("second")).toMatchObject(SECOND);
    expect(await start("second")).toMatchObject(SECOND);
    const { document } = await documentOf("trust", "list");
    expect(document.packages).toMatchObject([{ name: "app", signer: keyOf("new") }]);
    expect(await start("silent")).toMatchObject(runs("it is by a new key"));
    expectRefused(await start("stranger"), "signer-changed");
  });

  test("a store that lists the old key trusts the new one as well", async () => {
    await flavor("trust", "add", publicKey("old"), "--name", "Author", "-p", "app");
    expect(await start("second", { FLAVOR_VALIDATION: "strict" })).toMatchObject(SECOND);
    expectRefused(await start("silent"), "signer-untrusted");
    expect(await flavor("trust", "add", at("rotated.statement.json"))).toMatchObject({ exitCode: 0 });
    expect(await start("silent")).toMatchObject(runs("it is by a new key"));
  });

  test("a key that was revoked hands over nothing", async () => {
    expect(await start("first")).toMatchObject(FIRST);
    const statement = at(`revoked-${homes}.json`);
    const key = at("keys", "old", "flavor-private.key");
    const made = await flavor(
      ...["trust", "statement", "revoke", "--private-key", key],
      ...["--reason", "it was stolen", "-o", statement],
    );
    expect(made).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await flavor("trust", "add", statement)).toMatchObject({ exitCode: 0 });
    expectRefused(await start("first"), "signer-revoked", "it was stolen");
    expectRefused(await start("second"), "signer-changed");
  });
});

test("a stranger is refused until the package is forgotten; then the author is the stranger", async () => {
  expect(await start("first")).toMatchObject(FIRST);
  expectRefused(await start("stranger"), "signer-changed");
  const { document } = await documentOf("trust", "show", at("stranger.psp"));
  expect(document).toMatchObject({
    kind: "package",
    finding: "changed",
    seal: "valid",
    outcomes: { strict: "refuse", standard: "refuse", relaxed: "warn", minimal: "run", none: "run" },
  });
  const verified = await documentOf("verify", at("stranger.psp"));
  expect(verified.exitCode).toBe(107);
  expect(verified.document.checks.filter(({ ok }: { readonly ok: boolean }) => !ok)).toMatchObject([
    { name: "signer", code: "signer-changed" },
  ]);
  // A file that is called like a package is not one for that.
  writeFiles(home, { app: "notes about the app" });
  expect((await documentOf("trust", "show", "app")).document).toMatchObject({ kind: "name", name: "app" });
  expect(markers()).toEqual([{ signer: keyOf("old"), isFresh: true }]);
  expect(await flavor("trust", "forget", "app")).toMatchObject({ exitCode: 0, stderr: "" });
  expect(markers()).toEqual([{ signer: keyOf("old"), isFresh: false }]);
  expect(await start("stranger")).toMatchObject(STRANGERS);
  // It has a workenv of today, which would have counted until tomorrow.
  expectRefused(await start("first"), "signer-changed");
  expect(await flavor("trust", "forget", "app")).toMatchObject({ exitCode: 0 });
  expect(await flavor("trust", "forget", "app")).toMatchObject({ stdout: "", exitCode: 105 });
});

test("what is added, revoked and removed counts at the very next start", async () => {
  expect(await start("first")).toMatchObject(FIRST);
  expectRefused(await start("first", { FLAVOR_VALIDATION: "strict" }), "signer-untrusted");
  const added = await flavor("trust", "add", publicKey("stranger"), "--name", "Other", "-p", "app");
  expect(added).toMatchObject({ exitCode: 0, stderr: "" });
  expectRefused(await start("first"), "signer-untrusted");
  expect(await start("stranger", { FLAVOR_VALIDATION: "strict" })).toMatchObject(STRANGERS);
  expect(await flavor("trust", "add", keyOf("old"), "--name", "Author", "-p", "a*")).toMatchObject({
    exitCode: 0,
  });
  expect(await start("first", { FLAVOR_VALIDATION: "strict" })).toMatchObject(FIRST);
  expect(await flavor("trust", "revoke", "Author", "--reason", "lost")).toMatchObject({ exitCode: 0 });
  expectRefused(await start("first"), "signer-revoked", "lost");
  for (const name of [keyOf("old"), "Other"])
    expect(await flavor("trust", "remove", name)).toMatchObject({ exitCode: 0 });
  // What was trusted last is what is remembered.
  expect(await start("first")).toMatchObject(FIRST);
  expectRefused(await start("stranger"), "signer-changed");
});

describe("the machine's owner", () => {
  const ran = test.skipIf(process.platform !== "linux");
  const under = (etc: string, ...args: readonly string[]) =>
    runUnderEtc(etc, process.execPath, [MAIN, ...args], { home, env: env() });
  const startUnder = (etc: string, name: string, more: Readonly<Record<string, string>> = {}) =>
    runUnderEtc(etc, at(`${name}.psp`), [], { home, env: more });

  ran("says with --system whom all users trust, and readers can read it", async () => {
    if (noEtc !== undefined) return;
    const etc = at(`etc-${homes}`);
    mkdirSync(etc, { mode: 0o755 });
    const added = await under(etc, "trust", "add", publicKey("old"), "--name", "Author", "--system");
    expect(added).toMatchObject({
      stdout: `trusted: ${keyOf("old")} (Author), any package, in /etc/flavor/trust.json\n`,
      exitCode: 0,
    });
    expect(added.stderr).toContain("within a day");
    const modes = ["flavor", "flavor/trust.json"].map((name) => statSync(join(etc, name)).mode & 0o777);
    expect(modes).toEqual([0o755, 0o644]);
    expect(readdirSync(join(etc, "flavor"))).toEqual(["trust.json"]);
    expect(existsSync(join(home, ".config"))).toBe(false);
    expect(await startUnder(etc, "first", { FLAVOR_VALIDATION: "strict" })).toMatchObject(FIRST);
    expectRefused(await startUnder(etc, "stranger"), "signer-changed");
    expect(await under(etc, "trust", "revoke", "Author", "--system")).toMatchObject({ exitCode: 0 });
    expectRefused(await startUnder(etc, "first"), "signer-revoked");
    // A user cannot take that back in a store of their own.
    expect(await under(etc, "trust", "add", publicKey("old"))).toMatchObject({ exitCode: 0 });
    expectRefused(await startUnder(etc, "first"), "signer-revoked");
    expect(await under(etc, "trust", "remove", keyOf("old"), "--system")).toMatchObject({ exitCode: 0 });
    expect(await startUnder(etc, "first")).toMatchObject(FIRST);
  });

  ran("sets the level by which verify and show judge as well", async () => {
    if (noEtc !== undefined) return;
    const policy = { schema: "flavor.policy/1", lowest_validation: "strict" };
    const etc = makeEtc(at(`etc-${homes}`), { "policy.json": JSON.stringify(policy) });
    const signerCheck = async (...more: readonly string[]) => {
      const { stdout } = await under(etc, "verify", at("first.psp"), "--json", ...more);
      const { checks } = JSON.parse(stdout) as { readonly checks: readonly { readonly name: string }[] };
      return checks.find(({ name }) => name === "signer");
    };
    expect(await signerCheck()).toMatchObject({ ok: false, code: "signer-untrusted" });
    expectRefused(await startUnder(etc, "first"), "signer-untrusted");
    expect(await signerCheck("--key", publicKey("old"))).toMatchObject({ ok: true });
    const shown = await under(etc, "trust", "show", at("first.psp"));
    expect(shown.stdout).toMatch(/^Start +refused$/m);
    expect((await under(etc, "trust", "list")).stdout).toMatch(/^ +lowest level +strict$/m);
  });

  ran("is believed only where nobody else can write, and nobody changes what they cannot read", async () => {
    if (noEtc !== undefined) return;
    const etc = makeEtc(at(`etc-${homes}`), { "trust.json": "{" });
    const broken = { stdout: "", stderr: expect.stringContaining("/etc/flavor/trust.json"), exitCode: 109 };
    for (const args of [["add", publicKey("old"), "--system"], ["list"], ["show", "app"]])
      expect(await under(etc, "trust", ...args)).toMatchObject(broken);
    expect(readFileSync(join(etc, "flavor", "trust.json"), "utf8")).toBe("{");
    const verified = await under(etc, "verify", at("first.psp"), "--json");
    expect(verified.exitCode).toBe(109);
    expect(JSON.parse(verified.stdout).checks).toContainEqual(
      expect.objectContaining({ name: "signer", ok: false, code: "trust-store-invalid" }),
    );
  });
});

const AS_OTHER = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"];

/** Why nothing can be done as another user; they must be able to read this project, too. */
function whyNoOther(): string | undefined {
  if (process.getuid?.() !== 0 || Bun.which("setpriv") === null) return "only root can become somebody else";
  const { exitCode } = Bun.spawnSync([...AS_OTHER, process.execPath, MAIN, "--version"]);
  return exitCode === 0 ? undefined : "another user cannot run this project";
}

const noOther = whyNoOther();
if (noOther !== undefined) process.stderr.write(`not tested: trust stores of another user (${noOther})\n`);

test.skipIf(noOther !== undefined)("root does not write into the home of somebody else", async () => {
  mkdirSync(home);
  chownSync(home, 54321, 54321);
  const added = await flavor("trust", "add", publicKey("old"));
  expect(added).toMatchObject({ stdout: "", exitCode: 105 });
  expect(added.stderr).toContain("as root: it belongs to another user (54321)");
  expect(existsSync(join(home, ".config"))).toBe(false);
});

test.skipIf(noOther !== undefined)("a user may not speak for the machine's owner", async () => {
  mkdirSync(home);
  chownSync(home, 54321, 54321);
  const add = [process.execPath, MAIN, "trust", "add", keyOf("old"), "--system"];
  const { stdout, stderr, exitCode } = Bun.spawnSync([...AS_OTHER, ...add], {
    cwd: home,
    env: { ...cleanEnv(home), ...env() },
  });
  expect(stderr.toString()).toContain("hint: only the machine's owner may change the system's trust store");
  expect({ out: stdout.toString(), exitCode }).toEqual({ out: "", exitCode: 106 });
});
