import { expect, test } from "bun:test";
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { PspfError } from "../errors.ts";
import type { Bytes } from "../types.ts";
import { toHex } from "../wire/hashes.ts";
import {
  generateKeyPair,
  keyPairFromText,
  keyPairOf,
  privateKeyPem,
  publicKeyPem,
  readPrivateKey,
  readPublicKey,
} from "./keys.ts";

const ascii = (text: string) => new TextEncoder().encode(text);

test.each([
  {
    text: "s1",
    seed: "e8bc163c82eee18733288c7d4ac636db3a6deb013ef2d37b68322be20edc45cc",
    publicKey: "edcf7af5bd19035711c8a4d4dde178e89a1746ba9d123eb1bac27744a9de8743",
  },
  { text: "test", publicKey: "67d3b5eaf0c0bf6b5a602d359daecc86a7a74053490ec37ae08e71360587c870" },
])("the key seed $text gives the keys that FlavorPack derives", ({ text, seed, publicKey }) => {
  const pair = keyPairFromText(text);
  expect(toHex(pair.publicKey)).toBe(publicKey);
  if (seed !== undefined) expect(toHex(pair.seed)).toBe(seed);
});

test("what OpenSSL's code writes, we read; what we write, it reads", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const seed = readPrivateKey(
    ascii(privateKey.export({ format: "pem", type: "pkcs8" }) as string),
    "private",
  );
  expect(keyPairOf(seed).publicKey).toEqual(
    readPublicKey(ascii(publicKey.export({ format: "pem", type: "spki" }) as string), "public"),
  );
  const ours = generateKeyPair();
  const jwk = createPublicKey(createPrivateKey(privateKeyPem(ours.seed))).export({ format: "jwk" });
  expect(Uint8Array.fromBase64(jwk.x as string, { alphabet: "base64url" })).toEqual(ours.publicKey);
  expect(createPublicKey(publicKeyPem(ours.publicKey)).asymmetricKeyType).toBe("ed25519");
});

test("PEM and raw bytes carry any key there and back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (array) => {
      const key = new Uint8Array(array) as Bytes;
      for (const file of [key, ascii(privateKeyPem(key)), ascii(privateKeyPem(key).replaceAll("\n", "\r\n"))])
        expect(readPrivateKey(file, "k")).toEqual(key);
      for (const file of [key, ascii(publicKeyPem(key))]) expect(readPublicKey(file, "k")).toEqual(key);
    }),
  );
});

/** RFC 8410, section 10.3: with an attribute and the public key. */
const WITH_BOTH = `-----BEGIN PRIVATE KEY-----
MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB
Z9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PRIVATE KEY-----
`;

test("what may stand behind a private key is read, too, and must fit", () => {
  const seed = readPrivateKey(ascii(WITH_BOTH), "k");
  expect(toHex(seed)).toBe("d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842");
  expect(toHex(keyPairOf(seed).publicKey)).toBe(
    "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1",
  );
  expect(() => readPrivateKey(ascii(WITH_BOTH.replace("ZuE=", "ZuI=")), "k")).toThrow(
    "Cannot use k as a private key: the public key in it is that of another one",
  );
});

const x25519 = () =>
  generateKeyPairSync("x25519").privateKey.export({ format: "pem", type: "pkcs8" }) as string;

const rsa = () =>
  generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({
    format: "pem",
    type: "pkcs8",
  }) as string;

test.each([
  ["an empty file", () => "", "neither PEM nor 32 raw bytes"],
  ["a text", () => "this is no key\n", "neither PEM nor 32 raw bytes"],
  ["a public key", () => publicKeyPem(new Uint8Array(32)), 'it is a "PUBLIC KEY"'],
  ["an RSA key", rsa, "it is not an Ed25519 key"],
  ["a key for another use of the curve", x25519, "it is not an Ed25519 key"],
  [
    "an encrypted key",
    () => privateKeyPem(new Uint8Array(32)).replaceAll("PRIV", "ENCRYPTED PRIV"),
    'it is a "ENCRYPTED PRIVATE KEY"',
  ],
  ["damaged base64", () => privateKeyPem(new Uint8Array(32)).replace("MC4", "M=4"), "its base64 is damaged"],
  ["a cut PEM", () => privateKeyPem(new Uint8Array(32)).slice(0, -9), "neither PEM nor 32 raw bytes"],
  [
    "an OpenSSH key",
    () => "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    "OPENSSH",
  ],
])("%s is no private key", (_, file, words) => {
  const read = () => readPrivateKey(ascii(file()), "my.key");
  expect(read).toThrow(PspfError);
  expect(read).toThrow("Cannot use my.key as a private key: ");
  expect(read).toThrow(words);
});
