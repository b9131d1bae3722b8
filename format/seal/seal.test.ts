import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Bytes } from "../types.ts";
import { toHex } from "../wire/hashes.ts";
import { generateKeyPair, keyPairFromText } from "./keys.ts";
import { signWith } from "./sign.ts";
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
