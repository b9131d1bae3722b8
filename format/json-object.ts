/** A JSON object whose members are not known. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Values by texts that others chose: "__proto__" and "constructor" are keys as any other. */
export const recordOf = <T>(rows: Iterable<readonly [string, T]> = []): Record<string, T> =>
  Object.assign(Object.create(null), Object.fromEntries(rows));

/** Narrows to objects that are neither null nor arrays. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
