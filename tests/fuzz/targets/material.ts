import fc from "fast-check";
import type { Bytes } from "../../../format/types.ts";

/** What the structured generators of several targets are made of. */

export const utf8 = (text: string): Bytes => new TextEncoder().encode(text);

/** Bytes as text, whatever they are: what is no UTF-8 becomes U+FFFD. */
export const textOf = (input: Bytes): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(input);

export const joined = (parts: readonly Uint8Array[]): Bytes => new Uint8Array(Buffer.concat(parts));

export const anyBytes = (maxLength: number): fc.Arbitrary<Bytes> =>
  fc.uint8Array({ maxLength }).map((bytes) => new Uint8Array(bytes));

/** Text with everything in it that has a meaning somewhere: quotes, braces, controls, separators, other alphabets. */
export const oddText = (maxLength = 24): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ maxLength }),
    fc.string({ unit: "binary", maxLength }),
    fc.string({ unit: fc.constantFrom(...ODD), maxLength }),
  );

const ODD = [
  ..."/\\.:*?[]{}()'\"`$|<>&;=!^-+%~# \t\n\r\0\u007f\u0085\u009b\u200f\u2028\u202e\ufeff\ufffdaAbBnN019",
].concat(["..", "../", "{workenv}", "{slot:0}", "__proto__", "constructor"]);

/** A document of some kind, in which single members have become something else. */
export const JSON_LEAVES: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, false, 0, -0, -1, 1.5, 1e300, 2 ** 53, 2 ** 53 - 1, "", "0", "0755", [], {}),
  oddText(),
  fc.integer(),
  fc.double(),
);

/** An object of the given shape, in which members may be missing or be of any other kind. */
export const roughly = (shape: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<object> =>
  fc.record(
    Object.fromEntries(
      Object.entries(shape).map(([key, value]) => [
        key,
        fc.oneof({ arbitrary: value, weight: 30 }, { arbitrary: JSON_LEAVES, weight: 1 }),
      ]),
    ),
    { requiredKeys: [] },
  );

/** As `roughly`, but mostly with every member: deep checks are only reached by documents without a gap. */
export const mostly = (shape: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<object> =>
  fc.oneof({ arbitrary: fc.record({ ...shape }), weight: 4 }, { arbitrary: roughly(shape), weight: 1 });

type Place = readonly (string | number)[];

const placesIn = (value: unknown, place: Place = []): readonly Place[] => [
  place,
  ...(typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, member]) => placesIn(member, [...place, key]))
    : []),
];

function withEdit(value: unknown, [key, ...rest]: Place, edit: (value: unknown) => unknown): unknown {
  if (key === undefined) return edit(value);
  if (Array.isArray(value))
    return value.map((item, i) => (String(i) === key ? withEdit(item, rest, edit) : item));
  const entries = Object.entries(value as object);
  return Object.fromEntries(entries.map(([k, item]) => [k, k === key ? withEdit(item, rest, edit) : item]));
}

/** A sound document, in which few things or none are something else: most of the others have too many faults to pass. */
export const edited = (document: object): fc.Arbitrary<unknown> => {
  const places = placesIn(document);
  const edits = fc.array(fc.tuple(fc.constantFrom(...places), JSON_LEAVES), { maxLength: 2 });
  return edits.map((list) =>
    list.reduce<unknown>(
      (value, [place, leaf]) => (hasPlace(value, place) ? withEdit(value, place, () => leaf) : value),
      document,
    ),
  );
};

const hasPlace = (value: unknown, place: Place): boolean =>
  placesIn(value).some((known) => known.join("\0") === place.join("\0"));

export const jsonOf = (documents: fc.Arbitrary<unknown>): fc.Arbitrary<Bytes> =>
  documents.map((document) => utf8(JSON.stringify(document) ?? "null"));

export const variables: fc.Arbitrary<object> = fc.dictionary(
  fc.oneof(fc.constantFrom("A", "PATH", "__proto__", "a=b"), oddText(8)),
  fc.oneof(fc.constantFrom("1", "{workenv}/x", "{slot:9}"), oddText(12)),
  { maxKeys: 3 },
);

/** Two texts with a NUL between them. */
export const pairs = (first: fc.Arbitrary<string>, second: fc.Arbitrary<string>): fc.Arbitrary<Bytes> =>
  fc.tuple(first, second).map(([a, b]) => utf8(`${a}\0${b}`));

export function pairIn(input: Bytes): readonly [string, string] {
  const text = textOf(input);
  const at = text.indexOf("\0");
  return at < 0 ? [text, "ABBA"] : [text.slice(0, at), text.slice(at + 1)];
}

/** What stars, and question marks if they are `special`, mean by the book: which parts of the name can be reached. */
export function matchesSimply(pattern: string, name: string, special: string): boolean {
  const means = (char: string, what: string): boolean => char === what && special.includes(what);
  let reached = new Set([0]);
  for (const char of pattern.split("")) {
    const places = [...reached];
    if (means(char, "*")) {
      const first = Math.min(...places);
      reached = new Set(Array.from({ length: name.length + 1 - first }, (_, i) => first + i));
    } else {
      const fits = (at: number) => at < name.length && (means(char, "?") || char === name[at]);
      reached = new Set(places.filter(fits).map((at) => at + 1));
    }
    if (reached.size === 0) return false;
  }
  return reached.has(name.length);
}
