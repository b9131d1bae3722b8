import type { Bytes, ByteStream } from "../types.ts";
import { shortLived } from "../short-lived.ts";
import { damaged, truncated } from "./codec.ts";

/** RFC 8878, as little-endian u32. */
const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;

/** Bits of a frame header's descriptor byte. */
const SINGLE_SEGMENT = 0x20;
const HAS_CHECKSUM = 0x04;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;

const RLE = 1;
const COMPRESSED = 2;
const RESERVED = 3;

/** What the next bytes of a stream are. */
type Expects =
  | "magic"
  | "skip-size"
  | "skippable"
  | "descriptor"
  | "header"
  | "content-size"
  | "block-header"
  | "block"
  | "checksum";

/** How many bytes the fixed-size parts have. */
const SIZES = { magic: 4, "skip-size": 4, descriptor: 1, "block-header": 3 } as const;

/**
 * Decodes a zstd stream and follows its frames (RFC 8878, section 3.1), because neither decoder reports input that ends
 * inside a frame: both end as if all were well, and one also where it finds something else behind a frame. Nor do they
 * compare the size in a frame's header when its last block is empty, unless they get the whole frame at once. Throws
 * `codec-failed` for that and for what is no frame.
 */
export async function* wholeFrames(input: ByteStream, decode: (input: ByteStream) => ByteStream): ByteStream {
  const walk = new FrameWalk();
  // By hand: a decoder that ends early closes what it is given, and the rest must be looked at.
  const pieces = input[Symbol.asyncIterator]();
  async function* followed(): ByteStream {
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) {
      walk.follow(next.value);
      yield next.value;
    }
    if (!walk.betweenFrames) throw truncated("ZSTD");
  }
  let size = 0;
  try {
    for await (const piece of decode(followed())) {
      size += piece.length;
      yield piece;
    }
    for await (const piece of followed())
      if (piece.length > 0) throw damaged("ZSTD", "something follows its frames");
  } finally {
    await pieces.return?.();
  }
  if (walk.contentSize !== undefined && walk.contentSize !== size)
    throw damaged("ZSTD", `${walk.contentSize} bytes were announced, ${size} came`);
}

/** Follows the frames of a stream without decoding them; throws `codec-failed` for what is none. */
export class FrameWalk {
  #expects: Expects = "magic";
  /** Bytes still to come of the current part. */
  #left: number = SIZES.magic;
  /** The value of a fixed-size part, as far as it has come. */
  #value = 0;
  #shift = 0;
  #hasChecksum = false;
  #sizeBytes = 0;
  #lastBlock = false;
  #frames = 0;
  #contentSize: number | undefined = 0;

  /** What all frames together announce; undefined when one of them says nothing. */
  get contentSize(): number | undefined {
    return this.#contentSize;
  }

  get betweenFrames(): boolean {
    return this.#frames > 0 && this.#expects === "magic" && this.#left === SIZES.magic;
  }

  follow(piece: Bytes): void {
    for (let at = 0; at < piece.length;) {
      if (this.#expects === "block-header" && this.#left === SIZES["block-header"]) {
        at = afterPlainBlocks(piece, at);
        if (at === piece.length) return;
      }
      if (this.#expects in SIZES || this.#expects === "content-size") {
        this.#value += (piece[at++] as number) * 2 ** this.#shift;
        this.#shift += 8;
        this.#left--;
      } else {
        const step = Math.min(this.#left, piece.length - at);
        at += step;
        this.#left -= step;
      }
      // A part may be empty (a skippable frame without content), hence the loop.
      while (this.#left === 0) this.#next();
    }
  }

  #expect(part: Expects, size: number): void {
    this.#expects = part;
    this.#left = size;
    this.#value = 0;
    this.#shift = 0;
  }

  #next(): void {
    const value = this.#value;
    switch (this.#expects) {
      case "magic":
        this.#frames++;
        if (value === FRAME_MAGIC) return this.#expect("descriptor", SIZES.descriptor);
        if ((value & SKIPPABLE_MASK) === SKIPPABLE_MAGIC)
          return this.#expect("skip-size", SIZES["skip-size"]);
        throw damaged("ZSTD", `0x${value.toString(16).padStart(8, "0")} stands where a frame should begin`);
      case "skip-size":
        return this.#expect("skippable", value);
      case "descriptor": {
        this.#hasChecksum = (value & HAS_CHECKSUM) !== 0;
        const single = (value & SINGLE_SEGMENT) !== 0;
        const windowBytes = single ? 0 : 1;
        const sizeFlag = (value >> 6) as 0 | 1 | 2 | 3;
        this.#sizeBytes = sizeFlag === 0 && single ? 1 : CONTENT_SIZE_BYTES[sizeFlag];
        return this.#expect("header", windowBytes + DICTIONARY_ID_BYTES[(value & 3) as 0 | 1 | 2 | 3]);
      }
      case "header":
        return this.#expect("content-size", this.#sizeBytes);
      case "content-size":
        // Two bytes count from 256 on: smaller sizes have one.
        if (this.#sizeBytes === 0) this.#contentSize = undefined;
        else if (this.#contentSize !== undefined)
          this.#contentSize += value + (this.#sizeBytes === 2 ? 256 : 0);
        return this.#expect("block-header", SIZES["block-header"]);
      case "block-header": {
        this.#lastBlock = (value & 1) === 1;
        const type = (value >> 1) & 3;
        if (type === RESERVED) throw damaged("ZSTD", "a block has the reserved type");
        // The runtime's decoder refuses it or not, depending on how the frame is cut into pieces.
        if (type === COMPRESSED && value >> 3 === 0) throw damaged("ZSTD", "a compressed block is empty");
        return this.#expect("block", type === RLE ? 1 : value >> 3);
      }
      case "block":
        if (!this.#lastBlock) return this.#expect("block-header", SIZES["block-header"]);
        return this.#hasChecksum ? this.#expect("checksum", 4) : this.#expect("magic", SIZES.magic);
      case "skippable":
      case "checksum":
        return this.#expect("magic", SIZES.magic);
      default:
        return this.#expects satisfies never;
    }
  }
}

/**
 * The end of those blocks from `at` that are there whole, sound and not the last of their frame: nearly all of them, and
 * one by one they would take a thousand times as many steps.
 */
function afterPlainBlocks(piece: Bytes, from: number): number {
  let at = from;
  while (piece.length - at >= SIZES["block-header"]) {
    const value =
      (piece[at] as number) + (piece[at + 1] as number) * 2 ** 8 + (piece[at + 2] as number) * 2 ** 16;
    const type = (value >> 1) & 3;
    const size = value >> 3;
    if ((value & 1) === 1 || type === RESERVED || (type === COMPRESSED && size === 0)) return at;
    const end = at + SIZES["block-header"] + (type === RLE ? 1 : size);
    if (end > piece.length) return at;
    at = end;
  }
  return at;
}

shortLived({ afterPlainBlocks });
