import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encryptPrivateKey } from "../../format/seal/encrypted-key.ts";
import {
  generateKeyPair,
  type KeyPair,
  keyPairFromText,
  privateKeyPem,
  publicKeyPem,
} from "../../format/seal/keys.ts";
import { signWith } from "../../format/seal/sign.ts";
import { isSignedBy } from "../../format/seal/verify.ts";
import type { Bytes } from "../../format/types.ts";
import { sha256, toHex } from "../../format/wire/hashes.ts";
import { failureOf } from "../../tests/support/failure.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import type { KeyChoice } from "./key-choice.ts";
import { type Signer, signerFrom } from "./signer.ts";

const MINE = generateKeyPair();
const OTHER = generateKeyPair();
const MESSAGE = new TextEncoder().encode("message") as Bytes;

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
  writeFileSync(at("private"), privateKeyPem(MINE.seed));
  writeFileSync(at("public"), publicKeyPem(MINE.publicKey));
  writeFileSync(at("raw-private"), MINE.seed);
  writeFileSync(at("raw-public"), MINE.publicKey);
  writeFileSync(at("other-public"), publicKeyPem(OTHER.publicKey));
  writeFileSync(at("text"), "no key at all");
  mkdirSync(at("folder"));
});
afterEach(() => dir[Symbol.dispose]());
const at = (name: string) => join(dir.path, name);

/** Names of files as the paths that they have. */
const choice = (choice: KeyChoice): KeyChoice => ({
  ...choice,
  ...(choice.privateKey === undefined ? {} : { privateKey: at(choice.privateKey) }),
  ...(choice.publicKey === undefined ? {} : { publicKey: at(choice.publicKey) }),
});

/** That a signer signs with this pair. */
async function expectPair(signer: Signer, { seed, publicKey }: KeyPair): Promise<void> {
  expect(toHex(signer.publicKey)).toBe(toHex(publicKey));
  expect(await signer.sign(MESSAGE)).toEqual(signWith(seed, MESSAGE));
}

describe("the pair", () => {
  test.each<KeyChoice>([
    { privateKey: "private" },
    { privateKey: "private", publicKey: "public" },
    { privateKey: "raw-private", publicKey: "public" },
    { privateKey: "private", publicKey: "raw-public" },
  ])("of the files %j", async (files) => {
    const signer = await signerFrom(choice(files));
    expect(signer.origin).toBe("file");
    await expectPair(signer, MINE);
  });

  test("of a PEM text", async () => {
    const signer = await signerFrom(choice({ privateKeyPem: privateKeyPem(MINE.seed), publicKey: "public" }));
    expect(signer.origin).toBe("pem");
    await expectPair(signer, MINE);
  });

  test("of a text has its SHA-256 as its seed", async () => {
    const signer = await signerFrom({ keySeed: "naïve" });
    expect(signer.origin).toBe("seed");
    await expectPair(signer, keyPairFromText("naïve"));
    expect(await signer.sign(MESSAGE)).toEqual(signWith(sha256("naïve"), MESSAGE));
    expect(await (await signerFrom({ keySeed: " " })).sign(MESSAGE)).toEqual(signWith(sha256(" "), MESSAGE));
  });

  test("of nobody is another one each time", async () => {
    const [one, two] = [await signerFrom({}), await signerFrom({})];
    expect([one.origin, two.origin]).toEqual(["ephemeral", "ephemeral"]);
    expect(one.publicKey).not.toEqual(two.publicKey);
    expect(await isSignedBy(one.publicKey, MESSAGE, await one.sign(MESSAGE))).toBe(true);
  });
});

describe("an encrypted key", () => {
  beforeEach(() => writeFileSync(at("encrypted"), encryptPrivateKey(MINE.seed, "pass")));

  test("opens with its passphrase, which is asked for only then", async () => {
    const asked: string[] = [];
    const passphrase = () => {
      asked.push("asked");
      return Promise.resolve("pass");
    };
    await signerFrom(choice({ privateKey: "private", passphrase }));
    await signerFrom({ keySeed: "s", passphrase });
    expect(asked).toEqual([]);
    await expectPair(await signerFrom(choice({ privateKey: "encrypted", passphrase })), MINE);
    expect(asked).toEqual(["asked"]);
    const pem = encryptPrivateKey(MINE.seed, "pass");
    await expectPair(await signerFrom({ privateKeyPem: pem, passphrase: "pass" }), MINE);
  });

  test("does not open without", async () => {
    const missing = await failureOf(() => signerFrom(choice({ privateKey: "encrypted" })));
    expect(missing).toMatchObject({
      code: "bad-arguments",
      message: `Cannot decrypt the private key ${at("encrypted")}: it needs a passphrase, none was given`,
    });
    const wrong = await failureOf(() => signerFrom(choice({ privateKey: "encrypted", passphrase: "Pass" })));
    expect(wrong).toMatchObject({
      code: "key-invalid",
      message: `Cannot decrypt the private key ${at("encrypted")}: the passphrase is wrong, or the file is damaged`,
    });
  });
});

describe("another program's signer", () => {
  const { publicKey, seed } = MINE;

  test("signs", async () => {
    for (const sign of [
      (message: Bytes) => signWith(seed, message),
      async (message: Bytes) => signWith(seed, message),
    ]) {
      const signer = await signerFrom({ signer: { publicKey, sign } });
      expect(signer.origin).toBe("external");
      await expectPair(signer, MINE);
    }
  });

  test.each<[string, (message: Bytes) => Bytes]>([
    ["by another key", (message) => signWith(OTHER.seed, message)],
    ["of another message", () => signWith(seed, new Uint8Array(1))],
    ["too short", () => new Uint8Array(63)],
  ])("is not believed when its signature is %s", async (_, sign) => {
    const signer = await signerFrom({ signer: { publicKey, sign } });
    expect(await failureOf(() => signer.sign(MESSAGE))).toMatchObject({
      code: "signing-failed",
      message: "Cannot sign with the signer: its signature is not by its public key",
      hint: `the key that was expected is ${toHex(publicKey)}`,
    });
  });
});

const ONE_IS_ENOUGH = "Cannot sign with a key seed and with key files: one of them is enough";

test.each<[KeyChoice, string, string]>([
  [{ keySeed: "s", privateKey: "private" }, "bad-arguments", ONE_IS_ENOUGH],
  [{ keySeed: "s", publicKey: "public" }, "bad-arguments", ONE_IS_ENOUGH],
  [{ keySeed: "", privateKey: "private" }, "bad-arguments", ONE_IS_ENOUGH],
  [
    { privateKey: "private", signCommand: "sign", publicKey: "public" },
    "bad-arguments",
    "Cannot sign with key files and with a command: one of them is enough",
  ],
  [
    { privateKeyPem: "x", signCommand: "sign", publicKey: "public" },
    "bad-arguments",
    "Cannot sign with a PEM text and with a command: one of them is enough",
  ],
  [{ signCommand: "sign" }, "bad-arguments", "Cannot sign with a command alone: --public-key is missing"],
  [{ keySeed: "" }, "bad-arguments", "Cannot sign with an empty key seed: anybody could make its key"],
  [{ publicKey: "public" }, "bad-arguments", "Cannot sign with a public key alone: --private-key is missing"],
  [
    { signTimeoutSeconds: 0 },
    "bad-arguments",
    "Cannot wait 0 seconds for a signature: at most 86400 can be given",
  ],
  [
    { signTimeoutSeconds: Number.NaN },
    "bad-arguments",
    "Cannot wait NaN seconds for a signature: at most 86400 can be given",
  ],
  [{ privateKey: "missing" }, "io-failed", "Cannot read the key DIR/missing"],
  [{ privateKey: "folder" }, "io-failed", "Cannot read the key DIR/folder"],
  [{ privateKey: "private", publicKey: "missing" }, "io-failed", "Cannot read the key DIR/missing"],
  [{ signCommand: "sign", publicKey: "missing" }, "io-failed", "Cannot read the key DIR/missing"],
  [
    { privateKey: "text" },
    "key-invalid",
    "Cannot use DIR/text as a private key: it is neither PEM nor 32 raw bytes",
  ],
  [
    { privateKeyPem: "x" },
    "key-invalid",
    "Cannot use the PEM text as a private key: it is neither PEM nor 32 raw bytes",
  ],
  [{ privateKey: "public" }, "key-invalid", 'Cannot use DIR/public as a private key: it is a "PUBLIC KEY"'],
  [
    { privateKey: "private", publicKey: "private" },
    "key-invalid",
    'Cannot use DIR/private as a public key: it is a "PRIVATE KEY"',
  ],
  [
    { privateKey: "private", publicKey: "other-public" },
    "key-invalid",
    "Cannot sign: DIR/other-public is not the public key of DIR/private",
  ],
  [
    { privateKey: "private", publicKey: "raw-private" },
    "key-invalid",
    "Cannot sign: DIR/raw-private is not the public key of DIR/private",
  ],
])("%j is refused", async (keys, code, message) => {
  const error = await failureOf(() => signerFrom(choice(keys)));
  expect([error.code as string, error.message.replaceAll(`${dir.path}/`, "DIR/")]).toEqual([code, message]);
});

test("the right public key is told where a wrong one was given", async () => {
  const keys = choice({ privateKey: "private", publicKey: "other-public" });
  const { hint } = await failureOf(() => signerFrom(keys));
  expect(hint).toBe(`the public key of that private key is ${toHex(MINE.publicKey)}`);
});

test("a signer does not show its private key", async () => {
  const signer = await signerFrom(choice({ privateKey: "private" }));
  const shown = [Bun.inspect(signer, { depth: 9 }), JSON.stringify(signer)].join("\n");
  expect(shown).toContain("publicKey");
  for (const secret of [
    MINE.seed.toHex(),
    MINE.seed.toBase64(),
    `${[...MINE.seed]}`,
    [...MINE.seed].join(", "),
  ])
    expect(shown).not.toContain(secret);
});
