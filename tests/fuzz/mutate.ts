import type { Bytes } from "../../format/types.ts";
import type { Random } from "./random.ts";

/** What a mutation may use besides the input itself. */
export interface Material {
  /** Words that mean something to the parser. */
  readonly tokens: readonly Bytes[];
  /** Another input, to splice with. */
  readonly other: () => Bytes;
  /** Bytes of the longest result. */
  readonly maxSize: number;
}

type Mutation = (input: Bytes, random: Random, material: Material) => Bytes;

/** Where parsers make mistakes: around powers of two, signs, and what no double can count. */
const NUMBERS = [
  0, 1, 2, 7, 8, 9, 63, 64, 65, 127, 128, 255, 256, 511, 512, 513, 4095, 4096, 32767, 32768, 65535,
]
  .concat([65536, 2 ** 20, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53])
  .map(BigInt)
  .concat([2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n - 8n]);

const SIZES = [1, 2, 4, 8] as const;

function join(...parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The input with `from`..`to` replaced. */
const replaced = (input: Bytes, from: number, to: number, by: Bytes): Bytes =>
  join(input.subarray(0, from), by, input.subarray(to));

/** A place between two bytes. */
const gapIn = (input: Bytes, random: Random): number => random.below(input.length + 1);

/** Some bytes next to each other, short ones more often. */
function rangeIn(input: Bytes, random: Random): readonly [from: number, to: number] {
  const from = random.below(input.length);
  const longest = random.pick([4, 16, 64, 512, input.length]);
  return [from, Math.min(input.length, from + 1 + random.below(longest))];
}

function withByte(input: Bytes, random: Random, change: (byte: number) => number): Bytes {
  const copy = input.slice();
  const at = random.below(copy.length);
  if (copy.length > 0) copy[at] = change(copy[at] as number);
  return copy;
}

/** A number as a parser may meet it: binary both ways round, or decimal, octal and hexadecimal digits. */
function spelled(value: bigint, random: Random): Bytes {
  const radix = random.pick([0, 0, 0, 8, 10, 16]);
  if (radix !== 0) return new TextEncoder().encode(value.toString(radix));
  const size = random.pick(SIZES);
  const bytes = Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
  return random.oneIn(2) ? bytes : bytes.reverse();
}

const flipBit: Mutation = (input, random) => withByte(input, random, (byte) => byte ^ (1 << random.below(8)));

const anyByte: Mutation = (input, random) => withByte(input, random, () => random.below(256));

const step: Mutation = (input, random) => {
  const by = 1 + random.below(16);
  return withByte(input, random, (byte) => byte + (random.oneIn(2) ? by : -by));
};

const overwriteNumber: Mutation = (input, random) => {
  const number = spelled(random.pick(NUMBERS), random);
  const at = gapIn(input, random);
  return replaced(input, at, Math.min(input.length, at + number.length), number);
};

/** Digits that stand there become other digits, so that lengths and counts in texts are met. */
const overwriteDigits: Mutation = (input, random) => {
  const text = Buffer.from(input).toString("latin1");
  const runs = [...text.matchAll(/[0-9]+/g)];
  if (runs.length === 0) return overwriteNumber(input, random, NO_MATERIAL);
  const run = random.pick(runs);
  const value = random.oneIn(2)
    ? random.pick(NUMBERS)
    : BigInt(run[0].slice(0, 20)) + BigInt(random.below(5) - 2);
  const digits = new TextEncoder().encode(value.toString(random.pick([8, 10])));
  return replaced(input, run.index, run.index + run[0].length, digits);
};

const insertBytes: Mutation = (input, random) => {
  const at = gapIn(input, random);
  const byte = random.below(256);
  const more = Uint8Array.from({ length: 1 + random.below(random.pick([2, 8, 64])) }, () =>
    random.oneIn(2) ? byte : random.below(256),
  );
  return replaced(input, at, at, more);
};

const remove: Mutation = (input, random) => {
  const [from, to] = rangeIn(input, random);
  return replaced(input, from, to, new Uint8Array(0));
};

const truncate: Mutation = (input, random) => input.slice(0, gapIn(input, random));

const clear: Mutation = (input, random) => {
  const [from, to] = rangeIn(input, random);
  return replaced(input, from, to, new Uint8Array(to - from).fill(random.pick([0, 0, 0xff, 0x20])));
};

/** The same bytes again and again: depth, counts, and quadratic work. */
const repeat: Mutation = (input, random, { maxSize }) => {
  const [from, to] = rangeIn(input, random);
  const part = input.subarray(from, to);
  const most = Math.max(1, Math.floor((maxSize - input.length) / Math.max(1, part.length)));
  const times = 1 + random.below(Math.min(most, random.pick([2, 8, 100, 5000])));
  return replaced(input, to, to, join(...Array.from({ length: times }, () => part)));
};

const exchange: Mutation = (input, random) => {
  const [from, to] = rangeIn(input, random);
  const [start, end] = rangeIn(input, random);
  const [a, b, c, d] = [from, to, start, end].sort((x, y) => x - y) as [number, number, number, number];
  return join(
    input.subarray(0, a),
    input.subarray(c, d),
    input.subarray(b, c),
    input.subarray(a, b),
    input.subarray(d),
  );
};

const copyOver: Mutation = (input, random) => {
  const [from, to] = rangeIn(input, random);
  const at = gapIn(input, random);
  return replaced(input, at, Math.min(input.length, at + to - from), input.subarray(from, to));
};

/** The beginning of one input and the end of another. */
const splice: Mutation = (input, random, { other }) => {
  const tail = other();
  return join(input.subarray(0, gapIn(input, random)), tail.subarray(gapIn(tail, random)));
};

const implant: Mutation = (input, random, { other }) => {
  const donor = other();
  const [from, to] = rangeIn(donor, random);
  const at = gapIn(input, random);
  const end = random.oneIn(2) ? at : Math.min(input.length, at + to - from);
  return replaced(input, at, end, donor.subarray(from, to));
};

const putToken: Mutation = (input, random, { tokens }) => {
  if (tokens.length === 0) return flipBit(input, random, NO_MATERIAL);
  const token = random.pick(tokens);
  const at = gapIn(input, random);
  return replaced(input, at, random.oneIn(2) ? at : Math.min(input.length, at + token.length), token);
};

const NO_MATERIAL: Material = { tokens: [], other: () => new Uint8Array(0), maxSize: 0 };

/** Every kind of change, by name. */
export const MUTATIONS = {
  flipBit,
  anyByte,
  step,
  overwriteNumber,
  overwriteDigits,
  insertBytes,
  remove,
  truncate,
  clear,
  repeat,
  exchange,
  copyOver,
  splice,
  implant,
  putToken,
} as const satisfies Record<string, Mutation>;

const ALL: readonly Mutation[] = Object.values(MUTATIONS);

/** The input with some changes on top of each other, one more often than many; at most `maxSize` bytes. */
export function mutate(input: Bytes, random: Random, material: Material): Bytes {
  let result = input;
  for (let left = 1 << random.below(4); left > 0; left--) {
    // What is empty can only grow.
    const mutation = result.length === 0 ? random.pick([insertBytes, putToken, implant]) : random.pick(ALL);
    result = mutation(result, random, material);
  }
  return result.slice(0, material.maxSize);
}
