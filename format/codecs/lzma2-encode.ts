import type { Bytes, ByteStream } from "../types.ts";
import { LzmaEncoder, PROPERTIES } from "./lzma-encode.ts";
import { MAX_MATCH } from "./lzma-model.ts";
import { common, type Effort, MatchFinder } from "./match-finder.ts";

/** Bytes that one LZMA chunk may stand for. */
const MAX_CHUNK = 2 * 1024 * 1024;
/** Bytes in one chunk that is stored as it is. */
const MAX_RAW = 64 * 1024;

/** Distances cost bits: a match of three that is farther away than this is dearer than literals. */
const FAR_FOR_3 = 1 << 12;
/** How far a longer match must be for a latest distance to win although it is 2 or 3 bytes shorter. */
const FAR_FOR_REP_2 = 1 << 9;
const FAR_FOR_REP_3 = 1 << 15;

/**
 * An LZMA2 stream with its end mark. Matches are chosen as fast encoders do, one position ahead; what does not become
 * smaller is stored as it is. Memory: about ten times the dictionary, and no more than the data need.
 */
export async function* encodeLzma2(input: ByteStream, effort: Effort): ByteStream {
  const writer = new ChunkWriter(effort);
  for await (const piece of input)
    for (let at = 0; at < piece.length;) {
      at += writer.finder.push(piece.subarray(at));
      yield* writer.write(2 * MAX_MATCH);
    }
  yield* writer.write(0);
  yield* writer.finish();
  yield Uint8Array.of(0);
}

class ChunkWriter {
  readonly finder: MatchFinder;
  readonly #effort: Effort;
  readonly #encoder = new LzmaEncoder();
  /** What the open chunk stands for, kept in case that it is stored as it is. */
  readonly #plain: Bytes = new Uint8Array(MAX_CHUNK);
  #size = 0;
  #isFirst = true;
  /** What the next LZMA chunk resets: 3 dictionary and all, 2 properties and state, 1 state, 0 nothing. */
  #resets: 0 | 1 | 2 | 3 = 3;
  /** The match at the finder's position, which was looked up one position early. */
  #ahead: { readonly length: number; readonly distance: number } | undefined;

  constructor(effort: Effort) {
    this.#effort = effort;
    this.finder = new MatchFinder(effort);
  }

  /** Encodes until no more than `reserve` bytes are left to look at; yields the chunks that become full. */
  *write(reserve: number): Generator<Bytes> {
    while (this.#left > reserve) {
      this.#symbol();
      if (this.#encoder.isFull || this.#size > MAX_CHUNK - MAX_MATCH) yield* this.finish();
    }
  }

  /** Bytes not encoded yet: the finder is one ahead of the encoder while a match is kept. */
  get #left(): number {
    return this.finder.available + (this.#ahead === undefined ? 0 : 1);
  }

  /** Ends the open chunk, if there is one. */
  *finish(): Generator<Bytes> {
    const plain = this.#plain.subarray(0, this.#size);
    if (plain.length === 0) return;
    const packed = this.#encoder.finish();
    this.#size = 0;
    if (packed.length < plain.length) {
      const head = [
        0x80 | (this.#resets << 5) | ((plain.length - 1) >>> 16),
        ...be16((plain.length - 1) & 0xffff),
        ...be16(packed.length - 1),
        ...(this.#resets >= 2 ? [PROPERTIES] : []),
      ];
      yield Uint8Array.from(head);
      yield packed.slice();
      this.#isFirst = false;
      this.#resets = 0;
      return;
    }
    for (let at = 0; at < plain.length; at += MAX_RAW) {
      const part = plain.subarray(at, at + MAX_RAW);
      yield Uint8Array.of(this.#isFirst ? 1 : 2, ...be16(part.length - 1));
      yield part.slice();
      this.#isFirst = false;
    }
    this.#encoder.resetState();
    this.#resets = this.#resets >= 2 ? 2 : 1;
  }

  /** Encodes one literal or match. */
  #symbol(): void {
    const { finder } = this;
    const here = this.#ahead ?? this.#look();
    const at = finder.at - 1;
    this.#ahead = undefined;

    const rep = this.#longestRep(at);
    if (rep.length >= 2 && isBetterRep(rep.length, here)) {
      this.#take(at, rep.length);
      this.#encoder.rep(rep.index, rep.length);
      finder.skip(rep.length - 1);
      return;
    }
    if (here.length < this.#effort.nice && finder.available > 0) {
      const next = this.#look();
      // One literal more may be worth a longer match behind it.
      if (here.length === 0 || next.length > here.length) {
        this.#ahead = next;
        this.#take(at, 1);
        this.#encoder.literal(finder.bytes, at);
        return;
      }
      if (here.length > 0) {
        this.#take(at, here.length);
        this.#encoder.match(here.distance, here.length);
        finder.skip(here.length - 2);
        return;
      }
    }
    this.#take(at, Math.max(here.length, 1));
    if (here.length === 0) return this.#encoder.literal(finder.bytes, at);
    this.#encoder.match(here.distance, here.length);
    finder.skip(here.length - 1);
  }

  /** The match at the finder's position, which moves on by one. */
  #look(): { readonly length: number; readonly distance: number } {
    const length = this.finder.find();
    const { distance } = this.finder;
    return length === 3 && distance > FAR_FOR_3 ? { length: 0, distance: 0 } : { length, distance };
  }

  #longestRep(at: number): { readonly index: number; readonly length: number } {
    const { bytes, end } = this.finder;
    const limit = Math.min(MAX_MATCH, end - at);
    const { reps } = this.#encoder;
    let best = 0;
    let longest = 0;
    for (let index = 0; index < reps.length; index++) {
      // Before the first byte lies nothing, which is like no byte.
      const length = common(bytes, at - reps[index]!, at, limit);
      if (length > longest) {
        longest = length;
        best = index;
      }
    }
    return { index: best, length: longest };
  }

  #take(at: number, length: number): void {
    this.#plain.set(this.finder.bytes.subarray(at, at + length), this.#size);
    this.#size += length;
  }
}

/** A latest distance costs few bits: it wins against somewhat longer matches, the more so the farther those are. */
const isBetterRep = (rep: number, match: { readonly length: number; readonly distance: number }): boolean =>
  rep + 1 >= match.length ||
  (rep + 2 >= match.length && match.distance >= FAR_FOR_REP_2) ||
  (rep + 3 >= match.length && match.distance >= FAR_FOR_REP_3);

const be16 = (value: number): [number, number] => [value >>> 8, value & 0xff];
