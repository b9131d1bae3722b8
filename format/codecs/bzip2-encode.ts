import type { Bytes, ByteStream } from "../types.ts";
import { type BitSink, writeBlock } from "./bzip2-block.ts";
import { BZIP2_CRC } from "./crc.ts";

/** bzip2 keeps this much of a block free; a run adds at most five bytes. */
const SLACK = 19;
const MAX_RUN = 255;

/** One bzip2 stream with blocks of `level` times 100 kB. Its bytes depend on data and level alone. */
export async function* encodeBzip2(input: ByteStream, level: number): ByteStream {
  const bits = new BitWriter();
  bits.write(0x425a, 16);
  bits.write(0x68, 8);
  bits.write(0x30 + level, 8);
  const block = new BlockBuilder(level * 100_000 - SLACK);
  let combined = 0;
  const finishBlock = (): Bytes => {
    const { bytes, crc } = block.finish();
    combined = (((combined << 1) | (combined >>> 31)) ^ crc) >>> 0;
    bits.write(0x314159, 24);
    bits.write(0x265359, 24);
    bits.write(crc >>> 16, 16);
    bits.write(crc & 0xffff, 16);
    writeBlock(bits, bytes);
    return bits.take();
  };

  for await (const piece of input)
    for (let at = 0; at < piece.length;) {
      at += block.add(piece.subarray(at));
      if (block.isFull) yield finishBlock();
    }
  if (!block.isEmpty) yield finishBlock();
  bits.write(0x177245, 24);
  bits.write(0x385090, 24);
  bits.write(combined >>> 16, 16);
  bits.write(combined & 0xffff, 16);
  bits.align();
  yield bits.take();
}

/** Collects one block: bytes with the first run-length coding, and the checksum of what they stand for. */
class BlockBuilder {
  readonly #capacity: number;
  readonly #bytes: Bytes;
  #size = 0;
  #crc = -1;
  #byte = -1;
  #run = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#bytes = new Uint8Array(capacity + SLACK);
  }

  get isEmpty(): boolean {
    return this.#size === 0 && this.#run === 0;
  }

  get isFull(): boolean {
    return this.#size >= this.#capacity;
  }

  /** Adds bytes until the block is full; returns how many. */
  add(piece: Bytes): number {
    let at = 0;
    let crc = this.#crc;
    for (; at < piece.length && this.#size < this.#capacity; at++) {
      const byte = piece[at]!;
      crc = (crc << 8) ^ BZIP2_CRC[((crc >>> 24) ^ byte) & 0xff]!;
      if (byte === this.#byte && this.#run < MAX_RUN) {
        this.#run++;
        continue;
      }
      this.#endRun();
      this.#byte = byte;
      this.#run = 1;
    }
    this.#crc = crc;
    return at;
  }

  finish(): { readonly bytes: Bytes; readonly crc: number } {
    this.#endRun();
    const result = { bytes: this.#bytes.subarray(0, this.#size), crc: ~this.#crc >>> 0 };
    this.#size = 0;
    this.#crc = -1;
    this.#byte = -1;
    return result;
  }

  #endRun(): void {
    const stored = Math.min(this.#run, 4);
    this.#bytes.fill(this.#byte, this.#size, this.#size + stored);
    this.#size += stored;
    if (stored === 4) this.#bytes[this.#size++] = this.#run - 4;
    this.#run = 0;
  }
}

class BitWriter implements BitSink {
  #bytes: Bytes = new Uint8Array(64 * 1024);
  #size = 0;
  #buffer = 0;
  #count = 0;

  /** At most 24 bits. */
  write(value: number, count: number): void {
    this.#buffer = (this.#buffer << count) | value;
    this.#count += count;
    while (this.#count >= 8) {
      if (this.#size === this.#bytes.length) this.#grow();
      this.#count -= 8;
      this.#bytes[this.#size++] = this.#buffer >>> this.#count;
    }
  }

  /** Fills the last byte with zero bits. */
  align(): void {
    if (this.#count > 0) this.write(0, 8 - this.#count);
  }

  /** The whole bytes so far; what remains of a byte stays for the next. */
  take(): Bytes {
    const taken = this.#bytes.slice(0, this.#size);
    this.#size = 0;
    return taken;
  }

  #grow(): void {
    const larger = new Uint8Array(2 * this.#bytes.length);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
