import { closeSync, openSync, rmSync, writeFileSync } from "node:fs";
import { PspfError } from "../../format/errors.ts";
import { doing, errnoOf, ioError } from "../../format/io/fs.ts";
import {
  parseStatement,
  signStatement,
  type Statement,
  statementDocument,
  type UnsignedStatement,
} from "../../format/trust/statement.ts";
import { toHex } from "../../format/wire/hashes.ts";
import { Problems } from "../../format/wire/problems.ts";
import type { KeyChoice } from "../signing/key-choice.ts";
import { type Signer, signerFrom } from "../signing/signer.ts";
import { statementText } from "./statement-file.ts";

/** A statement that a key is about to make of itself. */
export type Wish =
  | { readonly kind: "rotation"; readonly to: string; readonly packages: readonly string[] }
  | { readonly kind: "revocation"; readonly reason: string };

/**
 * Signs a statement with the key that it is about, and writes it to a file that was not there. Throws what `signerFrom`
 * throws, `bad-arguments` for a choice without a key and for what no statement may say, `output-exists`, `io-failed`.
 */
export async function makeStatement(
  wish: Wish,
  key: KeyChoice,
  { output, now }: { readonly output: string; readonly now: Date },
): Promise<Statement> {
  const signer = await signerFrom(key);
  if (signer.origin === "ephemeral")
    throw new PspfError("bad-arguments", "Cannot sign the statement: no key was named", {
      hint: "--private-key names the file of the private key that the statement is about",
    });
  const statement = await signStatement(checked(unsigned(wish, signer, now)), signer.sign);
  writeNew(output, statementText(statement));
  return statement;
}

function unsigned(wish: Wish, { publicKey }: Signer, now: Date): UnsignedStatement {
  const [key, created] = [toHex(publicKey), now.toISOString()];
  return wish.kind === "rotation" ? { ...wish, from: key, created } : { ...wish, key, created };
}

/** What readers would refuse is not signed. */
function checked(statement: UnsignedStatement): UnsignedStatement {
  const problems = new Problems();
  parseStatement(statementDocument({ ...statement, signature: NO_SIGNATURE }), "", problems);
  problems.throwIfAny("bad-arguments", "Cannot make the statement: readers would refuse it");
  return statement;
}

const NO_SIGNATURE = `${"A".repeat(86)}==`;

function writeNew(path: string, text: string): void {
  let fd: number;
  try {
    fd = openSync(path, "wx", 0o644);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw ioError("write", path, error);
    throw new PspfError("output-exists", `Cannot write ${path}: it exists`, {
      hint: "choose another name with --output",
    });
  }
  try {
    doing("write", path, () => writeFileSync(fd, text));
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}
