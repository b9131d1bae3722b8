import { readFileSync } from "node:fs";
import { PspfError } from "../../format/errors.ts";
import { doing } from "../../format/io/fs.ts";
import {
  authorOf,
  isGenuine,
  parseStatement,
  type Statement,
  statementDocument,
} from "../../format/trust/statement.ts";
import type { Bytes } from "../../format/types.ts";
import { Problems } from "../../format/wire/problems.ts";
import { type Json, parseStrictJson } from "../../format/wire/strict-json.ts";

/** Bytes; the longest statement has some hundred thousand. */
const MAX_SIZE = 1024 * 1024;

/** A statement as the text of its file. */
export const statementText = (statement: Statement): string =>
  `${JSON.stringify(statementDocument(statement), null, 2)}\n`;

/** The statement in a file, genuine. Throws `statement-invalid` for anything else, and `io-failed`. */
export const readStatement = (path: string): Promise<Statement> =>
  statementIn(new Uint8Array(doing("read the statement", path, () => readFileSync(path))), path);

/** The same for bytes that were read before. */
export async function statementIn(bytes: Bytes, path: string): Promise<Statement> {
  const problems = new Problems();
  const statement = parseStatement(jsonIn(bytes, path), "", problems);
  problems.throwIfAny("statement-invalid", `Cannot use ${path} as a statement of a key`);
  if (await isGenuine(statement)) return statement;
  throw new PspfError(
    "statement-invalid",
    `Cannot believe the statement ${path}: it is not signed by the key ${authorOf(statement)}`,
    { hint: "it was changed, or somebody else made it: get it again from the author of that key" },
  );
}

function jsonIn(bytes: Bytes, path: string): Json {
  const refuse = (state: string) =>
    new PspfError("statement-invalid", `Cannot use ${path} as a statement of a key: ${state}`);
  if (bytes.length > MAX_SIZE) throw refuse(`it has ${bytes.length} bytes, at most ${MAX_SIZE} are read`);
  try {
    return parseStrictJson(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    if (!(error instanceof PspfError)) throw refuse("it is not UTF-8");
    throw refuse(error.message.replace("Cannot parse the JSON: ", ""));
  }
}
