import { expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { documentOf, runCli } from "../testing.ts";

test("keys are written once, the private one for its owner alone", async () => {
  using dir = tempDir();
  const keys = join(dir.path, "keys");
  const run = await runCli(["keygen", "--out-dir", keys, "--json"]);
  const [privateKey, publicKey] = [join(keys, "flavor-private.key"), join(keys, "flavor-public.key")];
  expect(documentOf(run)).toEqual({
    schema: "flavor.keygen/1",
    privateKey,
    publicKey,
    fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    encrypted: false,
  });
  expect(run.err).toStartWith("note: keep the private key secret");
  expect(statSync(privateKey).mode & 0o777).toBe(0o600);
  const before = readFileSync(privateKey, "utf8");
  const again = await runCli(["keygen", "--out-dir", keys]);
  expect(again.err).toStartWith(`error: Cannot write ${privateKey}: it exists`);
  expect(again).toMatchObject({ out: "", exitCode: 106 });
  expect(readFileSync(privateKey, "utf8")).toBe(before);
});

test("people see where the keys are", async () => {
  using dir = tempDir();
  const { out, exitCode } = await runCli(["keygen", "--out-dir", dir.path]);
  expect(out.split("\n").map((line) => line.slice(0, 13))).toEqual([
    "Private key  ",
    "Public key   ",
    "Fingerprint  ",
    "",
  ]);
  expect(exitCode).toBe(0);
});
