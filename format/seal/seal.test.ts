import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Bytes } from "../types.ts";
import { toHex } from "../wire/hashes.ts";
import { generateKeyPair, keyPairFromText } from "./keys.ts";
import { publicKeyOf, signWith } from "./sign.ts";
import { isSignedBy } from "./verify.ts";
import { verifyPortably } from "./verify-portable.ts";

const ascii = (text: string) => new TextEncoder().encode(text);
const hex = (text: string) => Uint8Array.fromHex(text) as Bytes;

/** Both verifiers; the first one speaks for the launcher, the second is its oracle. */
async function verdicts(
  publicKey: Bytes,
  message: Bytes,
  signature: Bytes,
): Promise<readonly [boolean, boolean]> {
  return [await isSignedBy(publicKey, message, signature), verifyPortably(publicKey, message, signature)];
}

test("the seal of FlavorPack's vector", () => {
  const { seed } = keyPairFromText("s1");
  expect(toHex(signWith(seed, ascii('{"a":1}')))).toBe(
    "a916c4cdc0ab0a74c27fd86e203e95fb196f7a8654ae2da602a65bf1517807b9bef31bfb5ee1a68c4abe23e8bf8e53affb4ba9e7c604ec2f0924265f9ee80806",
  );
});

/** RFC 8032, section 7.1, tests 1 to 3. */
test.each([
  [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
])("RFC 8032: %s", async (seed, publicKey, message, signature) => {
  expect(toHex(publicKeyOf(hex(seed)))).toBe(publicKey);
  expect(toHex(signWith(hex(seed), hex(message)))).toBe(signature);
  expect(await verdicts(hex(publicKey), hex(message), hex(signature))).toEqual([true, true]);
});

test("both verifiers accept what we sign and refuse it with any bit changed", async () => {
  const pair = generateKeyPair();
  const message = fc.uint8Array({ maxLength: 200 }).map((array) => new Uint8Array(array) as Bytes);
  await fc.assert(
    fc.asyncProperty(message, fc.nat(95), fc.integer({ min: 0, max: 7 }), async (text, at, bit) => {
      const signature = signWith(pair.seed, text);
      expect(await verdicts(pair.publicKey, text, signature)).toEqual([true, true]);
      const both = new Uint8Array([...signature, ...pair.publicKey]) as Bytes;
      both[at] = (both[at] as number) ^ (1 << bit);
      expect(await verdicts(both.slice(64), text, both.slice(0, 64))).toEqual([false, false]);
      const other = new Uint8Array([...text, 1]) as Bytes;
      expect(await verdicts(pair.publicKey, other, signature)).toEqual([false, false]);
    }),
    { numRuns: 40 },
  );
});

describe("malformed input is not valid, and no reason to throw", () => {
  test.each([
    ["a short key", new Uint8Array(31), new Uint8Array(64)],
    ["a long key", new Uint8Array(33), new Uint8Array(64)],
    ["a short signature", new Uint8Array(32), new Uint8Array(63)],
    ["zeros", new Uint8Array(32), new Uint8Array(64)],
    ["a key that is no point", new Uint8Array(32).fill(0xff), new Uint8Array(64).fill(1)],
  ])("%s", async (_, publicKey, signature) => {
    expect(await verdicts(publicKey, ascii("x"), signature)).toEqual([false, false]);
  });
});

/** R = A, s = 0 holds for a key of small order and one message in eight, whoever "signed" it. */
describe("a key of small order signs nothing", () => {
  const zeros = "00".repeat(31);
  test.each([
    [`${zeros}00`],
    [`01${zeros}`],
    [`${zeros}80`],
    ["26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"],
    ["26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"],
    ["c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"],
    [`ec${"ff".repeat(30)}7f`],
  ])("%s", async (key) => {
    const publicKey = hex(key);
    for (let i = 0; i < 32; i++) {
      for (const r of [publicKey, hex(`01${zeros}`), hex(`${zeros}00`)]) {
        const signature = new Uint8Array([...r, ...new Uint8Array(32)]) as Bytes;
        expect(await verdicts(publicKey, ascii(`message ${i}`), signature)).toEqual([false, false]);
      }
    }
  });
});
