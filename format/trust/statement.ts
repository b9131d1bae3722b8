import type { JsonObject } from "../json-object.ts";
import { isSignedBy } from "../seal/verify.ts";
import type { Bytes } from "../types.ts";
import { isSha256 } from "../wire/hashes.ts";
import { keyIn, timeIn } from "./document.ts";
import { type Members, memberPath, type Problems } from "../wire/problems.ts";

/** "From now on my packages are signed by another key": signed by the key that is given up. */
export interface Rotation {
  readonly kind: "rotation";
  /** Public keys are 64 lower-case hex digits everywhere. */
  readonly from: string;
  readonly to: string;
  /** Patterns of package names that it is about; none: all. */
  readonly packages: readonly string[];
  /** ISO 8601 in UTC. */
  readonly created: string;
}

/** "Believe nothing that I have signed": signed by the key that it is about. */
export interface Revocation {
  readonly kind: "revocation";
  readonly key: string;
  readonly reason: string;
  /** ISO 8601 in UTC. */
  readonly created: string;
}

export type UnsignedStatement = Rotation | Revocation;

/** What a key says about itself. By its form only: whether the key really has said it, `isGenuine` knows. */
export type Statement = UnsignedStatement & {
  /** 64 bytes in base64. */
  readonly signature: string;
};

const STATEMENT_SCHEMA = "flavor.statement/1";

/** Characters of a pattern or a reason; patterns of one statement. */
const MAX_TEXT = 1000;
const MAX_PATTERNS = 100;

/** The key that a statement is about, and that must have signed it. */
export const authorOf = (statement: UnsignedStatement): string =>
  statement.kind === "rotation" ? statement.from : statement.key;

/**
 * The bytes that are signed: a first line that no package's JSON can begin with, then one field a line, the last line
 * ended, too. No field may contain a line break, so two statements never have the same bytes.
 */
export function messageOf(statement: UnsignedStatement): Bytes {
  const lines = ["flavor statement 1", statement.kind, ...fieldsOf(statement)];
  return new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
}

function fieldsOf(statement: UnsignedStatement): readonly string[] {
  switch (statement.kind) {
    case "rotation": {
      const { from, to, created, packages } = statement;
      return [
        `from: ${from}`,
        `to: ${to}`,
        `created: ${created}`,
        ...packages.map((name) => `package: ${name}`),
      ];
    }
    case "revocation": {
      const { key, created, reason } = statement;
      return [`key: ${key}`, `created: ${created}`, `reason: ${reason}`];
    }
    default:
      return statement satisfies never;
  }
}

/** Adds the signature of the statement's author, which `sign` makes (64 bytes). */
export async function signStatement(
  statement: UnsignedStatement,
  sign: (message: Bytes) => Promise<Bytes> | Bytes,
): Promise<Statement> {
  const signature = await sign(messageOf(statement));
  return { ...statement, signature: signature.toBase64() };
}

/** Whether the key that a statement is about has signed exactly this. */
export const isGenuine = (statement: Statement): Promise<boolean> =>
  isSignedBy(
    Uint8Array.fromHex(authorOf(statement)) as Bytes,
    messageOf(statement),
    Uint8Array.fromBase64(statement.signature) as Bytes,
  );

/** A statement as JSON, in a file of its own or as a member of another document. */
export const statementDocument = (statement: Statement): JsonObject => {
  const { kind, created, signature } = statement;
  const fields =
    statement.kind === "rotation"
      ? { from: statement.from, to: statement.to, packages: statement.packages }
      : { key: statement.key, reason: statement.reason };
  return { schema: STATEMENT_SCHEMA, kind, ...fields, created, signature };
};

/**
 * A statement in an untrusted document. What is wrong is noted, and the value then means nothing. Members that are not
 * known are wrong: nobody has signed them.
 */
export function parseStatement(value: unknown, path: string, problems: Problems): Statement {
  const of = problems.object(value, path);
  problems.oneOf(of, "schema", path, [STATEMENT_SCHEMA]);
  const kind = problems.oneOf(of, "kind", path, ["rotation", "revocation"]);
  const created = timeIn(of, "created", path, problems);
  const signature = signatureIn(of, "signature", path, problems);
  const statement =
    kind === "rotation"
      ? { ...rotationIn(of, path, problems), created, signature }
      : { ...revocationIn(of, path, problems), created, signature };
  for (const key of Object.keys(of))
    if (!Object.hasOwn(statementDocument(statement), key))
      problems.add(memberPath(path, key), `a ${kind} has no such member`);
  return statement;
}

function rotationIn(of: Members, path: string, problems: Problems): Omit<Rotation, "created"> {
  const [from, to] = [keyIn(of, "from", path, problems), keyIn(of, "to", path, problems)];
  if (isSha256(from) && from === to) problems.add(memberPath(path, "to"), 'the same key as in "from"');
  const packages = problems.array(of, "packages", path, (item, at) =>
    line(problems.text(item, at), at, problems),
  );
  if (packages.length > MAX_PATTERNS)
    problems.add(memberPath(path, "packages"), `${packages.length} are too many, at most ${MAX_PATTERNS}`);
  if (packages.includes("")) problems.add(memberPath(path, "packages"), "an empty pattern fits no package");
  return { kind: "rotation", from, to, packages };
}

const revocationIn = (of: Members, path: string, problems: Problems): Omit<Revocation, "created"> => ({
  kind: "revocation",
  key: keyIn(of, "key", path, problems),
  reason: line(problems.string(of, "reason", path), memberPath(path, "reason"), problems),
});

/** One line of text that has one spelling in UTF-8 and that no terminal takes for orders. */
function line(text: string, at: string, problems: Problems): string {
  if (text.length > MAX_TEXT) problems.add(at, `${text.length} characters are too many, at most ${MAX_TEXT}`);
  if (!text.isWellFormed() || CONTROL.test(text))
    problems.add(at, "expected one line of text without control characters");
  return text;
}

const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

/** Base64 has several spellings of the same bytes; this is the usual one of 64. */
const SIGNATURE = /^[A-Za-z0-9+/]{85}[AQgw]==$/;

function signatureIn(of: Members, name: string, path: string, problems: Problems): string {
  const text = problems.string(of, name, path);
  const at = memberPath(path, name);
  if (!SIGNATURE.test(text) && !problems.hasAt(at)) problems.expected(at, "64 bytes in base64", text);
  return text;
}
