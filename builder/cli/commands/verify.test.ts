import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { memorySource } from "../../../format/io/byte-source.ts";
import { openPackage } from "../../../format/reader.ts";
import { keyPairFromText, publicKeyPem } from "../../../format/seal/keys.ts";
import { fileSlot, packageBytes } from "../../../tests/support/packages.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { documentOf, runCli } from "../testing.ts";

const dir = tempDir();
const at = (name: string) => join(dir.path, name);
afterAll(() => dir[Symbol.dispose]());
beforeAll(async () => {
  const bytes = await packageBytes({
    keySeed: "mine",
    slots: [fileSlot("note", "text", { operations: [] })],
  });
  writeFileSync(at("good.psp"), bytes);
  const { slots } = await openPackage(memorySource(bytes));
  bytes[slots[0]?.stored.offset ?? 0] = 0;
  bytes[5] = 0; // in the launcher
  writeFileSync(at("bad.psp"), bytes);
  writeFileSync(at("none.psp"), "nothing");
  writeFileSync(at("mine.key"), publicKeyPem(keyPairFromText("mine").publicKey));
  writeFileSync(at("other.key"), publicKeyPem(keyPairFromText("other").publicKey));
});

test("every check is a line, and where the launcher comes from; the verdict is the last one", async () => {
  const { out, err, exitCode } = await runCli(["verify", at("good.psp"), "--key", at("mine.key")]);
  const lines = out.trimEnd().split("\n");
  expect(lines.slice(0, -2).every((line) => line.startsWith("ok   "))).toBe(true);
  expect(lines.at(-2)).toBe("note launcher: not one that this version of flavor makes");
  expect(lines.length).toBeGreaterThan(6);
  expect(lines.at(-1)).toBe(`${at("good.psp")} is valid`);
  expect({ err, exitCode }).toEqual({ err: "", exitCode: 0 });
});

test("all failures are shown, the first decides about the exit code", async () => {
  const { out, exitCode } = await runCli(["verify", at("bad.psp")]);
  const failed = out.split("\n").filter((line) => line.startsWith("FAIL"));
  expect(failed.map((line) => line.split(":")[0])).toEqual(["FAIL launcher", "FAIL slot 0"]);
  expect(out).toEndWith(
    `${at("bad.psp")} is NOT VALID: 2 checks failed\n  hint: the file is damaged or was changed: get it again\n`,
  );
  expect(exitCode).toBe(107);
});

test.each([
  ["good.psp", "other.key", "signature-invalid", 107],
  ["bad.psp", "mine.key", "launcher-checksum-mismatch", 107],
  ["none.psp", "mine.key", "not-a-package", 102],
])("%s with %s fails with %s, as a document that is not an error", async (file, key, code, exitCode) => {
  const run = await runCli(["verify", at(file), "--key", at(key), "--json"]);
  const document = documentOf(run);
  expect(document).toMatchObject({ schema: "flavor.verify/1", path: at(file), valid: false });
  const isPackage = code !== "not-a-package";
  expect(document["launcher"]).toEqual(isPackage ? { origin: "other", target: null, claimed: null } : null);
  const checks = document["checks"] as readonly { readonly ok: boolean; readonly code: string | null }[];
  expect(checks.find(({ ok }) => !ok)?.code).toBe(code);
  expect(run).toMatchObject({ err: "", exitCode });
});

test("a key that is none is an error before anything is checked", async () => {
  const { out, err, exitCode } = await runCli(["verify", at("good.psp"), "--key", at("none.psp")]);
  expect(err).toStartWith(`error: Cannot use ${at("none.psp")} as a public key: `);
  expect({ out, exitCode }).toEqual({ out: "", exitCode: 107 });
});
