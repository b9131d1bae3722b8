import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keyPairFromText } from "../../format/seal/keys.ts";
import { signWith } from "../../format/seal/sign.ts";
import { signStatement, statementDocument } from "../../format/trust/statement.ts";
import { toHex } from "../../format/wire/hashes.ts";
import { failureOf } from "../../tests/support/failure.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { readStatement, statementText } from "./statement-file.ts";

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
});
afterEach(() => dir[Symbol.dispose]());
const at = (name: string) => join(dir.path, name);

const OLD = keyPairFromText("old");
const statement = () =>
  signStatement(
    { kind: "revocation", key: toHex(OLD.publicKey), reason: "lost", created: "2026-01-31T12:00:00Z" },
    (message) => signWith(OLD.seed, message),
  );

test("what was written is read", async () => {
  writeFileSync(at("a"), statementText(await statement()));
  expect(await readStatement(at("a"))).toEqual(await statement());
});

test.each<[string | Uint8Array, string, RegExp]>([
  [
    "",
    "statement-invalid",
    /^Cannot use PATH as a statement of a key: expected a value at line 1, column 1$/,
  ],
  ["{}", "statement-invalid", /^Cannot use PATH as a statement of a key$/],
  ["{} {}", "statement-invalid", /text after the end of the document at line 1, column 4$/],
  [new Uint8Array([0x22, 0xff, 0x22]), "statement-invalid", /: it is not UTF-8$/],
  [" ".repeat(1024 * 1024 + 1), "statement-invalid", /it has 1048577 bytes, at most 1048576 are read$/],
])("case %#: no statement", async (content, code, message) => {
  writeFileSync(at("a"), content);
  const error = await failureOf(() => readStatement(at("a")));
  expect(error.code as string).toBe(code);
  expect(error.message.replace(at("a"), "PATH")).toMatch(message);
});

test("one that was changed is not believed, and the key that should have signed is named", async () => {
  const changed = { ...statementDocument(await statement()), reason: "sold" };
  writeFileSync(at("a"), JSON.stringify(changed));
  expect(await failureOf(() => readStatement(at("a")))).toMatchObject({
    code: "statement-invalid",
    message: `Cannot believe the statement ${at("a")}: it is not signed by the key ${toHex(OLD.publicKey)}`,
  });
});

test("a file that cannot be read is an error of files", async () => {
  mkdirSync(at("folder"));
  for (const name of ["missing", "folder"])
    expect((await failureOf(() => readStatement(at(name)))).code).toBe("io-failed");
});
