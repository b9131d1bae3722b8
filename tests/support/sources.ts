import { PspfError } from "../../format/errors.ts";
import type { ByteSource } from "../../format/io/byte-source.ts";

/** A source whose read number `n` (counted from 0) fails, as a bad disk would. */
export function failingAt(n: number, inner: ByteSource): ByteSource {
  let reads = 0;
  return {
    name: inner.name,
    size: inner.size,
    read: async (at, length) => {
      if (reads++ === n) throw new PspfError("io-failed", `Cannot read ${inner.name}: injected failure`);
      return inner.read(at, length);
    },
  };
}

/** A source that keeps what was asked of it. */
export function recording(inner: ByteSource): {
  readonly source: ByteSource;
  readonly reads: readonly { readonly at: number; readonly length: number }[];
} {
  const reads: { at: number; length: number }[] = [];
  const read: ByteSource["read"] = (at, length) => {
    reads.push({ at, length });
    return inner.read(at, length);
  };
  return { source: { name: inner.name, size: inner.size, read }, reads };
}
