import { describe, expect, test } from "bun:test";
import { createPrivateKey } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { failureOf } from "../../tests/support/failure.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { PspfError } from "../errors.ts";
import type { Bytes } from "../types.ts";
import { toHex } from "../wire/hashes.ts";
import { decryptPrivateKey, encryptPrivateKey } from "./encrypted-key.ts";
import { generateKeyPair, isEncryptedKey, privateKeyPem } from "./keys.ts";

const ascii = (text: string): Bytes => new TextEncoder().encode(text);
const pem = (body: string): Bytes =>
  ascii(`-----BEGIN ENCRYPTED PRIVATE KEY-----\n${body}\n-----END ENCRYPTED PRIVATE KEY-----\n`);
const decrypt = (file: Bytes, passphrase = "pass") => decryptPrivateKey(file, "my.key", passphrase);

/** The same key in all of them, as OpenSSL 3.0.19 wrote it: `openssl pkcs8 -topk8 -passout pass:pass` and options. */
const SEED = "802e8538df3291e099a2d2e37d54e62892391c406b36a2e6ace443da18cb56b4";
const FILES = {
  "nothing more": `MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhyWBgYPi5btwICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEGIFJ/K1kt+tPam9w8nS3rgEQDK7
/AgVZBW7x8b/r+G6cd+QXB7xWEnsxSEK+YCvtLYYKzofzf06x+o+JOrBZe7p5m+R
y+OaTSEuYIlJF4mUfwY=`,
  "-scrypt": `MIGTME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAisalUHYFcrOgICQAAC
AQgCAQEwHQYJYIZIAWUDBAEqBBBjxX1jmfFyayTZxuyePXXHBECnCVAq5Jvp27oS
Kcx2Jn8ITat7KPnPmp0FmD3RJ5/LLTLu+Zuj+KqRYSruwNyHVbaKx7+wHSB6qvc1
bACvCAAv`,
  "-v2 aes-128-cbc -v2prf hmacWithSHA1": `MIGNMEkGCSqGSIb3DQEFDTA8MBsGCSqGSIb3DQEFDDAOBAhtDX613PHR0QICCAAw
HQYJYIZIAWUDBAECBBBI3L11x5jS7tGzo2JzpvL5BEBJDF88kDconvp0Idw7Ey8T
VYkIq28VL6LSg5snHPI6acfu/37WSF941e56NuePr4/txPLKYDMkQ1fiwzUQqztM`,
  "-v2 aes-192-cbc -v2prf hmacWithSHA512 -iter 100000": `MIGcMFgGCSqGSIb3DQEFDTBLMCoGCSqGSIb3DQEFDDAdBAiXTfoFuF2ZqQIDAYag
MAwGCCqGSIb3DQILBQAwHQYJYIZIAWUDBAEWBBDiOY7YN2MciRC2fJ33XM+vBEBh
VzZ6wlqHyRSdwx9ayo/mFDFOrJ3IrtZHDfhCIKugOzLtrNcBz4IywoYgSJoes7gU
ZAmBMDCH6PIXNsbcgM52`,
} as const;

test.each(Object.entries(FILES))("what OpenSSL writes with %s, we read", (_, body) => {
  expect(isEncryptedKey(pem(body))).toBe(true);
  expect(toHex(decrypt(pem(body)))).toBe(SEED);
  expect(() => decrypt(pem(body), "Pass")).toThrow("the passphrase is wrong, or the file is damaged");
});

test("a wrong passphrase is said to be wrong also where the padding looks right by chance, once in 256", () => {
  for (let i = 0; i < 600; i++)
    expect(() => decrypt(pem(FILES["nothing more"]), `wrong ${i}`)).toThrow("the passphrase is wrong");
});

test("any passphrase opens what was closed with it, and no other does", () => {
  const text = fc.string({ minLength: 1, unit: "grapheme" });
  fc.assert(
    fc.property(text, text, (right, wrong) => {
      const { seed } = generateKeyPair();
      const file = ascii(encryptPrivateKey(seed, right));
      expect(decrypt(file, right)).toEqual(seed);
      if (wrong !== right) expect(() => decrypt(file, wrong)).toThrow(PspfError);
    }),
    { numRuns: 2 },
  );
});

test("equal keys and passphrases give different files: salt and vector are new each time", () => {
  const { seed } = generateKeyPair();
  const file = encryptPrivateKey(seed, "pass");
  expect(encryptPrivateKey(seed, "pass")).not.toBe(file);
  // a guess costs as much as OWASP asks for: 600 000 iterations, as an integer of three bytes
  expect(Uint8Array.fromBase64(file.split("\n").slice(1, -2).join("")).toHex()).toContain("02030927c0");
});

test("BoringSSL's code reads what we write", () => {
  const { seed } = generateKeyPair();
  const key = encryptPrivateKey(seed, "grüße");
  const theirs = createPrivateKey({ key, passphrase: "grüße" });
  expect(
    Uint8Array.fromBase64(theirs.export({ format: "jwk" }).d as string, { alphabet: "base64url" }),
  ).toEqual(seed);
});

const openssl = Bun.which("openssl");
if (openssl === null) process.stderr.write("skipped: keys of and for OpenSSL's program, there is none\n");

describe.skipIf(openssl === null)("OpenSSL's program", () => {
  const run = (...args: readonly string[]) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([openssl as string, ...args]);
    return { exitCode, out: stdout.toString(), err: stderr.toString() };
  };

  test("reads what we write, with the right passphrase only", () => {
    using dir = tempDir();
    const path = join(dir.path, "key");
    const { seed } = generateKeyPair();
    writeFileSync(path, encryptPrivateKey(seed, "pass word"));
    const opened = run("pkey", "-in", path, "-passin", "pass:pass word");
    expect(opened).toMatchObject({ exitCode: 0, out: privateKeyPem(seed) });
    expect(run("pkey", "-in", path, "-passin", "pass:password").exitCode).not.toBe(0);
    expect(run("asn1parse", "-in", path).out).toContain("aes-256-cbc");
  });

  test.each(["pkey -aes256", "pkcs8 -topk8 -scrypt"])("writes what we read: %s", (how) => {
    using dir = tempDir();
    const [plain, encrypted] = [join(dir.path, "plain"), join(dir.path, "encrypted")];
    const { seed } = generateKeyPair();
    writeFileSync(plain, privateKeyPem(seed));
    const { exitCode, err } = run(
      ...how.split(" "),
      "-in",
      plain,
      "-out",
      encrypted,
      "-passout",
      "pass:naïve",
    );
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    const file = new Uint8Array(readFileSync(encrypted));
    expect(decrypt(file, "naïve")).toEqual(seed);
  });
});

describe("is refused", () => {
  const OTHERS: readonly (readonly [name: string, body: string, words: string])[] = [
    [
      "the encryption of PKCS #5 v1.5",
      "MFgwHAYKKoZIhvcNAQwBAzAOBAhLzL1lzwcHkQICCAAEOAHCKHwQUdTFvBb/qBRD1CNQ8wsBruYTi2etskDv1yNA4C6kthpft89pbcghCnjU/ZsC55B2FMnE",
      "its encryption is not supported",
    ],
    [
      "triple DES",
      "MIGKME4GCSqGSIb3DQEFDTBBMCkGCSqGSIb3DQEFDDAcBAilaJCGED7qdQICCAAwDAYIKoZIhvcNAgkFADAUBggqhkiG9w0DBwQIx5tDZ04pL+kEOGPzavAG1xzsrJL6NSkuTFIJOvqkx0NSqSUmWmUGZo/nc7jeS+4qQQgjhvBE9GoQO4xcQa3lJz6W",
      "its cipher is not supported",
    ],
    ["nothing", "AA==", "it is not encrypted PKCS#8, or damaged"],
    ["base64 that is none", "AAAA=AAA", "it is not encrypted PKCS#8, or damaged"],
  ];

  test.each(OTHERS)("%s", async (_, body, words) => {
    expect(await failureOf(() => decrypt(pem(body)))).toMatchObject({
      code: "key-invalid",
      message: `Cannot decrypt the private key my.key: ${words}`,
    });
  });

  const changed = (body: string, from: string, to: string): Bytes => {
    const hex = Uint8Array.fromBase64(body.replace(/\s/g, "")).toHex();
    expect(hex).toContain(from);
    return pem(Uint8Array.fromHex(hex.replace(from, to)).toBase64());
  };

  test.each([
    // the iterations, 2048
    ["nothing more", "02020800", "02020000", "it asks for 0 iterations, at most 8000000 are done"],
    [
      "-v2 aes-192-cbc -v2prf hmacWithSHA512 -iter 100000",
      "02030186a0",
      "02037fffff",
      "it asks for 8388607 iterations, at most 8000000 are done",
    ],
    // N, r, p: 16384, 8, 1
    [
      "-scrypt",
      "02024000020108020101",
      "02024000020108020141",
      "it asks for more memory or time than a key needs",
    ],
    [
      "-scrypt",
      "02024000020108020101",
      "02024000020120020101",
      "the passphrase is wrong, or the file is damaged",
    ],
    ["-scrypt", "02024000020108020101", "02027fff020108020101", "it is not encrypted PKCS#8, or damaged"],
    ["-scrypt", "02024000020108020101", "02024000020100020101", "it is not encrypted PKCS#8, or damaged"],
    ["-scrypt", "02024000020108020101", "0202c000020108020101", "it is not encrypted PKCS#8, or damaged"],
  ] as const)("%s with %s as %s", async (name, from, to, words) => {
    const { message } = await failureOf(() => decrypt(changed(FILES[name], from, to)));
    expect(message).toBe(`Cannot decrypt the private key my.key: ${words}`);
  });

  test("an RSA key, when it is open", async () => {
    const { generateKeyPairSync } = await import("node:crypto");
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const file = privateKey.export({
      format: "pem",
      type: "pkcs8",
      cipher: "aes-256-cbc",
      passphrase: "pass",
    });
    const { message } = await failureOf(() => decrypt(ascii(file as string)));
    expect(message).toBe("Cannot decrypt the private key my.key: it is not an Ed25519 key");
  });

  test("by our error, or read as another key, whatever bit is changed: the container has no seal", () => {
    for (const body of [FILES["nothing more"], FILES["-v2 aes-128-cbc -v2prf hmacWithSHA1"]]) {
      const der = Uint8Array.fromBase64(body.replace(/\s/g, ""));
      for (let at = 0; at < der.length; at++)
        for (const bits of [0x01, 0x80]) {
          const damaged = der.slice();
          damaged[at] = (damaged[at] as number) ^ bits;
          try {
            decrypt(pem(damaged.toBase64()));
          } catch (error) {
            expect(error).toBeInstanceOf(PspfError);
          }
        }
      for (let length = 0; length < der.length; length++)
        expect(() => decrypt(pem(der.slice(0, length).toBase64()))).toThrow(PspfError);
    }
  });
});
