import { PspfError } from "../errors.ts";

const MAX_DEPTH = 64;

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * JSON (RFC 8259) that every parser reads alike: a key may stand only once in its object, text is Unicode, nothing may
 * follow the value, and nesting ends at 64. Objects have no prototype, so a key named `__proto__` is just a key.
 * Throws `metadata-invalid` with line and column.
 */
export function parseStrictJson(text: string): Json {
  let at = 0;

  const fail = (state: string): never => {
    const before = text.slice(0, at);
    const line = before.split("\n").length;
    const column = at - before.lastIndexOf("\n");
    throw new PspfError(
      "metadata-invalid",
      `Cannot parse the JSON: ${state} at line ${line}, column ${column}`,
    );
  };

  const skipBlanks = () => {
    while (at < text.length && " \t\n\r".includes(text.charAt(at))) at++;
  };

  const token = (pattern: RegExp, what: string): string => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return fail(`expected ${what}`);
    at += match[0].length;
    return match[0];
  };

  const string = (): string => {
    const start = at;
    const result = JSON.parse(token(STRING, "a string")) as string;
    if (result.isWellFormed()) return result;
    at = start;
    return fail("half of a surrogate pair");
  };

  const value = (depth: number): Json => {
    if (depth > MAX_DEPTH) fail("nested too deeply");
    skipBlanks();
    switch (text[at]) {
      case "{":
        return object(depth);
      case "[":
        return array(depth);
      case '"':
        return string();
      default:
        return JSON.parse(token(LITERAL, "a value")) as Json;
    }
  };

  /** Calls `item` for each member between brackets; commas separate, none may trail. */
  const members = (close: string, item: () => void) => {
    at++;
    skipBlanks();
    if (text[at] === close) {
      at++;
      return;
    }
    for (;;) {
      item();
      skipBlanks();
      if (text[at] === close) break;
      if (text[at] !== ",") fail(`expected "," or "${close}"`);
      at++;
    }
    at++;
  };

  const object = (depth: number): Json => {
    const result = Object.create(null) as Record<string, Json>;
    members("}", () => {
      skipBlanks();
      const start = at;
      const key = string();
      if (key in result) {
        at = start;
        fail(`the key ${JSON.stringify(key)} stands twice in one object,`);
      }
      skipBlanks();
      if (text[at] !== ":") fail('expected ":"');
      at++;
      result[key] = value(depth + 1);
    });
    return result;
  };

  const array = (depth: number): Json => {
    const result: Json[] = [];
    members("]", () => result.push(value(depth + 1)));
    return result;
  };

  const result = value(0);
  skipBlanks();
  if (at < text.length) fail("text after the end of the document");
  return result;
}

/** A string with no control characters and only the escapes that JSON knows. The plain runs are loops of their own: a
 * choice for each character would take a second and 100 MB for a long text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these
const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y;
const LITERAL = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/y;
