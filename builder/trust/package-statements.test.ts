import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { keyPairFromText } from "../../format/seal/keys.ts";
import { signWith } from "../../format/seal/sign.ts";
import { signStatement, type UnsignedStatement } from "../../format/trust/statement.ts";
import { toHex } from "../../format/wire/hashes.ts";
import { openFileSource } from "../../format/io/byte-source.ts";
import { openPackage } from "../../format/reader.ts";
import { failureOf } from "../../tests/support/failure.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { buildPackageFromManifest } from "../build-from-manifest.ts";
import { PSPFBuilder } from "../pspf-builder.ts";
import { statementsFor } from "./package-statements.ts";
import { statementText } from "./statement-file.ts";

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
});
afterEach(() => dir[Symbol.dispose]());
const at = (name: string) => join(dir.path, name);

const keyOf = (text: string) => toHex(keyPairFromText(text).publicKey);

async function write(name: string, author: string, statement: UnsignedStatement): Promise<string> {
  const signed = await signStatement(statement, (message) => signWith(keyPairFromText(author).seed, message));
  writeFileSync(at(name), statementText(signed));
  return at(name);
}

const rotate = (from: string, to: string, packages: readonly string[] = []): Promise<string> =>
  write(`${from}-${to}`, from, {
    kind: "rotation",
    from: keyOf(from),
    to: keyOf(to),
    packages,
    created: "2026-01-31T12:00:00Z",
  });

/** The steps that were taken, such as "a-b", of a package "app" that "c" signs. */
const steps = async (choice: Parameters<typeof statementsFor>[1]) => {
  const names = new Map(["a", "b", "c", "d"].map((name) => [keyOf(name), name]));
  const statements = await statementsFor({ name: "app", signer: keyOf("c") }, choice);
  return statements.map((it) =>
    it.kind === "rotation" ? `${names.get(it.from)}-${names.get(it.to)}` : it.kind,
  );
};

test("without files there are none", async () => {
  expect(await steps({})).toEqual([]);
});

test("all steps to the key that signs are taken, each once, in the order of the files", async () => {
  const paths = [await rotate("a", "b"), await rotate("b", "c", ["app"]), await rotate("d", "b", ["a*"])];
  expect(await steps({ statements: paths })).toEqual(["a-b", "b-c", "d-b"]);
  expect(await steps({ statements: paths.toReversed() })).toEqual(["d-b", "b-c", "a-b"]);
  expect(await steps({ foundStatements: [...paths, ...paths] })).toEqual(["a-b", "b-c", "d-b"]);
});

test("keys that hand over to each other end nothing", async () => {
  const paths = [
    await rotate("a", "b"),
    await rotate("b", "a"),
    await rotate("c", "a"),
    await rotate("b", "c"),
  ];
  expect(await steps({ foundStatements: paths })).toEqual(["a-b", "b-a", "c-a", "b-c"]);
});

test("of files that lie about, those that lead elsewhere stay out", async () => {
  const revocation = await write("revoked", "c", {
    kind: "revocation",
    key: keyOf("c"),
    reason: "",
    created: "2026-01-31T12:00:00Z",
  });
  const paths = [
    await rotate("c", "d"),
    await rotate("a", "b", ["other"]),
    revocation,
    await rotate("b", "c"),
  ];
  expect(await steps({ foundStatements: paths })).toEqual(["b-c"]);
});

test("a chosen one that leads elsewhere is refused, and it is said why", async () => {
  const [away, other] = [await rotate("c", "d"), await rotate("b", "c", ["other", "else-*"])];
  const revocation = await write("revoked", "c", {
    kind: "revocation",
    key: keyOf("c"),
    reason: "",
    created: "2026-01-31T12:00:00Z",
  });
  const fine = await rotate("a", "c");
  const refused = async (path: string) => {
    const { code, message } = await failureOf(() => steps({ statements: [fine, path] }));
    expect(code).toBe("statement-invalid");
    return message.replace(`Cannot pack the statement ${path}: `, "");
  };
  expect(await refused(away)).toBe(
    `it names ${keyOf("d")} as the new key, the package is signed by ${keyOf("c")}`,
  );
  expect(await refused(other)).toBe("it is about other, else-*, not about app");
  expect(await refused(revocation)).toBe(`it revokes the key ${keyOf("c")}`);
});

test("a file that is no genuine statement is refused, chosen or not", async () => {
  const forged = await write("forged", "d", {
    kind: "rotation",
    from: keyOf("a"),
    to: keyOf("c"),
    packages: [],
    created: "2026-01-31T12:00:00Z",
  });
  for (const choice of [{ statements: [forged] }, { foundStatements: [forged] }])
    expect((await failureOf(() => steps(choice))).code).toBe("statement-invalid");
});

test("the library packs them as well, with a builder or from a manifest", async () => {
  const [good, useless] = [await rotate("a", "c"), await rotate("c", "a")];
  writeFileSync(at("launcher"), "#!/bin/sh\nexit 0\n");
  writeFileSync(
    at("flavor.toml"),
    '[package]\nname = "app"\nversion = "1"\n[execution]\ncommand = "true"\n[pack]\nlauncher = "launcher"\n',
  );
  const builder = new PSPFBuilder()
    .setPackageName("app")
    .setPackageVersion("1")
    .setCommand("true")
    .setLauncher(at("launcher"))
    .setKeySeed("c");
  const ways = [
    (path: string) => builder.build(at("built.psp"), { statements: [path] }),
    (path: string) =>
      buildPackageFromManifest({
        manifestPath: at("flavor.toml"),
        keySeed: "c",
        output: at("packed.psp"),
        statements: [path],
      }),
  ];
  for (const build of ways) {
    await build(good);
    expect((await failureOf(() => build(useless))).code).toBe("statement-invalid");
  }
  for (const name of ["built.psp", "packed.psp"]) {
    using source = openFileSource(at(name));
    const { metadata } = await openPackage(source);
    expect(metadata.statements).toMatchObject([{ kind: "rotation", from: keyOf("a"), to: keyOf("c") }]);
  }
});
