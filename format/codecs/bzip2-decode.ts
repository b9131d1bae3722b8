import type { Bytes, ByteStream } from "../types.ts";
import { ByteReader } from "./byte-reader.ts";
import { damaged, truncated } from "./codec.ts";
import { BZIP2_CRC } from "./crc.ts";

/** 900 000 symbols of 20 bits, selectors and tables: no block is larger, so that one is decoded without waiting. */
const MAX_BLOCK = 2_400_000;
const GROUP = 50;
const MAX_CODE = 20;
const BLOCK_MAGIC = [0x314159, 0x265359] as const;
const END_MAGIC = [0x177245, 0x385090] as const;
const OUTPUT = 256 * 1024;

/**
 * The bytes in bzip2 streams, one after the other as pbzip2 and `cat a.bz2 b.bz2` make them. Memory: one block, at
 * most 900 kB, and its index of 3.6 MB. Specification: the format of bzip2 1.0.
 */
export async function* decodeBzip2(input: ByteStream): ByteStream {
  await using reader = new ByteReader(input);
  if ((await reader.fill(4)) === 0) throw truncated("BZIP2");
  // One for all streams: an empty one has 14 bytes, and a fresh index for each would take seconds for a megabyte.
  let index = new Uint32Array(0);
  for (; (await reader.fill(4)) > 0;) {
    if (reader.window().length < 4) throw truncated("BZIP2");
    const head = reader.take(4);
    const level = head[3]! - 0x30;
    if (head[0] !== 0x42 || head[1] !== 0x5a || head[2] !== 0x68 || level < 1 || level > 9)
      throw damaged("BZIP2", 'it has no "BZh" header where one should be');
    const size = level * 100_000;
    if (index.length < size) index = new Uint32Array(size);
    yield* decodeStream(reader, index.subarray(0, size));
  }
}

async function* decodeStream(reader: ByteReader, index: Uint32Array): ByteStream {
  let combined = 0;
  // Bits of the last byte that the block before has not used.
  let used = 0;
  for (;;) {
    await reader.fill(MAX_BLOCK);
    const bits = new BitReader(reader.window(), used);
    const magic = [bits.read(24), bits.read(24)] as const;
    const isEnd = magic[0] === END_MAGIC[0] && magic[1] === END_MAGIC[1];
    if (!isEnd && (magic[0] !== BLOCK_MAGIC[0] || magic[1] !== BLOCK_MAGIC[1]))
      throw damaged("BZIP2", "neither a block nor the end stands where one should be");
    const expected = ((bits.read(16) << 16) | bits.read(16)) >>> 0;
    if (isEnd) {
      if (combined !== expected) throw damaged("BZIP2", "the checksum of the whole does not match");
      reader.skip(Math.ceil(bits.position / 8));
      return;
    }
    const { start, length } = decodeBlock(bits, index);
    reader.skip(bits.position >>> 3);
    used = bits.position & 7;
    const crc = yield* expand(index, start, length);
    if (crc !== expected) throw damaged("BZIP2", "the checksum of a block does not match");
    combined = (((combined << 1) | (combined >>> 31)) ^ crc) >>> 0;
  }
}

/** Bits, most significant first. */
class BitReader {
  readonly #bytes: Bytes;
  #at = 0;
  #buffer = 0;
  #count = 0;

  constructor(bytes: Bytes, used: number) {
    this.#bytes = bytes;
    if (used > 0) this.read(used);
  }

  /** Bits consumed so far. */
  get position(): number {
    return this.#at * 8 - this.#count;
  }

  /** At most 24 bits. */
  read(count: number): number {
    while (this.#count < count) {
      if (this.#at >= this.#bytes.length) throw truncated("BZIP2");
      this.#buffer = (this.#buffer << 8) | this.#bytes[this.#at++]!;
      this.#count += 8;
    }
    this.#count -= count;
    return (this.#buffer >>> this.#count) & ((1 << count) - 1);
  }
}

/** A canonical Huffman code: for each length, the last code and where its symbols are. */
interface Code {
  readonly limit: Int32Array;
  readonly base: Int32Array;
  readonly symbols: Uint16Array;
}

/** Fills `index` with the block's cycle: each entry holds a byte and, above it, where the next one is. */
function decodeBlock(
  bits: BitReader,
  index: Uint32Array,
): { readonly start: number; readonly length: number } {
  if (bits.read(1) === 1) throw damaged("BZIP2", "it uses randomised blocks, which ended with bzip2 0.9.5");
  const origin = bits.read(24);
  const bytes = readByteSet(bits);
  const endOfBlock = bytes.length + 1;
  const groups = bits.read(3);
  if (groups < 2 || groups > 6) throw damaged("BZIP2", `it has ${groups} code tables, 2 to 6 are allowed`);
  const selectors = readSelectors(bits, groups);
  const codes = Array.from({ length: groups }, () => readCode(bits, endOfBlock + 1));

  const counts = new Uint32Array(256);
  let length = 0;
  let run = 0;
  let runBit = 1;
  let group = 0;
  let left = 0;
  let code = codes[0]!;
  for (;;) {
    if (left-- === 0) {
      if (group >= selectors.length) throw damaged("BZIP2", "a block goes on after its last selector");
      code = codes[selectors[group++]!]!;
      left = GROUP - 1;
    }
    const symbol = readSymbol(bits, code);
    if (symbol <= 1) {
      // Runs of the front byte: a number in bijective base 2. It overflows long after it is too long.
      run += runBit << symbol;
      runBit <<= 1;
      if (run > index.length) throw tooLong();
      continue;
    }
    if (run > 0) {
      if (length + run > index.length) throw tooLong();
      const byte = bytes[0]!;
      counts[byte]! += run;
      index.fill(byte, length, length + run);
      length += run;
      run = 0;
    }
    runBit = 1;
    if (symbol === endOfBlock) break;
    if (length >= index.length) throw tooLong();
    const position = symbol - 1;
    const byte = bytes[position]!;
    bytes.copyWithin(1, 0, position);
    bytes[0] = byte;
    counts[byte]!++;
    index[length++] = byte;
  }
  if (origin >= length) throw damaged("BZIP2", "a block begins outside itself");
  linkCycle(index, length, counts);
  return { start: index[origin]! >>> 8, length };
}

const tooLong = () => damaged("BZIP2", "a block is longer than the header says");

/** The byte values that occur, in order: the start of the move-to-front list. */
function readByteSet(bits: BitReader): Bytes {
  const rows = bits.read(16);
  const set: number[] = [];
  for (let row = 0; row < 16; row++) {
    if (((rows >>> (15 - row)) & 1) === 0) continue;
    const columns = bits.read(16);
    for (let column = 0; column < 16; column++)
      if (((columns >>> (15 - column)) & 1) === 1) set.push(row * 16 + column);
  }
  if (set.length === 0) throw damaged("BZIP2", "a block has no bytes");
  return Uint8Array.from(set);
}

function readSelectors(bits: BitReader, groups: number): Bytes {
  const count = bits.read(15);
  if (count === 0) throw damaged("BZIP2", "a block has no selectors");
  const front = Uint8Array.from({ length: groups }, (_, i) => i);
  const selectors = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    let position = 0;
    while (bits.read(1) === 1)
      if (++position >= groups) throw damaged("BZIP2", "a selector names a code table that is not there");
    const table = front[position]!;
    front.copyWithin(1, 0, position);
    front[0] = table;
    selectors[i] = table;
  }
  return selectors;
}

function readCode(bits: BitReader, size: number): Code {
  const lengths = new Uint8Array(size);
  let length = bits.read(5);
  for (let symbol = 0; symbol < size; symbol++) {
    for (;;) {
      if (length < 1 || length > MAX_CODE) throw damaged("BZIP2", `a code is ${length} bits long`);
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }

  const limit = new Int32Array(MAX_CODE + 2).fill(-1);
  const base = new Int32Array(MAX_CODE + 2);
  const symbols = new Uint16Array(size);
  let next = 0;
  let code = 0;
  for (let bit = 1; bit <= MAX_CODE; bit++) {
    base[bit] = code - next;
    for (let symbol = 0; symbol < size; symbol++)
      if (lengths[symbol] === bit) {
        symbols[next++] = symbol;
        code++;
      }
    limit[bit] = code - 1;
    code <<= 1;
  }
  return { limit, base, symbols };
}

function readSymbol(bits: BitReader, { limit, base, symbols }: Code): number {
  let code = 0;
  for (let length = 1; length <= MAX_CODE; length++) {
    code = (code << 1) | bits.read(1);
    if (code <= limit[length]!) {
      const symbol = symbols[code - base[length]!];
      if (symbol !== undefined) return symbol;
      break;
    }
  }
  throw damaged("BZIP2", "a code has no meaning");
}

/** Inverts the Burrows-Wheeler transform: afterwards the entries, followed by their links, give the text. */
function linkCycle(index: Uint32Array, length: number, counts: Uint32Array): void {
  let sum = 0;
  for (let byte = 0; byte < 256; byte++) {
    const count = counts[byte]!;
    counts[byte] = sum;
    sum += count;
  }
  for (let i = 0; i < length; i++) {
    const slot = counts[index[i]! & 0xff]!++;
    index[slot]! |= i << 8;
  }
}

/** Walks the cycle and undoes the first run-length coding: a byte four times is followed by how many more. */
function* expand(index: Uint32Array, start: number, length: number): Generator<Bytes, number> {
  let output = new Uint8Array(OUTPUT);
  let size = 0;
  let crc = -1;
  let at = start;
  let previous = -1;
  let same = 0;
  for (let i = 0; i < length; i++) {
    const entry = index[at]!;
    const byte = entry & 0xff;
    at = entry >>> 8;
    if (size + 256 > OUTPUT) {
      yield output.subarray(0, size);
      output = new Uint8Array(OUTPUT);
      size = 0;
    }
    if (same === 4) {
      for (let n = 0; n < byte; n++) {
        crc = (crc << 8) ^ BZIP2_CRC[((crc >>> 24) ^ previous) & 0xff]!;
        output[size++] = previous;
      }
      same = 0;
      previous = -1;
      continue;
    }
    same = byte === previous ? same + 1 : 1;
    previous = byte;
    crc = (crc << 8) ^ BZIP2_CRC[((crc >>> 24) ^ byte) & 0xff]!;
    output[size++] = byte;
  }
  if (size > 0) yield output.subarray(0, size);
  return ~crc >>> 0;
}
