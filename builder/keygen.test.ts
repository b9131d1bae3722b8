import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createPrivateKey, createPublicKey } from "node:crypto";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "../format/wire/hashes.ts";
import { failureOf } from "../tests/support/failure.ts";
import { tempDir } from "../tests/support/temp-dir.ts";
import { generateKeys } from "./keygen.ts";
import { signerFrom } from "./signing/signer.ts";

const PRIVATE = "flavor-private.key";
const PUBLIC = "flavor-public.key";

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
});
afterEach(() => dir[Symbol.dispose]());
const at = (name: string) => join(dir.path, name);

test("a pair is two files that belong together", async () => {
  const keys = generateKeys(at("a/b"));
  expect([keys.privateKey, keys.publicKey]).toEqual([at(`a/b/${PRIVATE}`), at(`a/b/${PUBLIC}`)]);
  expect(readdirSync(at("a/b")).sort()).toEqual([PRIVATE, PUBLIC]);
  const { privateKey, publicKey, fingerprint } = keys;
  expect(toHex((await signerFrom({ privateKey, publicKey })).publicKey)).toBe(fingerprint);
  expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
});

test("the private one is encrypted with a passphrase, which is not empty", async () => {
  const { privateKey, publicKey, fingerprint, isEncrypted } = generateKeys(dir.path, { passphrase: "pass" });
  expect(isEncrypted).toBe(true);
  expect(readFileSync(privateKey, "utf8")).toStartWith("-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
  const signer = await signerFrom({ privateKey, publicKey, passphrase: "pass" });
  expect(toHex(signer.publicKey)).toBe(fingerprint);
  expect(await failureOf(() => generateKeys(at("other"), { passphrase: "" }))).toMatchObject({
    code: "bad-arguments",
    message: "Cannot encrypt the private key: its passphrase is empty",
  });
  expect(readdirSync(dir.path)).not.toContain("other");
});

test("others read them, too", () => {
  const { privateKey, publicKey, fingerprint } = generateKeys(dir.path);
  const ours = createPublicKey(createPrivateKey(readFileSync(privateKey)));
  const theirs = createPublicKey(readFileSync(publicKey));
  expect([ours.asymmetricKeyType, theirs.asymmetricKeyType]).toEqual(["ed25519", "ed25519"]);
  expect(ours.export({ format: "der", type: "spki" }).subarray(-32).toString("hex")).toBe(fingerprint);
  expect(ours.equals(theirs)).toBe(true);
});

test("each pair is another one", () => {
  expect(generateKeys(at("one")).fingerprint).not.toBe(generateKeys(at("two")).fingerprint);
});

const posix = process.platform !== "win32";
if (!posix) process.stderr.write("skipped: who may read keys, Windows has no modes\n");
test.skipIf(!posix)("only their owner reads the private one, whatever the umask is", () => {
  const before = process.umask(0);
  try {
    const { privateKey, publicKey } = generateKeys(at("keys"));
    const modes = [at("keys"), privateKey, publicKey].map((path) => statSync(path).mode & 0o777);
    expect(modes).toEqual([0o700, 0o600, 0o644]);
  } finally {
    process.umask(before);
  }
});

describe("a key that is there stays", () => {
  test.each([PRIVATE, PUBLIC])("%s", async (name) => {
    writeFileSync(at(name), "mine");
    const error = await failureOf(() => generateKeys(dir.path));
    expect(error).toMatchObject({
      code: "output-exists",
      message: `Cannot write ${at(name)}: it exists, and a lost key cannot be made again`,
      hint: "choose another folder with --out-dir",
    });
    expect(readdirSync(dir.path)).toEqual([name]);
    expect(readFileSync(at(name), "utf8")).toBe("mine");
  });

  test.skipIf(!posix).each([PRIVATE, PUBLIC])("%s as a link to nowhere", async (name) => {
    symlinkSync("nowhere", at(name));
    expect((await failureOf(() => generateKeys(dir.path))).code).toBe("io-failed");
    expect(readdirSync(dir.path)).toEqual([name]);
  });
});

test("a file in the place of the folder is an error of the disk", async () => {
  writeFileSync(at("file"), "");
  const error = await failureOf(() => generateKeys(at("file/keys")));
  expect([error.code, error.message]).toEqual(["io-failed", `Cannot create ${at("file/keys")}`]);
});

/** One page large: room for one key. */
const DISK = mkdtempSync(join(tmpdir(), "flavor-page-"));
const mounted =
  process.platform === "linux" &&
  Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=4k", "flavor", DISK]).exitCode === 0;
if (!mounted) process.stderr.write("skipped: keys on a full disk, only root may mount one\n");
afterAll(() => {
  // Lazily: a build that failed its test may still have a file open there.
  if (mounted) Bun.spawnSync(["umount", "-l", DISK]);
  rmSync(DISK, { recursive: true, force: true });
});

describe.skipIf(!mounted)("a full disk leaves no half pair", () => {
  test.each([
    ["private", 1],
    ["public", 0],
  ])("when the %s key does not fit", async (half, pages) => {
    if (pages > 0) writeFileSync(join(DISK, "filler"), new Uint8Array(4096));
    const before = readdirSync(DISK);
    const error = await failureOf(() => generateKeys(DISK));
    expect(error).toMatchObject({
      code: "io-failed",
      message: `Cannot write ${join(DISK, `flavor-${half}.key`)}`,
      hint: "free some space on that disk, or choose another place",
    });
    expect(readdirSync(DISK)).toEqual(before);
    rmSync(join(DISK, "filler"), { force: true });
  });
});
