import type { Bytes } from "../types.ts";
import { huffmanLengths } from "./huffman-lengths.ts";
import { suffixArray } from "./suffix-array.ts";

/** Symbols that share a code table before the next selector. */
const GROUP = 50;
const ROUNDS = 4;
/** bzip2 writes no longer codes, though its readers take 20 bits. */
const LONGEST = 17;

/** Takes bits, most significant first. */
export interface BitSink {
  write(value: number, count: number): void;
}

/** Writes what follows a block's checksum: Burrows-Wheeler transform, move to front, Huffman codes. */
export function writeBlock(sink: BitSink, block: Bytes): void {
  const { last, origin } = transform(block);
  sink.write(0, 1);
  sink.write(origin, 24);
  const { symbols, bytes } = moveToFront(last);
  writeByteSet(sink, bytes);
  writeSymbols(sink, symbols, bytes.length + 2);
}

/** The last column of the block's sorted rotations, and which of them is the block itself. */
function transform(block: Bytes): { readonly last: Bytes; readonly origin: number } {
  const n = block.length;
  // Rotations sort as suffixes do when the text starts at its smallest rotation (Giancarlo et al. 2007).
  const first = smallestRotation(block);
  const text = new Uint8Array(n);
  text.set(block.subarray(first));
  text.set(block.subarray(0, first), n - first);
  const order = suffixArray(text, 256);
  const start = (n - first) % n;
  const last = new Uint8Array(n);
  let origin = 0;
  for (let i = 0; i < n; i++) {
    const at = order[i]!;
    last[i] = text[at === 0 ? n - 1 : at - 1]!;
    if (at === start) origin = i;
  }
  return { last, origin };
}

/** Where the lexicographically smallest rotation begins, in linear time: two candidates, one always falls. */
function smallestRotation(text: Bytes): number {
  const n = text.length;
  let a = 0;
  let b = 1;
  for (let same = 0; a < n && b < n && same < n;) {
    const left = text[(a + same) % n]!;
    const right = text[(b + same) % n]!;
    if (left === right) {
      same++;
      continue;
    }
    if (left > right) a += same + 1;
    else b += same + 1;
    if (a === b) b++;
    same = 0;
  }
  return Math.min(a, b);
}

/** Places in a list of recent bytes; runs of place 0 become numbers of the digits 0 and 1, bijective base 2. */
function moveToFront(last: Bytes): { readonly symbols: Uint16Array; readonly bytes: Bytes } {
  const seen = new Uint8Array(256);
  for (let i = 0; i < last.length; i++) seen[last[i]!] = 1;
  const bytes = Uint8Array.from(seen.keys().filter((byte) => seen[byte] === 1));
  const front = bytes.slice();
  const symbols = new Uint16Array(last.length + 1);
  let size = 0;
  let run = 0;
  const endRun = (): void => {
    for (; run > 0; run = (run - 1) >>> 1) symbols[size++] = (run - 1) & 1;
  };
  for (let i = 0; i < last.length; i++) {
    const byte = last[i]!;
    if (front[0] === byte) {
      run++;
      continue;
    }
    endRun();
    const place = front.indexOf(byte);
    front.copyWithin(1, 0, place);
    front[0] = byte;
    symbols[size++] = place + 1;
  }
  endRun();
  symbols[size++] = bytes.length + 1;
  return { symbols: symbols.subarray(0, size), bytes };
}

function writeByteSet(sink: BitSink, bytes: Bytes): void {
  const rows = new Uint16Array(16);
  for (const byte of bytes) rows[byte >>> 4]! |= 0x8000 >>> (byte & 15);
  let used = 0;
  for (let row = 0; row < 16; row++) if (rows[row] !== 0) used |= 0x8000 >>> row;
  sink.write(used, 16);
  for (const row of rows) if (row !== 0) sink.write(row, 16);
}

function writeSymbols(sink: BitSink, symbols: Uint16Array, alphabet: number): void {
  const { tables, selectors } = chooseTables(symbols, alphabet);
  sink.write(tables.length, 3);
  sink.write(selectors.length, 15);
  const front = tables.map((_, i) => i);
  for (const selector of selectors) {
    const place = front.indexOf(selector);
    front.unshift(...front.splice(place, 1));
    for (let i = 0; i < place; i++) sink.write(1, 1);
    sink.write(0, 1);
  }
  for (const lengths of tables) writeLengths(sink, lengths);
  const codes = tables.map(codesOf);
  for (let i = 0; i < symbols.length; i++) {
    const table = selectors[Math.floor(i / GROUP)]!;
    sink.write(codes[table]![symbols[i]!]!, tables[table]![symbols[i]!]!);
  }
}

/** Up to six codes and which of them each group of 50 symbols uses: groups and codes fit each other in turns. */
function chooseTables(
  symbols: Uint16Array,
  alphabet: number,
): { readonly tables: readonly Uint8Array[]; readonly selectors: Uint8Array } {
  const n = symbols.length;
  const count = n < 200 ? 2 : n < 600 ? 3 : n < 1200 ? 4 : n < 2400 ? 5 : 6;
  const selectors = new Uint8Array(Math.ceil(n / GROUP));
  let tables = firstTables(symbols, alphabet, count);
  for (let round = 0; round < ROUNDS; round++) {
    const weights = tables.map(() => new Uint32Array(alphabet));
    for (let group = 0; group < selectors.length; group++) {
      const part = symbols.subarray(group * GROUP, group * GROUP + GROUP);
      let best = 0;
      let bestCost = Number.POSITIVE_INFINITY;
      for (let table = 0; table < count; table++) {
        const lengths = tables[table]!;
        let cost = 0;
        for (let i = 0; i < part.length; i++) cost += lengths[part[i]!]!;
        if (cost < bestCost) {
          bestCost = cost;
          best = table;
        }
      }
      selectors[group] = best;
      const weight = weights[best]!;
      for (let i = 0; i < part.length; i++) weight[part[i]!]!++;
    }
    tables = weights.map((weight) => huffmanLengths(weight, LONGEST));
  }
  return { tables, selectors };
}

/** To begin with, each table is cheap for one range of symbols; the ranges occur about equally often. */
function firstTables(symbols: Uint16Array, alphabet: number, count: number): Uint8Array[] {
  const weights = new Uint32Array(alphabet);
  for (let i = 0; i < symbols.length; i++) weights[symbols[i]!]!++;
  const tables: Uint8Array[] = [];
  let from = 0;
  let left = symbols.length;
  for (let table = 0; table < count; table++) {
    const share = left / (count - table);
    let to = from;
    for (let sum = 0; to < alphabet && (sum < share || table === count - 1); to++) {
      sum += weights[to]!;
      left -= weights[to]!;
    }
    tables.push(new Uint8Array(alphabet).fill(15).fill(1, from, to));
    from = to;
  }
  return tables;
}

/** Each length as steps of one up or down from the one before. */
function writeLengths(sink: BitSink, lengths: Uint8Array): void {
  let current = lengths[0]!;
  sink.write(current, 5);
  for (const length of lengths) {
    for (; current < length; current++) sink.write(0b10, 2);
    for (; current > length; current--) sink.write(0b11, 2);
    sink.write(0, 1);
  }
}

/** The canonical code: shorter codes first, then by symbol. */
function codesOf(lengths: Uint8Array): Uint32Array {
  const codes = new Uint32Array(lengths.length);
  let code = 0;
  for (let length = 1; length <= LONGEST; length++, code <<= 1)
    for (let symbol = 0; symbol < lengths.length; symbol++)
      if (lengths[symbol] === length) codes[symbol] = code++;
  return codes;
}
