import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateKeyPair, keyPairFromText, privateKeyPem, publicKeyPem } from "../format/seal/keys.ts";
import { sha256, toHex } from "../format/wire/hashes.ts";
import { failureOf } from "../tests/support/failure.ts";
import { tempDir } from "../tests/support/temp-dir.ts";
import { chooseSigner, type KeyChoice } from "./signer.ts";

const MINE = generateKeyPair();
const OTHER = generateKeyPair();

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
const choice = ({ keySeed, privateKey, publicKey }: KeyChoice): KeyChoice => ({
  ...(keySeed === undefined ? {} : { keySeed }),
  ...(privateKey === undefined ? {} : { privateKey: at(privateKey) }),
  ...(publicKey === undefined ? {} : { publicKey: at(publicKey) }),
});

describe("the pair", () => {
  test.each([
    { privateKey: "private" },
    { privateKey: "private", publicKey: "public" },
    { privateKey: "raw-private", publicKey: "public" },
    { privateKey: "private", publicKey: "raw-public" },
  ])("of the files %j", (files) => {
    expect(chooseSigner(choice(files))).toEqual({ ...MINE, origin: "file" });
  });

  test("of a text has its SHA-256 as its seed", () => {
    expect(chooseSigner({ keySeed: "naïve" })).toEqual({ ...keyPairFromText("naïve"), origin: "seed" });
    expect(chooseSigner({ keySeed: "naïve" }).seed).toEqual(sha256("naïve"));
    expect(toHex(chooseSigner({ keySeed: " " }).seed)).toBe(toHex(sha256(" ")));
  });

  test("of nobody is another one each time", () => {
    const [one, two] = [chooseSigner({}), chooseSigner({})];
    expect([one.origin, two.origin]).toEqual(["ephemeral", "ephemeral"]);
    expect(one.seed).not.toEqual(two.seed);
    expect(one.publicKey).toHaveLength(32);
  });
});

const ONE_IS_ENOUGH = "Cannot sign with a key seed and with key files: one of them is enough";

test.each<[KeyChoice, string, string]>([
  [{ keySeed: "s", privateKey: "private" }, "bad-arguments", ONE_IS_ENOUGH],
  [{ keySeed: "s", publicKey: "public" }, "bad-arguments", ONE_IS_ENOUGH],
  [{ keySeed: "", privateKey: "private" }, "bad-arguments", ONE_IS_ENOUGH],
  [{ keySeed: "" }, "bad-arguments", "Cannot sign with an empty key seed: anybody could make its key"],
  [{ publicKey: "public" }, "bad-arguments", "Cannot sign with a public key alone: --private-key is missing"],
  [{ privateKey: "missing" }, "io-failed", "Cannot read the key DIR/missing"],
  [{ privateKey: "folder" }, "io-failed", "Cannot read the key DIR/folder"],
  [{ privateKey: "private", publicKey: "missing" }, "io-failed", "Cannot read the key DIR/missing"],
  [
    { privateKey: "text" },
    "key-invalid",
    "Cannot use DIR/text as a private key: it is neither PEM nor 32 raw bytes",
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
  const error = await failureOf(() => chooseSigner(choice(keys)));
  expect([error.code as string, error.message.replaceAll(`${dir.path}/`, "DIR/")]).toEqual([code, message]);
});

test("the right public key is told where a wrong one was given", async () => {
  const keys = choice({ privateKey: "private", publicKey: "other-public" });
  const { hint } = await failureOf(() => chooseSigner(keys));
  expect(hint).toBe(`the public key of that private key is ${toHex(MINE.publicKey)}`);
});

test("no error shows a private key", async () => {
  for (const keys of [{ privateKey: "private", publicKey: "other-public" }, { privateKey: "folder" }]) {
    const { message, hint, problems } = await failureOf(() => chooseSigner(choice(keys)));
    const words = [message, hint, ...problems].join("\n");
    expect(words).not.toContain(toHex(MINE.seed));
    expect(words).not.toContain(MINE.seed.toBase64());
  }
});
