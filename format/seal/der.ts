import type { Bytes } from "../types.ts";

/** The tags of ASN.1 that key files use (X.690, section 8.1.2). */
export const TAG = { integer: 0x02, octets: 0x04, null: 0x05, oid: 0x06, sequence: 0x30 } as const;

/** One value in DER (X.690, section 10): tag, length, content. Contents stay below 64 KiB. */
export function der(tag: number, ...parts: readonly (Bytes | readonly number[])[]): Bytes {
  const content = parts.flatMap((part) => [...part]);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return new Uint8Array([tag, ...size, ...content]);
}

/** A positive integer below 2^31 in DER. */
export function derInteger(value: number): Bytes {
  const digits = value.toString(16);
  const bytes = Uint8Array.fromHex(digits.padStart(digits.length + (digits.length % 2), "0"));
  // a set top bit would be a minus
  return der(TAG.integer, ...((bytes[0] as number) > 0x7f ? [[0]] : []), bytes as Bytes);
}

/** Reads the values of one DER content in order; every method throws `DerError` on what is not as expected. */
export interface DerReader {
  /** The content of the next value, which must have this tag. */
  take(tag: number): Bytes;
  /** The next value, which must be a positive integer below 2^31. */
  integer(): number;
  /** The next value, a sequence, as a reader of its own. */
  sequence(): DerReader;
  /** The tag of the next value, or undefined at the end. */
  readonly next: number | undefined;
  /** There must be nothing left. */
  end(): void;
}

/** Bytes that are not the DER which was expected. */
export class DerError extends Error {}

export function readDer(bytes: Bytes): DerReader {
  let at = 0;
  const byte = () => {
    const value = bytes[at++];
    if (value === undefined) throw new DerError("it ends early");
    return value;
  };
  const take = (tag: number): Bytes => {
    if (byte() !== tag) throw new DerError(`expected the tag ${tag}`);
    const first = byte();
    const count = first < 0x80 ? 0 : first & 0x7f;
    // 0x80 is the indefinite length of BER
    if (first === 0x80 || count > 2) throw new DerError("its length is not that of a key");
    let length = count === 0 ? first : 0;
    for (let i = 0; i < count; i++) length = length * 256 + byte();
    if (at + length > bytes.length) throw new DerError("it ends early");
    at += length;
    return bytes.slice(at - length, at);
  };
  return {
    take,
    integer() {
      const digits = take(TAG.integer);
      const [first = 0x80] = digits;
      if (first > 0x7f || digits.length > 5) throw new DerError("expected a positive integer");
      const value = Number.parseInt(digits.toHex(), 16);
      if (value >= 2 ** 31) throw new DerError("expected a small integer");
      return value;
    },
    sequence: () => readDer(take(TAG.sequence)),
    get next() {
      return bytes[at];
    },
    end() {
      if (at !== bytes.length) throw new DerError("something follows");
    },
  };
}
