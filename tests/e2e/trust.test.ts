import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { keyPairFromText, publicKeyPem } from "../../format/seal/keys.ts";
import { signWith } from "../../format/seal/sign.ts";
import { signStatement } from "../../format/trust/statement.ts";
import { EMPTY_STORE, encodeTrustStore, type TrustStore } from "../../format/trust/trust-store.ts";
import type { Metadata } from "../../format/wire/metadata-types.ts";
import { indexOf, withIndex } from "../support/forged.ts";
import { hostLauncher, type Ran, runPackage } from "../support/launcher.ts";
import { fileSlot, packageBytes } from "../support/packages.ts";
import { cannotReplaceEtc, makeEtc, runUnderEtc } from "../support/system-files.ts";
import { tempDir } from "../support/temp-dir.ts";

// Packages that are what somebody signed, and whether that is the right one. They are started by a launcher of ours
// that stands beside them, as "flavor run" does it: it makes no difference to what is judged.

const keyOf = (seed: string) => keyPairFromText(seed).publicKey.toHex();
const AUTHOR = keyOf("author");
const STRANGER = keyOf("stranger");
const TIME = "2026-01-31T12:00:00Z";

let dir: ReturnType<typeof tempDir>;
let launcher: string;
let noEtc: string | undefined;
beforeAll(async () => {
  dir = tempDir();
  // Failures are told under the name that a program was started by.
  launcher = join(dir.path, "app.psp");
  symlinkSync(await hostLauncher(), launcher);
  noEtc = cannotReplaceEtc(join(dir.path, "probe"));
  if (noEtc !== undefined) process.stderr.write(`not tested: files of the machine's owner (${noEtc})\n`);
});
afterAll(() => dir[Symbol.dispose]());

interface Signed {
  readonly version?: string;
  readonly built?: string;
  readonly more?: Partial<Metadata>;
}

/** A package "app" that says its version when it is started. */
async function pack(
  seed: string,
  { version = "1", built = "2026-06-01T00:00:00+00:00", more = {} }: Signed = {},
) {
  const path = join(dir.path, `${seed}-${version}-${packed++}`, "app.psp");
  const platform = { os: "linux", arch: "amd64", host: "h" };
  const bytes = await packageBytes({
    keySeed: seed,
    slots: [
      fileSlot("settings", `settings of ${version}`, { target: "settings", lifecycle: "config" }),
      fileSlot("run", `#!/bin/sh\necho runs ${version} by ${seed}\n`, { target: "run", permissions: 0o755 }),
    ],
    about: {
      package: { name: "app", version },
      execution: { primarySlot: 0, command: "{workenv}/run", env: {} },
      build: { tool: "flavor", toolVersion: "1", timestamp: built, deterministic: true, platform },
      ...more,
    },
  });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}
let packed = 0;

/** A user of a machine. */
function newUser() {
  const home = join(dir.path, `home-${users++}`);
  const state = join(home, "state");
  const config = join(home, "config");
  const run = (
    pkg: string,
    env: Readonly<Record<string, string | undefined>> = {},
    etc?: string,
  ): Promise<Ran> => {
    const args = ["--package", pkg, "run"];
    const variables = { FLAVOR_LAUNCHER_CLI: "1", XDG_STATE_HOME: state, XDG_CONFIG_HOME: config, ...env };
    const options = { home, env: variables };
    return etc === undefined
      ? runPackage(launcher, args, options)
      : runUnderEtc(etc, launcher, args, options);
  };
  const memory = join(state, "flavor", "known", "app.json");
  return {
    home,
    memory,
    run,
    /** What the user's trust store says from now on. */
    trusts(store: Partial<TrustStore>) {
      mkdirSync(join(config, "flavor"), { recursive: true });
      writeFileSync(join(config, "flavor", "trust.json"), encodeTrustStore({ ...EMPTY_STORE, ...store }));
    },
    remembered: () =>
      existsSync(memory)
        ? (JSON.parse(readFileSync(memory, "utf8")) as { signer: string }).signer
        : undefined,
    since: () => (JSON.parse(readFileSync(memory, "utf8")) as { first_seen: string }).first_seen.slice(0, 10),
    /** As if every workenv had been looked through two days ago. */
    waitADay() {
      const then = Date.now() / 1000 - 2 * 24 * 60 * 60;
      for (const marker of new Bun.Glob(".*.pspf/instance/extract/complete").scanSync({
        cwd: join(home, "cache"),
        dot: true,
      }))
        utimesSync(join(home, "cache", marker), then, then);
    },
    unpacked: () =>
      existsSync(join(home, "cache"))
        ? readdirSync(join(home, "cache")).filter((name) => /^[0-9a-f]{16}$/.test(name))
        : [],
  };
}
let users = 0;

const runs = (what: string) => ({ stdout: `runs ${what}\n`, stderr: "", exitCode: 0 });
const refused = (code: string) => ({
  stdout: "",
  stderr: expect.stringContaining(`[${code}]\n`),
  exitCode: 107,
});
const listing = (seed: string, ...packages: readonly string[]) => ({
  keys: [{ key: keyOf(seed), name: `the ${seed}`, packages, added: TIME }],
});

describe("the first use of a package", () => {
  test("says nothing and is remembered; another signer is refused with both keys and the remedy, which works", async () => {
    const user = newUser();
    const [app, other] = [await pack("author"), await pack("stranger")];
    for (let i = 0; i < 2; i++) expect(await user.run(app)).toMatchObject(runs("1 by author"));
    expect(user.remembered()).toBe(AUTHOR);
    expect(user.unpacked()).toHaveLength(1);
    for (const level of [undefined, "standard"]) {
      const { stdout, stderr, exitCode } = await user.run(other, { FLAVOR_VALIDATION: level });
      expect(stderr).toBe(
        `app.psp: Cannot trust this package: "app" was signed by another key until now [signer-changed]
  remembered: ${AUTHOR} (since ${user.since()}, version 1)
  now: ${STRANGER}
  hint: if its author has changed the key: flavor trust forget app, or remove ${user.memory}
`,
      );
      expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 107 });
    }
    expect(user.unpacked()).toHaveLength(1);
    expect(await user.run(app)).toMatchObject(runs("1 by author"));
    rmSync(user.memory);
    expect(await user.run(other)).toMatchObject(runs("1 by stranger"));
    expect(user.remembered()).toBe(STRANGER);
  });

  test("of two that start at once, one is remembered and the other refused", async () => {
    const packages = [await pack("author"), await pack("stranger")];
    const user = newUser();
    const ran = await Promise.all([0, 1, 0, 1, 0, 1].map((i) => user.run(packages[i] as string)));
    const signer = user.remembered();
    expect([AUTHOR, STRANGER]).toContain(signer as string);
    for (const [i, { exitCode, stdout }] of ran.entries()) {
      const isFirst = [AUTHOR, STRANGER][i % 2] === signer;
      expect([i, exitCode, stdout === ""]).toEqual([i, isFirst ? 0 : 107, !isFirst]);
    }
    expect(user.unpacked()).toHaveLength(1);
  });

  test("at a level that does not look leaves nothing, and is not good enough for one that does", async () => {
    const user = newUser();
    await user.run(await pack("author"));
    const other = await pack("stranger");
    for (const level of ["minimal", "none"])
      expect(await user.run(other, { FLAVOR_VALIDATION: level })).toMatchObject(runs("1 by stranger"));
    for (let i = 0; i < 2; i++) {
      const { stdout, stderr, exitCode } = await user.run(other, { FLAVOR_VALIDATION: "relaxed" });
      expect(stderr).toBe(
        `app.psp: warning: "app" was signed by another key until now (remembered: ${AUTHOR} ` +
          `(since ${user.since()}, version 1); now: ${STRANGER}); it runs because FLAVOR_VALIDATION=relaxed\n`,
      );
      expect({ stdout, exitCode }).toEqual({ stdout: "runs 1 by stranger\n", exitCode: 0 });
    }
    expect(user.remembered()).toBe(AUTHOR);
    expect(await user.run(other)).toMatchObject(refused("signer-changed"));
  });

  test("that was not looked at, or whose signature is wrong, leaves nothing", async () => {
    const app = await pack("author");
    const forged = join(dirname(app), "forged", "app.psp");
    mkdirSync(dirname(forged));
    const bytes = new Uint8Array(readFileSync(app));
    const signature = indexOf(bytes).signature.map((byte, i) => (i === 5 ? byte ^ 1 : byte));
    writeFileSync(forged, withIndex(bytes, { signature }));
    const user = newUser();
    for (const level of ["minimal", "none"])
      expect(await user.run(app, { FLAVOR_VALIDATION: level })).toMatchObject(runs("1 by author"));
    const relaxed = await user.run(forged, { FLAVOR_VALIDATION: "relaxed" });
    expect(relaxed.stderr).toContain("warning: its signature does not match its metadata");
    expect(relaxed.stdout).toBe("runs 1 by author\n");
    expect(user.remembered()).toBeUndefined();
    expect(await user.run(app, { FLAVOR_VALIDATION: "relaxed" })).toMatchObject(runs("1 by author"));
    expect(user.remembered()).toBe(AUTHOR);
  });

  test("where there is no home the package runs, and only who asks is told", async () => {
    const user = newUser();
    const nowhere = { HOME: undefined, XDG_STATE_HOME: undefined, XDG_CONFIG_HOME: undefined };
    expect(await user.run(await pack("author"), nowhere)).toMatchObject(runs("1 by author"));
    const { stderr } = await user.run(await pack("stranger"), { ...nowhere, FLAVOR_LOG_LEVEL: "info" });
    expect(stderr).toContain("the signer cannot be remembered: there is no home folder");
  });

  test("what is remembered is damaged: nothing is started, and nothing forgotten", async () => {
    const user = newUser();
    const app = await pack("author");
    await user.run(app);
    writeFileSync(user.memory, readFileSync(user.memory, "utf8").slice(0, 20));
    // A warm start does not read it.
    expect(await user.run(app)).toMatchObject(runs("1 by author"));
    user.waitADay();
    for (const level of [undefined, "strict"]) {
      const { stderr, exitCode } = await user.run(app, { FLAVOR_VALIDATION: level });
      expect(stderr).toContain(`Cannot use what is remembered of a package, ${user.memory}: `);
      expect(stderr).toContain("[trust-store-invalid]");
      expect(stderr).toContain(`or remove it: then`);
      expect(exitCode).toBe(109);
    }
    const relaxed = await user.run(app, { FLAVOR_VALIDATION: "relaxed" });
    expect(relaxed.stderr).toMatch(/^app\.psp: warning: the signer is not known; it runs because [^\n]*\n$/);
    expect(relaxed).toMatchObject({ stdout: "runs 1 by author\n", exitCode: 0 });
  });
});

test("packages without a key of their author: each build has another, and none is remembered", async () => {
  const user = newUser();
  for (const seed of ["one", "two"])
    expect(await user.run(await pack(seed, { more: { isAnonymous: true } }))).toMatchObject(
      runs(`1 by ${seed}`),
    );
  expect(user.remembered()).toBeUndefined();
  await user.run(await pack("author"));
  const { stderr } = await user.run(await pack("three", { more: { isAnonymous: true } }));
  expect(stderr).toContain("[signer-changed]");
  expect(stderr).toContain(`now: ${keyOf("three")} (made for this build alone)`);
});

test("a key that has handed over to another: the memory moves on with it, and the user's settings", async () => {
  const user = newUser();
  const first = await pack("author");
  await user.run(first);
  const settingsIn = (workenv: string) => join(user.home, "cache", workenv, "settings");
  for (const workenv of user.unpacked()) writeFileSync(settingsIn(workenv), "mine");
  const statement = await signStatement(
    { kind: "rotation", from: AUTHOR, to: keyOf("heir"), packages: ["app"], created: TIME },
    (message) => signWith(keyPairFromText("author").seed, message),
  );
  const second = await pack("heir", { version: "2", more: { statements: [statement] } });
  expect(await user.run(second)).toMatchObject(runs("2 by heir"));
  expect(user.remembered()).toBe(keyOf("heir"));
  expect(user.unpacked().map((workenv) => readFileSync(settingsIn(workenv), "utf8"))).toEqual([
    "mine",
    "mine",
  ]);
  expect(await user.run(await pack("heir", { version: "3" }))).toMatchObject(runs("3 by heir"));
  // Its workenv is ready, but was made when the memory was another one.
  expect(await user.run(first)).toMatchObject(refused("signer-changed"));
  // Another may carry the same statement, but is not its heir.
  const thief = await pack("stranger", { version: "4", more: { statements: [statement] } });
  expect(await user.run(thief)).toMatchObject(refused("signer-changed"));
});

describe("the user's trust store", () => {
  test("only listed signers are started at strict", async () => {
    const user = newUser();
    const app = await pack("author");
    const strict = { FLAVOR_VALIDATION: "strict" };
    expect(await user.run(app, strict)).toMatchObject(refused("signer-untrusted"));
    // What was refused was neither unpacked nor remembered.
    expect(user.unpacked()).toEqual([]);
    expect(user.remembered()).toBeUndefined();
    await user.run(app);
    expect(await user.run(app, strict)).toMatchObject(refused("signer-untrusted"));
    const anonymous = await pack("one", { more: { isAnonymous: true } });
    expect(await newUser().run(anonymous, strict)).toMatchObject(refused("signer-untrusted"));
    user.trusts(listing("author", "a*"));
    for (let i = 0; i < 2; i++) expect(await user.run(app, strict)).toMatchObject(runs("1 by author"));
  });

  test("the owner's word counts more than what is remembered, and forbids other keys", async () => {
    const user = newUser();
    const [app, other] = [await pack("author"), await pack("stranger")];
    await user.run(other);
    user.trusts(listing("author", "app"));
    expect(await user.run(app)).toMatchObject(runs("1 by author"));
    expect(user.remembered()).toBe(AUTHOR);
    // A workenv that was made before is asked about again within a day.
    user.waitADay();
    const { stderr, exitCode } = await user.run(other);
    expect(stderr).toContain('your trust store wants another key for "app" [signer-untrusted]\n');
    expect(stderr).toContain(`  wanted: ${AUTHOR} (the author)\n  now: ${STRANGER}\n`);
    expect(exitCode).toBe(107);
  });

  test("a revoked key is refused, at the latest a day after it was", async () => {
    const user = newUser();
    const app = await pack("author");
    await user.run(app);
    user.trusts({
      ...listing("author"),
      revoked: [{ key: AUTHOR, reason: "st\u001b[31molen", revoked: TIME }],
    });
    user.waitADay();
    const { stderr, exitCode } = await user.run(app);
    expect(stderr).toStartWith(
      "app.psp: Cannot trust this package: the key that signed it was revoked by your trust store [signer-revoked]\n" +
        `  signer: ${AUTHOR}\n  reason: st\\u001b[31molen\n`,
    );
    expect(exitCode).toBe(107);
    expect(await user.run(app, { FLAVOR_VALIDATION: "minimal" })).toMatchObject(runs("1 by author"));
  });
});

describe("FLAVOR_TRUSTED_KEYS", () => {
  test("lists the only keys that count, also for what is ready, and leaves no memory", async () => {
    const user = newUser();
    const app = await pack("author");
    expect(await user.run(app, { FLAVOR_TRUSTED_KEYS: STRANGER })).toMatchObject(refused("signer-untrusted"));
    const both = { FLAVOR_TRUSTED_KEYS: `${STRANGER}, ${AUTHOR.toUpperCase()}` };
    for (let i = 0; i < 2; i++) expect(await user.run(app, both)).toMatchObject(runs("1 by author"));
    expect(await user.run(app, { FLAVOR_TRUSTED_KEYS: STRANGER })).toMatchObject(refused("signer-untrusted"));
    expect(await user.run(app, { ...both, FLAVOR_VALIDATION: "strict" })).toMatchObject(runs("1 by author"));
    expect(user.remembered()).toBeUndefined();
  });

  test("may name files", async () => {
    const user = newUser();
    const file = join(dir.path, "author.key");
    writeFileSync(file, publicKeyPem(keyPairFromText("author").publicKey));
    const app = await pack("author");
    for (let i = 0; i < 2; i++)
      expect(await user.run(app, { FLAVOR_TRUSTED_KEYS: file })).toMatchObject(runs("1 by author"));
    const other = await pack("stranger");
    expect(await user.run(other, { FLAVOR_TRUSTED_KEYS: file })).toMatchObject(refused("signer-untrusted"));
  });

  test("what it let in is judged again where it is not set", async () => {
    const user = newUser();
    await user.run(await pack("author"));
    const other = await pack("stranger");
    expect(await user.run(other, { FLAVOR_TRUSTED_KEYS: STRANGER })).toMatchObject(runs("1 by stranger"));
    for (const value of [undefined, ""])
      expect(await user.run(other, { FLAVOR_TRUSTED_KEYS: value })).toMatchObject(refused("signer-changed"));
  });

  test.each(["nonsense", ",", `${AUTHOR},`])("%j is refused, also for what is ready", async (value) => {
    const user = newUser();
    const app = await pack("author");
    await user.run(app);
    const { stderr, exitCode } = await user.run(app, { FLAVOR_TRUSTED_KEYS: value });
    expect(stderr).toContain("Cannot use FLAVOR_TRUSTED_KEYS: ");
    expect(stderr).toContain("[bad-arguments]");
    expect(exitCode).toBe(105);
  });
});

describe("what the machine's owner says", () => {
  let etcs = 0;
  const etcWith = (policy: object | string, trust?: Partial<TrustStore>) =>
    makeEtc(join(dir.path, `etc-${etcs++}`), {
      "policy.json":
        typeof policy === "string" ? policy : JSON.stringify({ schema: "flavor.policy/1", ...policy }),
      ...(trust === undefined ? {} : { "trust.json": encodeTrustStore({ ...EMPTY_STORE, ...trust }) }),
    });
  /** Where there is no way, the reason was printed above. */
  const systemTest = (name: string, work: () => Promise<void>) =>
    test(name, async () => {
      if (noEtc === undefined) await work();
    });

  systemTest("the environment may not ask for less, also where all is ready", async () => {
    const etc = etcWith({ lowest_validation: "standard" });
    const user = newUser();
    const app = await pack("author");
    for (const ready of [false, true]) {
      for (const level of ["relaxed", "minimal", "none"]) {
        const { stdout, stderr, exitCode } = await user.run(app, { FLAVOR_VALIDATION: level }, etc);
        expect([ready, stderr]).toEqual([
          ready,
          `app.psp: Cannot use FLAVOR_VALIDATION=${level}: the policy of this machine wants at least standard [bad-arguments]\n` +
            "  hint: the machine's owner says so in /etc/flavor/policy.json\n",
        ]);
        expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 105 });
      }
      expect(await user.run(app, {}, etc)).toMatchObject(runs("1 by author"));
    }
    expect(await user.run(app, { FLAVOR_VALIDATION: "none" })).toMatchObject(runs("1 by author"));
  });

  systemTest("a strict machine is strict without being asked, and no variable moves its files", async () => {
    const etc = etcWith({ lowest_validation: "strict" }, listing("author", "app"));
    const user = newUser();
    const [app, other] = [await pack("author"), await pack("stranger")];
    for (let i = 0; i < 2; i++) expect(await user.run(app, {}, etc)).toMatchObject(runs("1 by author"));
    const unlisted = etcWith({ lowest_validation: "strict" });
    const { stderr } = await newUser().run(app, {}, unlisted);
    expect(stderr).toContain("its signer is in no trust store [signer-untrusted]");
    user.trusts(listing("stranger", "app"));
    const env = { XDG_CONFIG_DIRS: dir.path, FLAVOR_POLICY: "/dev/null", PROGRAMDATA: dir.path };
    expect(await user.run(other, env, etc)).toMatchObject(refused("signer-untrusted"));
    const asked = await user.run(app, { FLAVOR_VALIDATION: "standard" }, etc);
    expect(asked).toMatchObject({ stdout: "", exitCode: 105 });
  });

  systemTest("a first use is not enough where signers must be listed", async () => {
    const user = newUser();
    const app = await pack("author");
    const listed = etcWith({ trust: "listed" });
    const system = etcWith({ trust: "system" }, listing("stranger"));
    const { stderr, exitCode } = await user.run(app, {}, listed);
    expect(stderr).toContain(
      "the policy of this machine wants a signer that is listed, and this one is not [signer-untrusted]\n" +
        `  signer: ${AUTHOR}\n  hint: if that key is its author's: flavor trust add ${AUTHOR} --package=app\n`,
    );
    expect(exitCode).toBe(107);
    expect(user.remembered()).toBeUndefined();
    expect(await user.run(app, { FLAVOR_TRUSTED_KEYS: AUTHOR }, listed)).toMatchObject(runs("1 by author"));
    user.trusts(listing("author"));
    expect(await user.run(app, {}, listed)).toMatchObject(runs("1 by author"));
    user.waitADay();
    expect(await user.run(app, {}, system)).toMatchObject(refused("signer-untrusted"));
    expect(await user.run(await pack("stranger", { version: "2" }), {}, system)).toMatchObject(
      runs("2 by stranger"),
    );
  });

  systemTest(
    "an older build is refused where the policy says so, and the newest is what counts",
    async () => {
      const etc = etcWith({ rollback: "refuse" });
      const user = newUser();
      const [june, july] = [
        await pack("author", { built: "2026-06-01T00:00:00+00:00" }),
        await pack("author", { built: "2026-07-01T00:00:00+00:00", version: "2" }),
      ];
      expect(await user.run(june, {}, etc)).toMatchObject(runs("1 by author"));
      expect(await user.run(july, {}, etc)).toMatchObject(runs("2 by author"));
      user.waitADay();
      const { stderr, exitCode } = await user.run(june, {}, etc);
      expect(stderr).toContain("[package-older]\n");
      expect(stderr).toContain(
        "  newest: 2026-07-01T00:00:00.000Z (version 2)\n  this one: 2026-06-01T00:00:00.000Z (version 1)\n",
      );
      expect(exitCode).toBe(107);
      expect(await user.run(july, {}, etc)).toMatchObject(runs("2 by author"));
      // Elsewhere nobody minds.
      expect(await user.run(june)).toMatchObject(runs("1 by author"));
    },
  );

  systemTest(
    "a policy that somebody else may write, or that is damaged, lets nothing start at any level",
    async () => {
      const user = newUser();
      const app = await pack("author");
      const open = etcWith({});
      chmodSync(join(open, "flavor", "policy.json"), 0o666);
      const foreign = etcWith({});
      chownSync(join(foreign, "flavor"), 1234, 1234);
      const damaged = etcWith('{"schema":"flavor.policy/1",');
      const unknown = etcWith({ lowest: "none" });
      for (const [etc, words] of [
        [open, "others than root may write to /etc/flavor/policy.json"],
        [foreign, "/etc/flavor does not belong to root"],
        [damaged, "expected a string at line 1"],
        [unknown, "lowest: is not known"],
      ] as const)
        for (const level of [undefined, "relaxed", "none"]) {
          const { stdout, stderr, exitCode } = await user.run(app, { FLAVOR_VALIDATION: level }, etc);
          expect(stderr).toContain("[policy-invalid]");
          expect(stderr).toContain(words);
          expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 109 });
        }
      expect(user.unpacked()).toEqual([]);
    },
  );

  systemTest("the system's trust store is refused in the same way", async () => {
    const user = newUser();
    const etc = etcWith({}, listing("author"));
    chmodSync(join(etc, "flavor", "trust.json"), 0o664);
    const { stderr, exitCode } = await user.run(await pack("author"), {}, etc);
    expect(stderr).toContain("others than root may write to /etc/flavor/trust.json [trust-store-invalid]");
    expect(exitCode).toBe(109);
  });
});
