import type { Bytes } from "../types.ts";
import {
  afterLiteral,
  afterMatch,
  afterRep,
  createProbabilities,
  DISTANCE_ALIGN,
  DISTANCE_SLOT,
  DISTANCE_SPECIAL,
  EVEN,
  FIRST_MATCH_STATE,
  IS_MATCH,
  IS_REP,
  IS_REP0_LONG,
  IS_REP_G0,
  IS_REP_G1,
  IS_REP_G2,
  LENGTH_HIGH,
  LENGTH_LOW,
  LENGTH_MIDDLE,
  LITERAL,
  LITERAL_CODER,
  MATCH_LENGTH,
  MIN_MATCH,
  REP_LENGTH,
} from "./lzma-model.ts";

/** lc = 3, lp = 0, pb = 2, as xz uses them, and the byte that says so. */
const LITERAL_CONTEXT = 3;
const POSITION_MASK = 3;
export const PROPERTIES = (2 * 5 + 0) * 9 + LITERAL_CONTEXT;

/** Packed bytes in one LZMA2 chunk, and room for the longest symbol and the end of the range coder. */
const MAX_PACKED = 64 * 1024;
const ROOM = 64;

/** Writes symbols of LZMA into one chunk at a time; what one chunk teaches serves the next. */
export class LzmaEncoder {
  readonly #probabilities = createProbabilities(LITERAL_CONTEXT);
  #state = 0;
  /** Bytes encoded so far. */
  #position = 0;
  /** The four latest distances, in bytes. */
  readonly reps = [1, 1, 1, 1] as [number, number, number, number];
  // Range coder.
  readonly #output: Bytes = new Uint8Array(MAX_PACKED);
  #size = 0;
  #low = 0;
  #range = 0xffffffff;
  #cache = 0;
  #pending = 1;

  /** Whether the chunk takes no further symbol. */
  get isFull(): boolean {
    return this.#size + this.#pending > MAX_PACKED - ROOM;
  }

  /** Forgets what the chunks have taught, as the decoder does where a chunk resets the state. */
  resetState(): void {
    this.#probabilities.fill(EVEN);
    this.#state = 0;
    this.reps.fill(1);
  }

  /** Ends the chunk and returns its bytes, valid until the next symbol. */
  finish(): Bytes {
    for (let i = 0; i < 5; i++) this.#shiftLow();
    const chunk = this.#output.subarray(0, this.#size);
    this.#size = 0;
    this.#low = 0;
    this.#range = 0xffffffff;
    this.#cache = 0;
    this.#pending = 1;
    return chunk;
  }

  /** The byte at `at` as it is. */
  literal(bytes: Bytes, at: number): void {
    this.#bit(IS_MATCH + this.#state * 16 + (this.#position & POSITION_MASK), 0);
    const previous = this.#position > 0 ? bytes[at - 1]! : 0;
    const base = LITERAL + LITERAL_CODER * (previous >>> (8 - LITERAL_CONTEXT));
    const byte = bytes[at]!;
    if (this.#state < FIRST_MATCH_STATE) this.#tree(base, 8, byte);
    else this.#matchedLiteral(base, byte, bytes[at - this.reps[0]]!);
    this.#state = afterLiteral(this.#state);
    this.#position++;
  }

  match(distance: number, length: number): void {
    const positionState = this.#position & POSITION_MASK;
    this.#bit(IS_MATCH + this.#state * 16 + positionState, 1);
    this.#bit(IS_REP + this.#state, 0);
    this.#state = afterMatch(this.#state);
    this.#length(MATCH_LENGTH, length, positionState);
    this.#distance(distance - 1, length);
    this.reps.copyWithin(1, 0, 3);
    this.reps[0] = distance;
    this.#position += length;
  }

  /** A match at one of the four latest distances. */
  rep(index: number, length: number): void {
    const positionState = this.#position & POSITION_MASK;
    this.#bit(IS_MATCH + this.#state * 16 + positionState, 1);
    this.#bit(IS_REP + this.#state, 1);
    if (index === 0) {
      this.#bit(IS_REP_G0 + this.#state, 0);
      this.#bit(IS_REP0_LONG + this.#state * 16 + positionState, 1);
    } else {
      this.#bit(IS_REP_G0 + this.#state, 1);
      this.#bit(IS_REP_G1 + this.#state, index === 1 ? 0 : 1);
      if (index > 1) this.#bit(IS_REP_G2 + this.#state, index - 2);
      const distance = this.reps[index]!;
      this.reps.copyWithin(1, 0, index);
      this.reps[0] = distance;
    }
    this.#length(REP_LENGTH, length, positionState);
    this.#state = afterRep(this.#state);
    this.#position += length;
  }

  #bit(index: number, bit: number): void {
    const probability = this.#probabilities[index]!;
    const bound = (this.#range >>> 11) * probability;
    if (bit === 0) {
      this.#range = bound;
      this.#probabilities[index] = probability + ((2048 - probability) >>> 5);
    } else {
      this.#low += bound;
      this.#range -= bound;
      this.#probabilities[index] = probability - (probability >>> 5);
    }
    if (this.#range < 0x1000000) {
      this.#range = (this.#range << 8) >>> 0;
      this.#shiftLow();
    }
  }

  /** Moves the top byte out; it waits while a carry could still change it. */
  #shiftLow(): void {
    if (this.#low < 0xff000000 || this.#low >= 2 ** 32) {
      const carry = this.#low >= 2 ** 32 ? 1 : 0;
      for (let byte = this.#cache; this.#pending > 0; this.#pending--, byte = 0xff)
        this.#output[this.#size++] = byte + carry;
      this.#cache = (this.#low >>> 24) & 0xff;
    }
    this.#pending++;
    this.#low = (this.#low & 0xffffff) * 256;
  }

  #tree(base: number, bits: number, value: number): void {
    let node = 1;
    for (let i = bits - 1; i >= 0; i--) {
      const bit = (value >>> i) & 1;
      this.#bit(base + node, bit);
      node = (node << 1) | bit;
    }
  }

  #reverseTree(base: number, bits: number, value: number): void {
    let node = 1;
    for (let i = 0; i < bits; i++) {
      const bit = (value >>> i) & 1;
      this.#bit(base + node, bit);
      node = (node << 1) | bit;
    }
  }

  #matchedLiteral(base: number, byte: number, match: number): void {
    let node = 1;
    let offset = 0x100;
    for (let i = 7; i >= 0; i--) {
      const expected = (match >>> i) & 1;
      const bit = (byte >>> i) & 1;
      this.#bit(base + (offset === 0 ? 0 : offset + (expected << 8)) + node, bit);
      if (bit !== expected) offset = 0;
      node = (node << 1) | bit;
    }
  }

  #length(base: number, length: number, positionState: number): void {
    const value = length - MIN_MATCH;
    this.#bit(base, value < 8 ? 0 : 1);
    if (value < 8) return this.#tree(base + LENGTH_LOW + positionState * 8, 3, value);
    this.#bit(base + 1, value < 16 ? 0 : 1);
    if (value < 16) return this.#tree(base + LENGTH_MIDDLE + positionState * 8, 3, value - 8);
    return this.#tree(base + LENGTH_HIGH, 8, value - 16);
  }

  /** A slot says the highest two bits and how many follow; the lowest four have odds of their own. */
  #distance(value: number, length: number): void {
    const high = 31 - Math.clz32(value);
    const slot = value < 4 ? value : (high << 1) | ((value >>> (high - 1)) & 1);
    this.#tree(DISTANCE_SLOT + Math.min(length - MIN_MATCH, 3) * 64, 6, slot);
    if (slot < 4) return;
    const bits = (slot >>> 1) - 1;
    const base = ((2 | (slot & 1)) << bits) >>> 0;
    const rest = value - base;
    if (slot < 14) return this.#reverseTree(DISTANCE_SPECIAL + base - slot, bits, rest);
    for (let i = bits - 1; i >= 4; i--) {
      this.#range >>>= 1;
      if (((rest >>> i) & 1) === 1) this.#low += this.#range;
      if (this.#range < 0x1000000) {
        this.#range = (this.#range << 8) >>> 0;
        this.#shiftLow();
      }
    }
    this.#reverseTree(DISTANCE_ALIGN, 4, rest & 15);
  }
}
