import type { Bytes } from "../types.ts";
import { damaged } from "./codec.ts";
import {
  afterLiteral,
  afterMatch,
  afterRep,
  afterShortRep,
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

/** Where decoded bytes go and earlier ones are found. `bytes` holds the history up to `at`. */
export interface History {
  bytes: Bytes;
  at: number;
  /** Index of the first byte that matches may reach. */
  oldest: number;
  /** How many bytes came since the dictionary was reset: the position in the sense of LZMA. */
  position: number;
}

/** Decodes the LZMA chunks of LZMA2; what one chunk learns serves the next. */
export class LzmaDecoder {
  #probabilities = createProbabilities(0);
  #literalContext = 0;
  #literalPosition = 0;
  #positionMask = 0;
  #state = 0;
  readonly #reps = [0, 0, 0, 0] as [number, number, number, number];
  // Range decoder, over one chunk.
  #input: Bytes = new Uint8Array(0);
  #next = 0;
  #range = 0;
  #code = 0;

  /** The byte of lc, lp and pb; also resets the state. */
  setProperties(byte: number): void {
    const lc = byte % 9;
    const lp = Math.floor(byte / 9) % 5;
    const pb = Math.floor(byte / 45);
    if (pb > 4 || lc + lp > 4) throw damaged("XZ", "a chunk has impossible LZMA properties");
    this.#literalContext = lc;
    this.#literalPosition = lp;
    this.#positionMask = (1 << pb) - 1;
    this.#probabilities = createProbabilities(lc + lp);
    this.resetState();
  }

  resetState(): void {
    this.#probabilities.fill(EVEN);
    this.#state = 0;
    this.#reps.fill(0);
  }

  /** Decodes one chunk of exactly `size` bytes into `history`, which has room for them. */
  decode(input: Bytes, history: History, size: number): void {
    if (input.length < 5 || input[0] !== 0) throw broken();
    this.#input = input;
    this.#range = 0xffffffff;
    this.#code = ((input[1]! << 24) | (input[2]! << 16) | (input[3]! << 8) | input[4]!) >>> 0;
    this.#next = 5;
    this.#run(history, history.at + size);
    this.#normalize();
    if (this.#next !== input.length || this.#code !== 0) throw broken();
  }

  #run(history: History, end: number): void {
    const { bytes, oldest } = history;
    const shift = history.position - history.at;
    const literalMask = (1 << this.#literalPosition) - 1;
    let [rep0, rep1, rep2, rep3] = this.#reps;
    let state = this.#state;
    let at = history.at;
    while (at < end) {
      const positionState = (at + shift) & this.#positionMask;
      if (this.#bit(IS_MATCH + state * 16 + positionState) === 0) {
        const previous = at > oldest ? bytes[at - 1]! : 0;
        const context =
          (((at + shift) & literalMask) << this.#literalContext) + (previous >>> (8 - this.#literalContext));
        const base = LITERAL + LITERAL_CODER * context;
        bytes[at] =
          state < FIRST_MATCH_STATE ? this.#tree(base, 8) : this.#matchedLiteral(base, bytes[at - rep0 - 1]!);
        at++;
        state = afterLiteral(state);
        continue;
      }
      let length: number;
      if (this.#bit(IS_REP + state) === 0) {
        rep3 = rep2;
        rep2 = rep1;
        rep1 = rep0;
        length = this.#length(MATCH_LENGTH, positionState);
        state = afterMatch(state);
        rep0 = this.#distance(length);
      } else {
        if (this.#bit(IS_REP_G0 + state) === 0) {
          if (this.#bit(IS_REP0_LONG + state * 16 + positionState) === 0) {
            if (rep0 >= at - oldest) throw broken();
            bytes[at] = bytes[at - rep0 - 1]!;
            at++;
            state = afterShortRep(state);
            continue;
          }
        } else if (this.#bit(IS_REP_G1 + state) === 0) {
          [rep0, rep1] = [rep1, rep0];
        } else if (this.#bit(IS_REP_G2 + state) === 0) {
          [rep0, rep1, rep2] = [rep2, rep0, rep1];
        } else {
          [rep0, rep1, rep2, rep3] = [rep3, rep0, rep1, rep2];
        }
        length = this.#length(REP_LENGTH, positionState);
        state = afterRep(state);
      }
      // No match of LZMA2 goes past its chunk.
      if (rep0 >= at - oldest || length > end - at) throw broken();
      if (rep0 + 1 >= length) bytes.copyWithin(at, at - rep0 - 1, at - rep0 - 1 + length);
      else for (let i = 0; i < length; i++) bytes[at + i] = bytes[at + i - rep0 - 1]!;
      at += length;
    }
    this.#reps[0] = rep0;
    this.#reps[1] = rep1;
    this.#reps[2] = rep2;
    this.#reps[3] = rep3;
    this.#state = state;
    history.position += at - history.at;
    history.at = at;
  }

  /** Guards against reading past the chunk: there the input gives zeros, and `decode` sees that it went too far. */
  #normalize(): void {
    if (this.#range < 0x1000000) {
      this.#range = (this.#range << 8) >>> 0;
      this.#code = ((this.#code << 8) | (this.#input[this.#next++] ?? 0)) >>> 0;
    }
  }

  #bit(index: number): 0 | 1 {
    this.#normalize();
    const probability = this.#probabilities[index]!;
    const bound = (this.#range >>> 11) * probability;
    if (this.#code < bound) {
      this.#range = bound;
      this.#probabilities[index] = probability + ((2048 - probability) >>> 5);
      return 0;
    }
    this.#range -= bound;
    this.#code -= bound;
    this.#probabilities[index] = probability - (probability >>> 5);
    return 1;
  }

  #tree(base: number, bits: number): number {
    let node = 1;
    for (let i = 0; i < bits; i++) node = (node << 1) | this.#bit(base + node);
    return node - (1 << bits);
  }

  #reverseTree(base: number, bits: number): number {
    let node = 1;
    let value = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.#bit(base + node);
      node = (node << 1) | bit;
      value |= bit << i;
    }
    return value;
  }

  /** A literal after a match: coded against the byte that the match would have gone on with. */
  #matchedLiteral(base: number, match: number): number {
    let node = 1;
    let expected = match;
    while (node < 0x100) {
      const expectedBit = (expected >>> 7) & 1;
      expected <<= 1;
      const bit = this.#bit(base + ((1 + expectedBit) << 8) + node);
      node = (node << 1) | bit;
      if (bit !== expectedBit) {
        while (node < 0x100) node = (node << 1) | this.#bit(base + node);
        break;
      }
    }
    return node & 0xff;
  }

  #length(base: number, positionState: number): number {
    if (this.#bit(base) === 0) return MIN_MATCH + this.#tree(base + LENGTH_LOW + positionState * 8, 3);
    if (this.#bit(base + 1) === 0)
      return MIN_MATCH + 8 + this.#tree(base + LENGTH_MIDDLE + positionState * 8, 3);
    return MIN_MATCH + 16 + this.#tree(base + LENGTH_HIGH, 8);
  }

  /** How far back, less one. */
  #distance(length: number): number {
    const slot = this.#tree(DISTANCE_SLOT + Math.min(length - MIN_MATCH, 3) * 64, 6);
    if (slot < 4) return slot;
    const bits = (slot >>> 1) - 1;
    const base = (2 | (slot & 1)) * 2 ** bits;
    if (slot < 14) return base + this.#reverseTree(DISTANCE_SPECIAL + base - slot, bits);
    let direct = 0;
    for (let i = 0; i < bits - 4; i++) {
      this.#normalize();
      this.#range >>>= 1;
      if (this.#code >= this.#range) {
        this.#code -= this.#range;
        direct = direct * 2 + 1;
      } else direct *= 2;
    }
    return base + direct * 16 + this.#reverseTree(DISTANCE_ALIGN, 4);
  }
}

const broken = () => damaged("XZ", "a chunk is damaged");
