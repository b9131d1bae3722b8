/** Raw bytes on an ordinary buffer (what Bun, WebCrypto and node:fs all take without a cast). */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Bytes that arrive in pieces. Nothing that can be large is ever held whole. */
export type ByteStream = AsyncIterable<Bytes>;

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A byte count or file offset, known to be a safe non-negative integer. Made by `toByteCount` only. */
export type ByteCount = Brand<number, "ByteCount">;

/** An absolute path, known to lie inside the directory it was resolved against. Made by `resolveInside` only. */
export type SafePath = Brand<string, "SafePath">;

/** 64 lower-case hex digits. Made by `hashes.ts` and by the metadata parser only. */
export type Sha256 = Brand<string, "Sha256">;

/** A piece of a file: `size` bytes from `offset`. */
export interface Span {
  readonly offset: ByteCount;
  readonly size: ByteCount;
}
