import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { failureOf } from "../../tests/support/failure.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { keyPairFromText, privateKeyPem, publicKeyPem } from "../seal/keys.ts";
import { parseTrustedKeys } from "./environment-keys.ts";

const { seed, publicKey } = keyPairFromText("author");
const KEY = publicKey.toHex();
const OTHER = "0123456789abcdef".repeat(4);

test.each([
  [KEY, [KEY]],
  [`${KEY},${OTHER}`, [KEY, OTHER]],
  [` ${KEY.toUpperCase()} , ${OTHER}\n`, [KEY, OTHER]],
])("%j", async (text, keys) => {
  expect(await parseTrustedKeys(text, () => "/nowhere")).toEqual(keys);
});

test("files of public keys, also relative ones, between keys", async () => {
  using dir = tempDir();
  writeFileSync(join(dir.path, "a.key"), publicKeyPem(publicKey));
  writeFileSync(join(dir.path, "raw"), publicKey);
  expect(await parseTrustedKeys(`${OTHER},a.key,./raw,${join(dir.path, "a.key")}`, () => dir.path)).toEqual([
    OTHER,
    KEY,
    KEY,
    KEY,
  ]);
});

describe("is refused", () => {
  test.each([
    ["nothing between commas", `${KEY},`, '""'],
    ["a key that is too short", KEY.slice(1), JSON.stringify(KEY.slice(1))],
    ["a file that is not there", "missing.key", '"missing.key"'],
    ["a private key", "private.key", '"private.key"'],
    ["a folder", ".", '"."'],
  ])("%s", async (_, text, quoted) => {
    using dir = tempDir();
    writeFileSync(join(dir.path, "private.key"), privateKeyPem(seed));
    expect(await failureOf(() => parseTrustedKeys(text, () => dir.path))).toMatchObject({
      code: "bad-arguments",
      exitCode: 105,
      message: `Cannot use FLAVOR_TRUSTED_KEYS: ${quoted} is no key`,
    });
  });

  test("nothing between commas by its own words, not by those of a folder that was read", async () => {
    const { cause } = await failureOf(() => parseTrustedKeys(`,${KEY}`, () => "/"));
    expect((cause as Error).message).toBe("an entry is empty");
  });
});
