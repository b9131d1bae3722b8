import { PspfError } from "../errors.ts";
import type { Bytes } from "../types.ts";
import { type Members, memberPath, Problems } from "../wire/problems.ts";
import { parseStrictJson } from "../wire/strict-json.ts";

/** What tells the files of trust apart. */
export interface DocumentKind {
  readonly code: "trust-store-invalid" | "policy-invalid";
  /** What it is for people, such as "the trust store". */
  readonly what: string;
  readonly schema: string;
  /** What to do about a file that cannot be used. */
  readonly hint: (path: string) => string;
}

/** Of such a file; who lists more keys than that has another use for them. */
export const MAX_DOCUMENT_SIZE = 4 * 1024 * 1024;

/**
 * A file of trust as the value that `read` makes of its members. All that is wrong is said at once, with the file's
 * name and the remedy: one that is not understood in full is not used at all.
 */
export function parseDocument<T>(
  bytes: Bytes,
  path: string,
  kind: DocumentKind,
  read: (members: Members, problems: Problems) => T,
): T {
  const problems = new Problems();
  const members = problems.object(jsonIn(bytes, path, kind), "");
  const schema = problems.string(members, "schema", "");
  if (schema !== kind.schema && !problems.hasAt("schema"))
    problems.expected("schema", JSON.stringify(kind.schema), schema);
  const value = read(members, problems);
  problems.throwIfAny(kind.code, `Cannot use ${kind.what} ${path}`, kind.hint(path));
  return value;
}

function jsonIn(bytes: Bytes, path: string, { code, what, hint }: DocumentKind): unknown {
  const refuse = (state: string) =>
    new PspfError(code, `Cannot use ${what} ${path}: ${state}`, { hint: hint(path) });
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuse("it is not UTF-8");
  }
  try {
    return parseStrictJson(text);
  } catch (error) {
    if (!(error instanceof PspfError)) throw error;
    throw refuse(error.message.replace("Cannot parse the JSON: ", ""));
  }
}

/** Notes the members that an object must not have: what is not understood may have been meant to forbid something. */
export function refuseOthers(of: Members, known: readonly string[], path: string, problems: Problems): void {
  for (const key of Object.keys(of))
    if (!known.includes(key))
      problems.add(memberPath(path, key), `is not known, expected ${known.join(", ")}`);
}

const KEY = /^[0-9a-f]{64}$/;

/** Whether a text is a public key as all files of trust write it: 64 lower-case hex digits. */
export const isKey = (text: string): boolean => KEY.test(text);

/** A public key of an object, as 64 lower-case hex digits. */
export function keyIn(of: Members, name: string, path: string, problems: Problems): string {
  const text = problems.string(of, name, path);
  const at = memberPath(path, name);
  if (!isKey(text) && !problems.hasAt(at))
    problems.expected(at, "a public key of 64 lower-case hex digits", text);
  return text;
}

/** Whether a text is a time as all files of trust write it: ISO 8601 in UTC, of the years that have four digits. */
export const isTime = (text: string): boolean => TIME.test(text) && Number.isFinite(Date.parse(text));

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;

/** A time of an object, as ISO 8601 in UTC. */
export function timeIn(of: Members, name: string, path: string, problems: Problems): string {
  const text = problems.string(of, name, path);
  const at = memberPath(path, name);
  if (!problems.hasAt(at) && !isTime(text))
    problems.expected(at, "a time such as 2026-01-31T12:00:00Z", text);
  return text;
}
