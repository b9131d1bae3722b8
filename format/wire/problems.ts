import { type ErrorCode, printable, PspfError } from "../errors.ts";

/** An object of a parsed document whose members are not checked yet. */
export type Members = Readonly<Record<string, unknown>>;

/** Problems shown of one document: a hostile one may have a hundred thousand. */
const MAX_SHOWN = 100;
/** So many are enough: lists are not read any further, and no more are kept. */
const ENOUGH = 1000;
/** Characters shown of one key: a path has up to 64 of them. */
const MAX_KEY = 100;
const MAX_MODE = 0o7777;

/**
 * Reads typed members out of a parsed document and collects what is wrong with their paths, so that an author gets
 * all problems at once. A reader that fails notes it and returns an empty value of its type; after `throwIfAny`
 * the types tell the truth. The "optional" readers take null for absent, as FlavorPack's readers do.
 */
export class Problems {
  readonly #found: string[] = [];
  readonly #paths = new Set<string>();

  /** What was found so far, one line each: the first thousand. */
  get found(): readonly string[] {
    return this.#found;
  }

  /** Whether something was noted about exactly this member: its value is then an empty one, not worth judging. */
  hasAt(path: string): boolean {
    return this.#paths.has(path);
  }

  add(path: string, text: string): void {
    if (this.#found.length >= ENOUGH) return;
    this.#paths.add(path);
    this.#found.push(printable(path === "" ? text : `${path}: ${text}`));
  }

  /** Notes that `value` is not `wanted`. */
  expected(path: string, wanted: string, value: unknown): void {
    this.add(path, `expected ${wanted}, got ${describe(value)}`);
  }

  object(value: unknown, path: string): Members {
    if (isMembers(value)) return value;
    this.expected(path, "an object", value);
    return {};
  }

  /** A string that is not a member, such as an item of an array. */
  text(value: unknown, path: string): string {
    if (typeof value === "string") return value;
    this.expected(path, "a string", value);
    return "";
  }

  string(of: Members, key: string, path: string): string {
    return this.text(member(of, key), memberPath(path, key));
  }

  optionalString(of: Members, key: string, path: string): string | undefined {
    return isAbsent(of, key) ? undefined : this.string(of, key, path);
  }

  /** A whole number from `min` to `max`, by default 0 to 2^53-1. */
  integer(of: Members, key: string, path: string, range: Range = {}): number {
    const { min = 0, max = Number.MAX_SAFE_INTEGER } = range;
    const value = member(of, key);
    if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max)
      return value as number;
    const limits = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
    this.expected(memberPath(path, key), `a whole number ${limits}`, value);
    return min;
  }

  optionalInteger(of: Members, key: string, path: string, range: Range = {}): number | undefined {
    return isAbsent(of, key) ? undefined : this.integer(of, key, path, range);
  }

  boolean(of: Members, key: string, path: string): boolean {
    const value = member(of, key);
    if (typeof value === "boolean") return value;
    this.expected(memberPath(path, key), "true or false", value);
    return false;
  }

  optionalBoolean(of: Members, key: string, path: string): boolean | undefined {
    return isAbsent(of, key) ? undefined : this.boolean(of, key, path);
  }

  array<T>(of: Members, key: string, path: string, item: (value: unknown, path: string) => T): readonly T[] {
    const value = member(of, key);
    const at = memberPath(path, key);
    if (Array.isArray(value)) return this.#each(value, (each, index) => item(each, `${at}[${index}]`));
    this.expected(at, "an array", value);
    return [];
  }

  /** Absent is empty. */
  optionalArray<T>(
    of: Members,
    key: string,
    path: string,
    item: (value: unknown, path: string) => T,
  ): readonly T[] {
    return isAbsent(of, key) ? [] : this.array(of, key, path, item);
  }

  /** An array of strings; absent is empty. */
  strings(of: Members, key: string, path: string): readonly string[] {
    return this.optionalArray(of, key, path, (value, at) => this.text(value, at));
  }

  /** An object member; absent is empty. */
  optionalObject(of: Members, key: string, path: string): Members {
    return isAbsent(of, key) ? {} : this.object(member(of, key), memberPath(path, key));
  }

  /** An object whose values are strings; absent is empty. */
  stringMap(of: Members, key: string, path: string): Readonly<Record<string, string>> {
    const at = memberPath(path, key);
    const entries = Object.entries(this.optionalObject(of, key, path));
    return Object.fromEntries(
      this.#each(entries, ([name, value]) => [name, this.text(value, memberPath(at, name))] as const),
    );
  }

  #each<T, U>(values: readonly T[], read: (value: T, index: number) => U): readonly U[] {
    const results: U[] = [];
    for (const [index, value] of values.entries()) {
      if (this.#found.length >= ENOUGH) break;
      results.push(read(value, index));
    }
    return results;
  }

  /** One of the listed strings. */
  oneOf<const T extends string>(of: Members, key: string, path: string, list: readonly [T, ...T[]]): T {
    const value = member(of, key);
    if (list.includes(value as T)) return value as T;
    this.expected(memberPath(path, key), `one of ${list.join(", ")}`, value);
    return list[0];
  }

  /**
   * Unix mode bits, 0 to 07777, or undefined when absent: octal digits in a string ("0755", "755", "0o755"), or a
   * number that is the bits themselves (493), as FlavorPack's Go launcher reads it.
   */
  octalMode(of: Members, key: string, path: string): number | undefined {
    if (isAbsent(of, key)) return undefined;
    const value = member(of, key);
    const mode =
      typeof value === "string" && /^(0o)?[0-7]+$/.test(value)
        ? Number.parseInt(value.replace("0o", ""), 8)
        : value;
    if (Number.isInteger(mode) && (mode as number) >= 0 && (mode as number) <= MAX_MODE)
      return mode as number;
    this.expected(memberPath(path, key), 'octal mode bits such as "0755"', value);
    return undefined;
  }

  /** Throws everything that was found as one error. */
  throwIfAny(code: ErrorCode, message: string, hint?: string): void {
    if (this.#found.length === 0) return;
    const more = this.#found.length - MAX_SHOWN;
    const rest =
      this.#found.length < ENOUGH ? `and ${more} more` : `and more than ${ENOUGH - MAX_SHOWN} more`;
    const problems = more > 0 ? [...this.#found.slice(0, MAX_SHOWN), rest] : [...this.#found];
    throw new PspfError(code, message, hint === undefined ? { problems } : { problems, hint });
  }
}

export interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** Where a member stands: `slots[1]` and `source` make `slots[1].source`; keys that are no plain words are quoted. */
export function memberPath(path: string, key: string): string {
  if (key.length > MAX_KEY) return memberPath(path, `${key.slice(0, MAX_KEY - 1)}…`);
  if (!/^[\w-]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

/** Own members only: a document without "constructor" has none, whatever its prototype says. */
const member = (of: Members, key: string): unknown => (Object.hasOwn(of, key) ? of[key] : undefined);

const isAbsent = (of: Members, key: string): boolean => (member(of, key) ?? null) === null;

const isMembers = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** A value in a few words, for "expected …, got …". */
function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "an array";
  if (value instanceof Date) return "a date";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}
