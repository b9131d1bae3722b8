import { expect, test } from "bun:test";
import { hash, Point } from "@noble/ed25519";
import type { Bytes } from "../types.ts";
import { useSha512 } from "./sha512.ts";
import { isSignedBy } from "./verify.ts";
import { verifyPortably } from "./verify-portable.ts";

// Where implementations of Ed25519 differ. Every row is computed from its definition, and both verifiers must give the
// verdict that stands there. `bare` is WebCrypto's own word, where it is another one than ours: what verify.ts closes.

useSha512();
const { n: ORDER, p: PRIME } = Point.CURVE();

const littleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${bytes.toReversed().toHex()}`);
const encode = (value: bigint): Bytes =>
  Uint8Array.fromHex(value.toString(16).padStart(64, "0")).toReversed() as Bytes;
const join = (...parts: readonly Uint8Array[]): Bytes => new Uint8Array(parts.flatMap((part) => [...part]));
const bytesOf = (point: Point): Bytes => new Uint8Array(point.toBytes());
const utf8 = (text: string): Bytes => new TextEncoder().encode(text);

/** A point of order 8: its multiples are all points of small order. */
const TORSION = Point.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");
const torsion = (times: number): Point =>
  Array.from({ length: times }).reduce<Point>((sum) => sum.add(TORSION), Point.ZERO);

/** A secret scalar and the nonce of its signature, with their points. */
const SECRET = 0x1234567890abcdef1234567890abcdefn;
const NONCE = 0xfedcba0987654321fedcba0987654321n;
const KEY = Point.BASE.multiply(SECRET);
const COMMITMENT = Point.BASE.multiply(NONCE);

interface Row {
  readonly key: Bytes;
  readonly message: Bytes;
  readonly signature: Bytes;
}

const challenge = (r: Bytes, key: Bytes, message: Bytes): bigint =>
  littleEndian(new Uint8Array(hash(join(r, key, message)))) % ORDER;

/** What who has the secret signs, with any spelling of key and commitment. */
function signed(key: Bytes, r: Bytes, nonce = NONCE, message = utf8("message")): Row {
  const s = (nonce + challenge(r, key, message) * SECRET) % ORDER;
  return { key, message, signature: join(r, encode(s)) };
}

/** The same, with the first message whose challenge, modulo 8, suits. */
function signedWhere(key: Bytes, r: Bytes, suits: (challenge: number) => boolean): Row {
  for (let i = 0; ; i++) {
    const message = utf8(`message ${i}`);
    if (suits(Number(challenge(r, key, message) % 8n))) return signed(key, r, NONCE, message);
  }
}

const GOOD = signed(bytesOf(KEY), bytesOf(COMMITMENT));
const s = littleEndian(GOOD.signature.subarray(32));
const withS = (value: bigint): Row => ({
  ...GOOD,
  signature: join(GOOD.signature.subarray(0, 32), encode(value)),
});
const withSign = (bytes: Bytes): Bytes =>
  join(bytes.subarray(0, 31), [(bytes[31] as number) ^ 0x80] as never);

/** R = -kA and S = 0 for a key of small order: holds for one message in eight, and nobody signed. */
function forged(key: Bytes): Row {
  for (let i = 0; ; i++) {
    const message = utf8(`message ${i}`);
    const k = challenge(bytesOf(Point.ZERO), key, message);
    const point = Point.fromBytes(key, true);
    const isIdentity = Array.from({ length: Number(k % 8n) })
      .reduce<Point>((sum) => sum.add(point), Point.ZERO)
      .is0();
    if (isIdentity) return { key, message, signature: join(bytesOf(Point.ZERO), encode(0n)) };
  }
}

/** Points beyond the prime that are on the curve: 12 values of y, and both signs. */
const BEYOND = Array.from({ length: 19 }, (_, i) => encode(PRIME + BigInt(i)))
  .flatMap((bytes) => [bytes, withSign(bytes)])
  .filter((bytes) => {
    try {
      return Point.fromBytes(bytes, true) !== undefined;
    } catch {
      return false;
    }
  });

const MIXED_KEY = bytesOf(KEY.add(TORSION));
const MIXED_R = bytesOf(COMMITMENT.add(torsion(3)));

const ROWS: readonly (readonly [name: string, row: Row, valid: boolean, bare?: boolean])[] = [
  ["an honest signature", GOOD, true],
  ["S + L, the classic malleability", withS(s + ORDER), false],
  ["S + 8L", withS(s + 8n * ORDER), false],
  ["S = L", withS(ORDER), false],
  ["S = L - 1", withS(ORDER - 1n), false],
  ["S = 0", withS(0n), false],
  ["S with bit 253", withS(s | (1n << 253n)), false],
  ["S with bit 254", withS(s | (1n << 254n)), false],
  ["S with bit 255", withS(s | (1n << 255n)), false],
  ["S = 2^256 - 1", withS(2n ** 256n - 1n), false],
  ["R with another sign", { ...GOOD, signature: join(withSign(bytesOf(COMMITMENT)), encode(s)) }, false],
  ["R that is no point", signed(bytesOf(KEY), encode(2n)), false],
  ["R = the identity, by who has the key", signed(bytesOf(KEY), bytesOf(Point.ZERO), 0n), true],
  ["R = the identity, y beyond the prime", signed(bytesOf(KEY), encode(PRIME + 1n), 0n), false],
  ["R = the identity, x = -0", signed(bytesOf(KEY), withSign(bytesOf(Point.ZERO)), 0n), false],
  ["R = the identity, both", signed(bytesOf(KEY), withSign(encode(PRIME + 1n)), 0n), false],
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((i) => {
    const [key, r] = [bytesOf(KEY.add(torsion(i))), bytesOf(COMMITMENT.add(torsion(i)))];
    return [
      [`R of small order, ${i} times the torsion`, signed(bytesOf(KEY), bytesOf(torsion(i)), 0n), false],
      [`R with a part of small order, ${i} times`, signed(bytesOf(KEY), r), false],
      [
        `key with a part of small order, ${i} times`,
        signedWhere(key, bytesOf(COMMITMENT), (k) => k % 2 === 1),
        false,
      ],
      [
        `the same, where its part vanishes, ${i} times`,
        signedWhere(key, bytesOf(COMMITMENT), (k) => k === 0),
        true,
      ],
    ] as const;
  }),
  ["both mixed, their parts cancel out", signedWhere(MIXED_KEY, MIXED_R, (k) => (k + 3) % 8 === 0), true],
  ["both mixed, their parts stay", signedWhere(MIXED_KEY, MIXED_R, (k) => (k + 3) % 8 !== 0), false],
  ...[0, 1, 2, 3, 4, 5, 6, 7].map(
    (i) => [`key of small order, ${i} times the torsion`, forged(bytesOf(torsion(i))), false, true] as const,
  ),
  ["key = the identity, x = -0", forged(withSign(bytesOf(Point.ZERO))), false, true],
  ["key = the identity, y beyond the prime", forged(encode(PRIME + 1n)), false, true],
  ...BEYOND.map(
    (key) =>
      [
        `key beyond the prime, ${key.toHex().slice(0, 2)}…${key.toHex().slice(-2)}`,
        signed(key, bytesOf(COMMITMENT)),
        false,
      ] as const,
  ),
  ["key that is no point", { ...GOOD, key: encode(2n) }, false],
  ["key with the other sign", { ...GOOD, key: withSign(GOOD.key) }, false],
  [
    "key of zeros, signature of zeros",
    { ...GOOD, key: new Uint8Array(32), signature: new Uint8Array(64) },
    false,
  ],
  ...[0, 31, 33, 64].map(
    (n) => [`key of ${n} bytes`, { ...GOOD, key: new Uint8Array(n).fill(1) }, false] as const,
  ),
  ["key with a byte behind it", { ...GOOD, key: join(GOOD.key, [0] as never) }, false],
  ...[0, 32, 63, 65, 128].map(
    (n) => [`signature of ${n} bytes`, { ...GOOD, signature: new Uint8Array(n).fill(1) }, false] as const,
  ),
  ["signature with a byte behind it", { ...GOOD, signature: join(GOOD.signature, [0] as never) }, false],
  ["another message", { ...GOOD, message: utf8("messagE") }, false],
  ["no message", { ...GOOD, message: new Uint8Array(0) }, false],
];

test.each(ROWS)("%s", async (_, { key, message, signature }, valid) => {
  expect({
    ours: await isSignedBy(key, message, signature),
    portable: verifyPortably(key, message, signature),
  }).toEqual({ ours: valid, portable: valid });
});

/** WebCrypto as it is; what it refuses to import is not valid. */
async function webCrypto({ key, message, signature }: Row): Promise<boolean> {
  try {
    const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", imported, signature, message);
  } catch {
    return false;
  }
}

test(`WebCrypto itself agrees but on keys of small order, which is closed: ${ROWS.length} rows`, async () => {
  const differing: string[] = [];
  for (const [name, row, valid] of ROWS) if ((await webCrypto(row)) !== valid) differing.push(name);
  expect(differing).toEqual(ROWS.filter(([, , valid, bare = valid]) => bare !== valid).map(([name]) => name));
  expect(differing.length).toBeGreaterThan(8);
  expect(BEYOND).toHaveLength(24);
  process.stdout.write(`${ROWS.length} edge cases of Ed25519, both verifiers agree on each\n`);
});
