import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openFileSource } from "../../../format/io/byte-source.ts";
import { openPackage } from "../../../format/reader.ts";
import { keyPairFromText } from "../../../format/seal/keys.ts";
import { signWith } from "../../../format/seal/sign.ts";
import { isGenuine, type Statement, signStatement } from "../../../format/trust/statement.ts";
import { toHex } from "../../../format/wire/hashes.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { statementText } from "../../trust/statement-file.ts";
import { runCli } from "../testing.ts";

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
  mkdirSync(at("keys"));
  writeFileSync(at("launcher"), "#!/bin/sh\nexit 0\n");
  writeFileSync(at("flavor.toml"), '[package]\nname = "app"\nversion = "1"\n[execution]\ncommand = "true"\n');
});
afterEach(() => dir[Symbol.dispose]());
const at = (name: string) => join(dir.path, name);
const keyOf = (text: string) => toHex(keyPairFromText(text).publicKey);

async function rotation(path: string, from: string, to: string): Promise<Statement> {
  const statement = await signStatement(
    {
      kind: "rotation",
      from: keyOf(from),
      to: keyOf(to),
      packages: ["app"],
      created: "2026-01-31T12:00:00Z",
    },
    (message) => signWith(keyPairFromText(from).seed, message),
  );
  writeFileSync(path, statementText(statement));
  return statement;
}

const pack = (...args: readonly string[]) =>
  runCli(["pack", dir.path, "--launcher", at("launcher"), "-p", "linux-x64", "--key-seed", "new", ...args], {
    cwd: dir.path,
  });

/** The statements in the package that was written, all of them genuine. */
async function packed(): Promise<readonly Statement[]> {
  using source = openFileSource(at("dist/app.psp"));
  const { statements = [] } = (await openPackage(source)).metadata;
  for (const statement of statements) expect(await isGenuine(statement)).toBe(true);
  return statements;
}

test("without statements there is no word about them", async () => {
  expect(await pack()).toMatchObject({ err: "", exitCode: 0 });
  expect(await packed()).toEqual([]);
});

test("those beside the manifest are taken if they lead to the key that signs", async () => {
  await rotation(at("keys/2.statement.json"), "new", "newer");
  const first = await rotation(at("keys/1.statement.json"), "old", "new");
  writeFileSync(at("keys/notes.json"), "no statement");
  expect(await pack()).toMatchObject({ err: "", exitCode: 0 });
  expect(await packed()).toEqual([first]);
});

test("--statement takes others instead, and each must lead there", async () => {
  await rotation(at("keys/1.statement.json"), "old", "new");
  const [one, two] = [
    await rotation(at("one"), "oldest", "older"),
    await rotation(at("two"), "older", "new"),
  ];
  expect(await pack("--statement", at("one"), "--statement", at("two"))).toMatchObject({ exitCode: 0 });
  expect(await packed()).toEqual([one, two]);
  const run = await pack("--statement", at("one"));
  expect(run.err).toStartWith(`error: Cannot pack the statement ${at("one")}: it names ${keyOf("older")} as`);
  expect(run).toMatchObject({ out: "", exitCode: 107 });
  expect(await packed()).toEqual([one, two]);
});

test("a damaged one beside the manifest is not passed over", async () => {
  writeFileSync(at("keys/1.statement.json"), "{");
  const run = await pack();
  expect(run.err).toStartWith("error: Cannot use ");
  expect(run).toMatchObject({ out: "", exitCode: 107 });
});
