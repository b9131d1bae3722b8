import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { openFileSource } from "../../../format/io/byte-source.ts";
import { encryptPrivateKey } from "../../../format/seal/encrypted-key.ts";
import { keyPairFromText, privateKeyPem, publicKeyPem } from "../../../format/seal/keys.ts";
import { toHex } from "../../../format/wire/hashes.ts";
import { isValid, verifyPackage } from "../../../format/verify.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { type CliSetting, documentOf, runCli } from "../testing.ts";

const PAIR = keyPairFromText("mine");
const KEY = toHex(PAIR.publicKey);
const ENCRYPTED = encryptPrivateKey(PAIR.seed, "pass");

let dir: ReturnType<typeof tempDir>;
const at = (name: string) => join(dir.path, name);
beforeEach(() => {
  dir = tempDir();
  const files = {
    launcher: "#!/bin/sh\nexit 0\n",
    "a.txt": "text",
    "flavor.toml":
      '[package]\nname = "app"\nversion = "1.0"\n[execution]\ncommand = "x"\n[[slots]]\nsource = "a.txt"\n',
    key: privateKeyPem(PAIR.seed),
    encrypted: ENCRYPTED,
    public: publicKeyPem(PAIR.publicKey),
    other: publicKeyPem(keyPairFromText("other").publicKey),
    passphrase: "pass\n",
    // a stand-in for a device or a key service
    "sign.ts": `
      import { readFileSync, appendFileSync } from "node:fs";
      const { signWith } = await import(${JSON.stringify(join(import.meta.dir, "../../../format/seal/sign.ts"))});
      const message = new Uint8Array(readFileSync(0));
      appendFileSync("${at("asked")}", message);
      process.stdout.write(signWith(Uint8Array.fromHex("${PAIR.seed.toHex()}"), message).toBase64());`,
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(at(name), content);
});
afterEach(() => dir[Symbol.dispose]());

const pack = (args: readonly string[], setting: CliSetting = {}) =>
  runCli(["pack", at("flavor.toml"), "--launcher", at("launcher"), "-p", "linux-x64", ...args, "--json"], {
    cwd: dir.path,
    ...setting,
  });

const command = () => `"${process.execPath}" ${at("sign.ts")}`;

const WAYS: readonly (readonly [
  name: string,
  origin: string,
  args: () => readonly string[],
  setting?: CliSetting,
])[] = [
  ["a file", "file", () => ["--private-key", at("key")]],
  ["a file and its public half", "file", () => ["--private-key", at("key"), "--public-key", at("public")]],
  ["a seed", "seed", () => ["--key-seed", "mine"]],
  ["a seed of the environment", "seed", () => ["--key-seed", "env"], { env: { FLAVOR_KEY_SEED: "mine" } }],
  [
    "a key of the environment",
    "pem",
    () => ["--private-key", "env"],
    { env: { FLAVOR_PRIVATE_KEY: privateKeyPem(PAIR.seed) } },
  ],
  [
    "an encrypted key of the environment",
    "pem",
    () => ["--private-key", "env", "--public-key", at("public")],
    { env: { FLAVOR_PRIVATE_KEY: ENCRYPTED, FLAVOR_KEY_PASSPHRASE: "pass" } },
  ],
  [
    "an encrypted file",
    "file",
    () => ["--private-key", at("encrypted"), "--passphrase-file", at("passphrase")],
  ],
  [
    "an encrypted file and who types",
    "file",
    () => ["--private-key", at("encrypted")],
    { secrets: ["pass"] },
  ],
  ["a command", "command", () => ["--sign-command", command(), "--public-key", at("public")]],
];

test.each(WAYS.map(([name, origin, args, setting = {}]) => [name, { origin, args, setting }] as const))(
  "%s signs, and each gives the same package",
  async (_, { origin, args, setting }) => {
    const run = await pack(args(), setting);
    expect(run.err).toBe("");
    expect(documentOf(run)).toMatchObject({ packages: [{ key: KEY, keyOrigin: origin }] });
    using source = openFileSource(at("dist/app.psp"));
    const verification = await verifyPackage(source);
    expect([isValid(verification), verification.signer]).toEqual([true, KEY]);
    const seeded = await pack(["--key-seed", "mine", "-o", at("seeded.psp")]);
    const sha256 = (document: Record<string, unknown>) =>
      (document["packages"] as readonly [{ readonly sha256: string }])[0].sha256;
    expect(sha256(documentOf(run))).toBe(sha256(documentOf(seeded)));
  },
);

test("a command signs the metadata of each package, and nothing else", async () => {
  const run = await pack(["-p", "linux-arm64", "--sign-command", command(), "--public-key", at("public")]);
  expect(run.exitCode).toBe(0);
  const metadata = await Promise.all(
    ["linux-x64", "linux-arm64"].map(async (target) => {
      using source = openFileSource(at(`dist/app-${target}.psp`));
      return new TextDecoder().decode((await verifyPackage(source)).package?.json);
    }),
  );
  expect(await Bun.file(at("asked")).text()).toBe(metadata.join(""));
});

describe("what cannot be signed leaves nothing", () => {
  test.each([
    ["exits", () => "false", "Cannot sign with false: it ended with 1"],
    ["says nothing", () => "true", "Cannot sign with true: it ended well, but answered nothing"],
    [
      "is another one",
      command,
      `Cannot sign with ${basename(process.execPath)}: its signature is not by OTHER`,
    ],
  ])("when the command %s", async (_, words, message) => {
    const before = readdirSync(dir.path);
    const key = message.includes("OTHER") ? "other" : "public";
    const run = await pack(["--sign-command", words(), "--public-key", at(key)]);
    expect(documentOf(run)).toMatchObject({
      schema: "flavor.error/1",
      code: "signing-failed",
      message: message.replace("OTHER", at("other")),
      exitCode: 107,
    });
    expect(readdirSync(dir.path).filter((name) => name !== "asked")).toEqual(before);
  });

  test("when the public key beside the manifest is not that of the private one", async () => {
    mkdirSync(at("keys"));
    writeFileSync(at("keys/flavor-private.key"), privateKeyPem(PAIR.seed));
    writeFileSync(at("keys/flavor-public.key"), publicKeyPem(keyPairFromText("other").publicKey));
    const run = await pack([]);
    expect(documentOf(run)).toMatchObject({ code: "key-invalid", exitCode: 107 });
    expect(readdirSync(dir.path)).not.toContain("dist");
    writeFileSync(at("keys/flavor-public.key"), publicKeyPem(PAIR.publicKey));
    expect(documentOf(await pack([]))).toMatchObject({ packages: [{ key: KEY, keyOrigin: "file" }] });
  });
});

const posix = process.platform !== "win32";
if (!posix)
  process.stderr.write("skipped: a build that is ended while a command signs, Windows has no signals\n");

test.skipIf(!posix)(
  "a build that is ended while a command signs ends it too, and leaves no package",
  async () => {
    writeFileSync(
      at("wait"),
      `#!/bin/sh\necho $$ > ${at("pid.part")}\nmv ${at("pid.part")} ${at("pid")}\nexec sleep 100\n`,
    );
    chmodSync(at("wait"), 0o755);
    const main = join(import.meta.dir, "..", "main.ts");
    const words = ["pack", "--launcher", at("launcher"), "-p", "linux-x64", "--sign-command", at("wait")];
    await using child = Bun.spawn([process.execPath, main, ...words, "--public-key", at("public")], {
      cwd: dir.path,
      env: { ...process.env, HOME: dir.path },
      stdout: "ignore",
      stderr: "ignore",
    });
    while (!existsSync(at("pid"))) await Bun.sleep(5);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(143);
    const pid = readFileSync(at("pid"), "utf8").trim();
    // where nobody asks about the dead they stay, but do nothing
    while (Bun.spawnSync(["ps", "-o", "stat=", "-p", pid]).stdout.toString().trim().match(/^[^Z]/))
      await Bun.sleep(5);
    expect(existsSync(at("dist")) ? readdirSync(at("dist")) : []).toEqual([]);
  },
);

test.each(["0", "-1", "1.5", "x", "1000000"])("--sign-timeout %s is refused", async (seconds) => {
  const run = await pack([
    "--sign-command",
    "true",
    "--public-key",
    at("public"),
    `--sign-timeout=${seconds}`,
  ]);
  expect(documentOf(run)).toMatchObject({ code: "bad-arguments", exitCode: 105 });
});
