import type { Bytes, ByteStream } from "../types.ts";

/** A stream as a window of contiguous bytes, for decoders that know how much they need next. */
export class ByteReader implements AsyncDisposable {
  readonly #input: AsyncIterator<Bytes>;
  #buffer: Bytes = new Uint8Array(0);
  #start = 0;
  #end = 0;
  /** What the input gave and the buffer has not taken yet. */
  #pending: Bytes = new Uint8Array(0);
  #ended = false;
  /** Bytes skipped or taken so far. */
  position = 0;

  constructor(input: ByteStream) {
    this.#input = input[Symbol.asyncIterator]();
  }

  /** Makes `count` bytes available, fewer only where the input ends. Returns how many there are now. */
  async fill(count: number): Promise<number> {
    if (this.#end - this.#start >= count) return this.#end - this.#start;
    this.#makeRoom(count);
    while (this.#end - this.#start < count && (await this.#more())) {
      const taken = this.#pending.subarray(0, this.#buffer.length - this.#end);
      this.#buffer.set(taken, this.#end);
      this.#end += taken.length;
      this.#pending = this.#pending.subarray(taken.length);
    }
    return this.#end - this.#start;
  }

  /** What is available, without consuming it; valid until the next `fill`. */
  window(): Bytes {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** The next `count` bytes, which `fill` has made available; valid until the next `fill`. */
  take(count: number): Bytes {
    const at = this.#start;
    this.skip(count);
    return this.#buffer.subarray(at, at + count);
  }

  skip(count: number): void {
    if (count > this.#end - this.#start) throw new RangeError("Cannot skip bytes that were not filled");
    this.#start += count;
    this.position += count;
  }

  /** Closes the input. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.return?.();
  }

  #makeRoom(count: number): void {
    if (this.#buffer.length - this.#start >= count) return;
    const kept = this.window();
    // Twice the need, so that the rest is moved once in a while and not at every call.
    if (this.#buffer.length < 2 * count) {
      const larger = new Uint8Array(2 * count);
      larger.set(kept);
      this.#buffer = larger;
    } else this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#end = kept.length;
    this.#start = 0;
  }

  async #more(): Promise<boolean> {
    while (this.#pending.length === 0 && !this.#ended) {
      const next = await this.#input.next();
      if (next.done === true) this.#ended = true;
      else this.#pending = next.value;
    }
    return this.#pending.length > 0;
  }
}
