import type { Bytes } from "../types.ts";
import { MAX_MATCH } from "./lzma-model.ts";

/** How hard to look for matches. */
export interface Effort {
  /** A power of two: how far back matches reach. */
  readonly dictionarySize: number;
  /** Candidates tried at each position. */
  readonly depth: number;
  /** A match of this length is good enough to stop looking. */
  readonly nice: number;
}

const HASH_BITS = 17;
/** Bytes that `push` takes at a time, at most. */
const MAX_PUSH = 64 * 1024;

/**
 * A window over what was pushed last, with chains of earlier places that begin with the same four bytes, and the
 * latest place with the same three. Indices into `bytes` are valid until the next `push`.
 */
export class MatchFinder {
  readonly #effort: Effort;
  bytes: Bytes;
  /** The next position to look at. */
  at = 0;
  /** Where the pushed bytes end. */
  end = 0;
  // Places are indices plus one; zero is none.
  readonly #heads4 = new Int32Array(1 << HASH_BITS);
  readonly #heads3 = new Int32Array(1 << HASH_BITS);
  #previous: Int32Array;
  /** The last match found: `distance` bytes back. */
  distance = 0;

  constructor(effort: Effort) {
    this.#effort = effort;
    this.bytes = new Uint8Array(Math.min(effort.dictionarySize, 1024 * 1024));
    this.#previous = new Int32Array(this.bytes.length);
  }

  get available(): number {
    return this.end - this.at;
  }

  /** Adds the front of `piece` to the window; returns how many bytes. */
  push(piece: Bytes): number {
    const size = Math.min(piece.length, MAX_PUSH);
    if (this.end + size > this.bytes.length) this.#makeRoom(size);
    this.bytes.set(piece.subarray(0, size), this.end);
    this.end += size;
    return size;
  }

  /** Moves on one position and returns the length of the longest match there, less than 3 for none. */
  find(): number {
    const { bytes, at } = this;
    const limit = Math.min(MAX_MATCH, this.end - at);
    if (limit < 4) {
      this.at++;
      return 0;
    }
    const oldest = Math.max(0, at - this.#effort.dictionarySize);
    const recent = this.#heads3[hash3(bytes, at)]! - 1;
    let candidate = this.#insert() - 1;
    let best = 2;
    if (recent >= oldest && bytes[recent] === bytes[at] && bytes[recent + 1] === bytes[at + 1]) {
      const length = common(bytes, recent, at, limit);
      if (length > best) {
        best = length;
        this.distance = at - recent;
      }
    }
    for (let tries = this.#effort.depth; candidate >= oldest && tries > 0 && best < limit; tries--) {
      if (bytes[candidate + best] === bytes[at + best]) {
        const length = common(bytes, candidate, at, limit);
        if (length > best) {
          best = length;
          this.distance = at - candidate;
          if (best >= this.#effort.nice) break;
        }
      }
      candidate = this.#previous[candidate]! - 1;
    }
    return best > 2 ? best : 0;
  }

  /** Moves on without looking for matches, but so that later positions find these. */
  skip(count: number): void {
    for (let i = 0; i < count; i++) {
      if (this.end - this.at >= 4) this.#insert();
      else this.at++;
    }
  }

  /** Enters the current position and returns the place with the same hash before it. */
  #insert(): number {
    const { bytes, at } = this;
    const hash = hash4(bytes, at);
    const before = this.#heads4[hash]!;
    this.#previous[at] = before;
    this.#heads4[hash] = at + 1;
    this.#heads3[hash3(bytes, at)] = at + 1;
    this.at++;
    return before;
  }

  /** Grows up to twice the dictionary; then drops what no match can reach. */
  #makeRoom(size: number): void {
    const largest = 2 * this.#effort.dictionarySize + 3 * MAX_PUSH;
    if (this.bytes.length < largest) {
      const length = Math.min(largest, Math.max(2 * this.bytes.length, this.end + size));
      const bytes = new Uint8Array(length);
      bytes.set(this.bytes.subarray(0, this.end));
      this.bytes = bytes;
      const previous = new Int32Array(length);
      previous.set(this.#previous);
      this.#previous = previous;
      if (this.end + size <= length) return;
    }
    // The encoder is up to one match behind, and looks one dictionary further back from there.
    const drop = this.at - this.#effort.dictionarySize - MAX_MATCH;
    this.bytes.copyWithin(0, drop, this.end);
    this.#previous.copyWithin(0, drop, this.end);
    for (const places of [this.#heads4, this.#heads3, this.#previous])
      for (let i = 0; i < places.length; i++) places[i] = Math.max(0, places[i]! - drop);
    this.at -= drop;
    this.end -= drop;
  }
}

/** How many bytes from `a` on and from `b` on are the same, at most `limit`. */
export function common(bytes: Bytes, a: number, b: number, limit: number): number {
  let length = 0;
  while (length < limit && bytes[a + length] === bytes[b + length]) length++;
  return length;
}

const hash4 = (bytes: Bytes, at: number): number =>
  Math.imul(
    bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24),
    0x9e3779b1,
  ) >>>
  (32 - HASH_BITS);

const hash3 = (bytes: Bytes, at: number): number =>
  Math.imul(bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16), 0x9e3779b1) >>> (32 - HASH_BITS);
