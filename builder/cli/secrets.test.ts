import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openFileSource } from "../../format/io/byte-source.ts";
import { openPackage } from "../../format/reader.ts";
import { encryptPrivateKey } from "../../format/seal/encrypted-key.ts";
import { generateKeyPair, keyPairFromText, privateKeyPem, publicKeyPem } from "../../format/seal/keys.ts";
import type { Bytes } from "../../format/types.ts";
import { packageBytes } from "../../tests/support/packages.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { packManifest } from "../pack.ts";
import { readManifest } from "../manifest/manifest.ts";
import { signerFrom } from "../signing/signer.ts";
import { type CliSetting, runCli } from "./testing.ts";

// Nothing that the command line writes shows a secret, whatever fails and however: each row has secrets that can be
// recognised, and all that was printed, thrown or written is searched for them.

const PASSPHRASE = "canary-passphrase-2f6d";
const SEED_TEXT = "canary-seed-text-9b1e";
const PIN = "canary-pin-77c4";
const PAIR = generateKeyPair();
const PEM = privateKeyPem(PAIR.seed);
const BODY = PEM.split("\n")[1] as string;
const FROM_TEXT = keyPairFromText(SEED_TEXT);
const ENCRYPTED = encryptPrivateKey(PAIR.seed, PASSPHRASE);

/** Every secret in all forms that programs print bytes in. */
const FORBIDDEN: readonly string[] = [
  ...[PASSPHRASE, SEED_TEXT, PIN].flatMap((text) => [text, ...formsOf(new TextEncoder().encode(text))]),
  ...[PAIR.seed, FROM_TEXT.seed].flatMap(formsOf),
  BODY,
  // most of a key that was cut is a secret as well
  BODY.slice(24, 48),
];

function formsOf(bytes: Bytes): readonly string[] {
  const base64 = bytes.toBase64().replace(/=+$/, "");
  return [
    bytes.toHex(),
    bytes.toHex().toUpperCase(),
    base64,
    base64.slice(0, -2),
    bytes.join(","),
    bytes.join(", "),
  ];
}

const PACKAGE = await packageBytes();

const found = (text: string): readonly string[] => FORBIDDEN.filter((secret) => text.includes(secret));

let dir: ReturnType<typeof tempDir>;
const at = (name: string) => join(dir.path, name);

beforeEach(() => {
  dir = tempDir();
  const files = {
    launcher: "#!/bin/sh\nexit 0\n",
    "a.txt": "text",
    "ready.psp": PACKAGE,
    "flavor.toml":
      '[package]\nname = "app"\nversion = "1.0"\n[execution]\ncommand = "{workenv}/a.txt"\n[[slots]]\nsource = "a.txt"\n',
    "broken.toml": '[package]\nname = ""\n[execution]\ncommand = "x"\n',
    "missing.toml":
      '[package]\nname = "app"\nversion = "1.0"\n[execution]\ncommand = "x"\n[[slots]]\nsource = "nowhere"\n',
    key: PEM,
    encrypted: ENCRYPTED,
    public: publicKeyPem(PAIR.publicKey),
    other: publicKeyPem(generateKeyPair().publicKey),
    cut: PEM.slice(0, -30),
    damaged: PEM.replace(BODY.slice(10, 14), "!*=="),
    labelled: PEM.replaceAll("PRIVATE KEY", "SECRET KEY"),
    short: PEM.replace(BODY, BODY.slice(0, 56)),
    pass: `${PASSPHRASE}\n`,
    wrong: `${PASSPHRASE}x\n`,
    "not-utf8": new Uint8Array([...new TextEncoder().encode(PASSPHRASE), 0xff, 10]),
    "one-line": `\n${PASSPHRASE}\n`,
    fails: "#!/bin/sh\ncat > /dev/null\nexit 3\n",
    silent: "#!/bin/sh\ncat > /dev/null\n",
    echoes: '#!/bin/sh\ncat > /dev/null\necho "$@"\n',
    zeros: "#!/bin/sh\ncat > /dev/null\nhead -c 64 /dev/zero\n",
    hangs: "#!/bin/sh\nexec sleep 100\n",
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(at(name), content);
  for (const name of ["fails", "silent", "echoes", "zeros", "hangs"]) chmodSync(at(name), 0o755);
  mkdirSync(at("folder"));
});
afterEach(() => dir[Symbol.dispose]());

interface Row {
  readonly name: string;
  readonly args: (at: (name: string) => string) => readonly string[];
  readonly setting?: CliSetting;
  /** Undefined where nothing here says it. */
  readonly exitCode: number | undefined;
}

const signing = (
  name: string,
  exitCode: number | undefined,
  args: Row["args"],
  setting: CliSetting = {},
): Row => ({
  name,
  exitCode,
  setting,
  args: (at) => ["pack", "--launcher", at("launcher"), "-p", "linux-x64", ...args(at)],
});
const command = (name: string, words: string, exitCode = 107, key = "public"): Row =>
  signing(name, exitCode, (at) => [
    ...["--sign-command", words.replaceAll("@", `${at("")}`), "--public-key", at(key)],
    ...["--sign-timeout", "1"],
  ]);

const ALL = { FLAVOR_KEY_SEED: SEED_TEXT, FLAVOR_PRIVATE_KEY: PEM, FLAVOR_KEY_PASSPHRASE: PASSPHRASE };
const pem = (text: string): CliSetting => ({ env: { FLAVOR_PRIVATE_KEY: text } });

const ROWS: readonly Row[] = [
  signing("a seed, well used", 0, () => ["--key-seed", SEED_TEXT]),
  signing("a seed of the environment, well used", 0, () => ["--key-seed", "env"], { env: ALL }),
  signing("a key of the environment, well used", 0, () => ["--private-key", "env"], { env: ALL }),
  signing("an encrypted key, well used", 0, (at) => [
    "--private-key",
    at("encrypted"),
    "--passphrase-file",
    at("pass"),
  ]),
  signing("an encrypted key and who types", 0, (at) => ["--private-key", at("encrypted")], {
    secrets: [PASSPHRASE],
  }),
  signing("two sources", 105, (at) => ["--key-seed", SEED_TEXT, "--private-key", at("key")]),
  signing("a seed and a public key", 105, (at) => ["--key-seed", SEED_TEXT, "--public-key", at("public")]),
  signing("a misspelt option", 105, () => [`--key-sed=${SEED_TEXT}`]),
  signing("a misspelt option with a blank", 105, () => ["--key-sed", SEED_TEXT, "x"]),
  signing("a passphrase as the value of a flag", 105, () => [`--passphrase=${PASSPHRASE}`]),
  signing("too many arguments", 105, () => ["x", "--key-seed", SEED_TEXT, PASSPHRASE]),
  signing("another key than the public one", 107, (at) => [
    "--private-key",
    at("key"),
    "--public-key",
    at("other"),
  ]),
  signing("the private key as the public one", 107, (at) => [
    "--private-key",
    at("key"),
    "--public-key",
    at("key"),
  ]),
  signing("a key itself instead of its file", 105, () => ["--private-key", PEM]),
  signing("the base64 of a key", 105, () => ["--private-key", BODY]),
  signing("a seed in hex", 105, () => ["--private-key", PAIR.seed.toHex()]),
  signing("a seed in base64", 105, () => ["--private-key", PAIR.seed.toBase64()]),
  signing("a private key instead of the public file", 105, (at) => [
    "--private-key",
    at("key"),
    "--public-key",
    PEM,
  ]),
  ...["cut", "damaged", "labelled", "short", "pass"].map((name) =>
    signing(`the key file ${name}`, 107, (at) => ["--private-key", at(name)]),
  ),
  ...[PEM.slice(0, -30), PEM.replace(BODY, `${BODY.slice(0, 60)}!`), BODY, PAIR.seed.toHex()].map((text, i) =>
    signing(`damaged text of a key, ${i}`, 107, () => ["--private-key", "env"], pem(text)),
  ),
  signing("no key in the environment", 105, () => ["--private-key", "env"], {
    env: { FLAVOR_KEY_SEED: SEED_TEXT },
  }),
  signing("a wrong passphrase in a file", 107, (at) => [
    "--private-key",
    at("encrypted"),
    "--passphrase-file",
    at("wrong"),
  ]),
  signing("a wrong passphrase in the environment", 107, () => ["--private-key", "env"], {
    env: { FLAVOR_PRIVATE_KEY: ENCRYPTED, FLAVOR_KEY_PASSPHRASE: SEED_TEXT },
  }),
  signing("a wrong passphrase that was typed", 107, (at) => ["--private-key", at("encrypted")], {
    secrets: [PIN],
  }),
  signing("a passphrase instead of its file", 106, (at) => [
    "--private-key",
    at("encrypted"),
    "--passphrase-file",
    PASSPHRASE,
  ]),
  signing("a passphrase that is not UTF-8", 105, (at) => [
    "--private-key",
    at("encrypted"),
    "--passphrase-file",
    at("not-utf8"),
  ]),
  signing("a passphrase in the second line", 105, (at) => [
    "--private-key",
    at("encrypted"),
    "--passphrase-file",
    at("one-line"),
  ]),
  signing("a wrong manifest", 109, (at) => ["--key-seed", SEED_TEXT, "--manifest", at("broken.toml")]),
  signing(
    "a wrong manifest, all in the environment",
    109,
    (at) => ["--private-key", "env", "--manifest", at("missing.toml")],
    { env: ALL },
  ),
  signing("no such launcher", 106, (at) => ["--private-key", "env", "--launcher", at("nowhere")], {
    env: ALL,
  }),
  signing(
    "a folder in the place of the output",
    106,
    (at) => ["--private-key", "env", "-o", at("a.txt/x.psp")],
    { env: ALL },
  ),
  command("a command that is not there", `@nowhere --pin ${PIN}`),
  command("a command that cannot be started", `@public --pin ${PIN}`),
  command("a command that fails", `@fails --pin ${PIN}`),
  command("a command that answers nothing", `@silent --pin ${PIN}`),
  command("a command that answers with its PIN", `@echoes --pin ${PIN}`),
  command("a command that answers with zeros", `@zeros --pin ${PIN}`),
  command("a command that does not end", `@hangs --pin ${PIN}`),
  command("a command with an open quote", `@zeros --pin '${PIN}`, 105),
  command("a command with a backslash at its end", `@zeros --pin ${PIN}\\`, 105),
  command("a command that begins with a variable", `PIN=${PIN} @zeros`, 105),
  command("a command with a private key as the public one", `@zeros --pin ${PIN}`, 107, "key"),
  command("a command without a public key that is there", `@zeros --pin ${PIN}`, 106, "nowhere"),
  signing("a command and a seed", 105, () => ["--sign-command", `x ${PIN}`, "--key-seed", SEED_TEXT]),
  signing("a command without a public key", 105, () => ["--sign-command", `x ${PIN}`]),
  {
    name: "keygen that encrypts",
    args: (at) => ["keygen", "--out-dir", at("k"), "--passphrase-file", at("pass")],
    exitCode: 0,
  },
  {
    name: "keygen with a passphrase that is typed",
    args: (at) => ["keygen", "--out-dir", at("k"), "--passphrase"],
    setting: { secrets: [PASSPHRASE, PASSPHRASE] },
    exitCode: 0,
  },
  {
    name: "keygen with two passphrases",
    args: (at) => ["keygen", "--out-dir", at("k"), "--passphrase"],
    setting: { secrets: [PASSPHRASE, PIN] },
    exitCode: 105,
  },
  {
    name: "keygen where a key is",
    args: (at) => ["keygen", "--out-dir", at("a.txt"), "--passphrase"],
    setting: { env: ALL },
    exitCode: 106,
  },
  {
    name: "keygen with a passphrase as an argument",
    args: () => ["keygen", "--passphrase", PASSPHRASE],
    exitCode: 105,
  },
  {
    name: "keygen with a passphrase behind =",
    args: () => ["keygen", `--passphrase=${PASSPHRASE}`],
    exitCode: 105,
  },
  ...(
    [
      ["verify --key with a key itself", ["verify", "PACKAGE", "--key", PEM], 106],
      ["verify --key with its base64", ["verify", "PACKAGE", "--key", BODY], 106],
      ["verify --key with the private file", ["verify", "PACKAGE", "--key", "KEY"], 107],
      ["trust add with a key itself", ["trust", "add", "--", PEM], undefined],
      ["trust add with a key as an option", ["trust", "add", PEM], 105],
      ["trust add with the private file", ["trust", "add", "KEY"], 107],
      ["trust show with a key itself", ["trust", "show", "--", PEM], 105],
      ["trust forget with a key itself", ["trust", "forget", "--", PEM], undefined],
      ["trust remove with a key itself", ["trust", "remove", "--", PEM], undefined],
      ["trust revoke with a key itself", ["trust", "revoke", "--", PEM], undefined],
      [
        "a statement to a key itself",
        ["trust", "statement", "rotate", "--from", "KEY", "--to", PEM, "-o", "OUT"],
        106,
      ],
      [
        "a statement from a key itself",
        ["trust", "statement", "rotate", "--from", PEM, "--to", "PUBLIC", "-o", "OUT"],
        105,
      ],
      [
        "a statement to the private file",
        ["trust", "statement", "rotate", "--from", "KEY", "--to", "KEY", "-o", "OUT"],
        107,
      ],
      ["a statement in the place of a key", ["pack", "--launcher", "LAUNCHER", "--statement", PEM], 106],
      ["a key in the place of a package", ["inspect", "--", PEM], 106],
    ] as const
  ).map(([name, words, exitCode]): Row => ({
    name,
    exitCode,
    setting: { env: { ...ALL } },
    args: (at) => {
      const files: Readonly<Record<string, string>> = {
        PACKAGE: at("ready.psp"),
        KEY: at("key"),
        PUBLIC: at("public"),
        OUT: at("out.json"),
        LAUNCHER: at("launcher"),
      };
      return words.map((word) => files[word] ?? word);
    },
  })),
  {
    name: "a key itself in FLAVOR_TRUSTED_KEYS",
    args: (at) => ["verify", at("ready.psp")],
    setting: { env: { FLAVOR_TRUSTED_KEYS: PEM } },
    exitCode: 105,
  },
  { name: "another command", args: () => ["inspect", "/nowhere"], setting: { env: ALL }, exitCode: 106 },
];

/** What a run may have written: packages with their signed metadata, and whatever else was not there before. */
async function written(before: readonly string[]): Promise<string> {
  const texts: string[] = [];
  for (const name of filesIn(dir.path).filter((file) => !before.includes(file))) {
    texts.push(name, readFileSync(at(name)).toString("latin1"));
    if (!name.endsWith(".psp")) continue;
    using source = openFileSource(at(name));
    texts.push(new TextDecoder().decode((await openPackage(source)).json));
  }
  return texts.join("\n");
}

const filesIn = (path: string): readonly string[] =>
  readdirSync(path, { recursive: true, encoding: "utf8" }).filter((name) =>
    statSync(join(path, name)).isFile(),
  );

test.each(ROWS.map((row) => [row.name, row] as const))("%s", async (_, { args, setting = {}, exitCode }) => {
  const before = filesIn(dir.path);
  for (const more of [[], ["--json"]]) {
    // behind "--" there are no options
    const words = args(at);
    if (more.length > 0 && words.includes("--")) break;
    const env = { HOME: dir.path, USERPROFILE: dir.path, ...setting.env };
    const run = await runCli([...words, ...more], { cwd: dir.path, ...setting, env });
    const said = [run.out, run.err, ...run.asked, run.became].join("\n");
    expect(found(said)).toEqual([]);
    // keygen does not make a key a second time
    if (more.length === 0)
      expect([run.exitCode, run.err]).toEqual([exitCode ?? expect.any(Number), expect.any(String)]);
    expect(found(await written(before))).toEqual([]);
    expect(readdirSync(dir.path).filter((name) => name.endsWith(".part"))).toEqual([]);
  }
});

test(`what is searched for would be found: ${ROWS.length} rows`, async () => {
  for (const secret of FORBIDDEN) expect(found(`x${secret}y`)).toContain(secret);
  expect(found(PEM)).not.toEqual([]);
  const { out } = await runCli(["keygen", "--out-dir", at("k")], { cwd: dir.path });
  expect(out).toContain("Fingerprint");
  expect(found(await written([]))).not.toEqual([]);
  process.stdout.write(`${ROWS.length} ways to use keys, none of them shows a secret\n`);
});

test("the library gives no secret away with what it returns", async () => {
  const manifest = await readManifest(at("flavor.toml"), {});
  const packed = await packManifest(manifest, {
    launcher: at("launcher"),
    platforms: ["linux-x64"],
    privateKey: at("encrypted"),
    passphrase: PASSPHRASE,
  });
  const shown = [Bun.inspect(packed, { depth: 20 }), JSON.stringify(packed)].join("\n");
  expect(shown).toContain("publicKey");
  expect(found(shown)).toEqual([]);
  const signer = await signerFrom({ keySeed: SEED_TEXT });
  expect(found(Bun.inspect(signer, { depth: 20, showHidden: true } as never))).toEqual([]);
});
