import { isObject, type JsonObject } from "../format/json-object.ts";

/** A copy as JSON would carry it, which later changes do not reach. Throws TypeError for what JSON cannot carry. */
export function copyOfJson(value: JsonObject): JsonObject {
  const text = JSON.stringify(value) as string | undefined;
  const copy: unknown = text === undefined ? undefined : JSON.parse(text);
  if (isObject(copy)) return copy;
  throw new TypeError(`got ${Array.isArray(copy) ? "an array" : copy === null ? "null" : typeof value}`);
}

/** Both objects in one; members that are objects in both are merged alike, for all others `over` wins. */
export function mergeObjects(under: JsonObject, over: JsonObject): JsonObject {
  const merged = new Map(Object.entries(under));
  for (const [key, value] of Object.entries(over)) {
    const before = merged.get(key);
    merged.set(key, isObject(before) && isObject(value) ? mergeObjects(before, value) : value);
  }
  // Unlike an assignment, this gives a key named `__proto__` no meaning.
  return Object.fromEntries(merged);
}
