import { PspfError } from "../errors.ts";
import type { ByteCount, Bytes } from "../types.ts";

/** One row of a layout: how many bytes, and how they become a value. */
export interface Field<T> {
  readonly size: number;
  readonly zero: T;
  get(view: DataView, at: number): T;
  set(view: DataView, at: number, value: T): void;
}

/** Space that is written as zero and never becomes a field. */
export interface Reserved {
  readonly size: number;
  readonly reserved: true;
}

export type Rows = Readonly<
  Record<string, Field<never> | Field<number> | Field<bigint> | Field<Bytes> | Reserved>
>;

export type Decoded<R extends Rows> = {
  readonly [K in keyof R as R[K] extends Reserved ? never : K]: R[K] extends Field<infer T> ? T : never;
};

/** A layout: encoder, decoder, size, offsets and type in one. */
export interface Struct<R extends Rows> {
  readonly name: string;
  readonly size: number;
  readonly rows: R;
  /** Byte offset of each row, reserved ones included. */
  readonly offsets: Readonly<Record<keyof R, number>>;
  /** Bytes to raw fields: knows the layout, judges nothing. Throws `layout-invalid` on a wrong length. */
  decode(bytes: Bytes): Decoded<R>;
  /** Absent fields are written as zero. */
  encode(value: Partial<Decoded<R>>): Bytes;
}

export const u8: Field<number> = {
  size: 1,
  zero: 0,
  get: (view, at) => view.getUint8(at),
  set: (view, at, value) => view.setUint8(at, value),
};

export const u32: Field<number> = {
  size: 4,
  zero: 0,
  get: (view, at) => view.getUint32(at, true),
  set: (view, at, value) => view.setUint32(at, value, true),
};

export const u64: Field<bigint> = {
  size: 8,
  zero: 0n,
  get: (view, at) => view.getBigUint64(at, true),
  set: (view, at, value) => view.setBigUint64(at, value, true),
};

export const bytes = (size: number): Field<Bytes> => ({
  size,
  zero: new Uint8Array(size),
  get: (view, at) => new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset + at, size).slice(),
  set: (view, at, value) => {
    if (value.length !== size)
      throw new TypeError(`Cannot encode ${value.length} bytes into a field of ${size}`);
    new Uint8Array(view.buffer, view.byteOffset + at, size).set(value);
  },
});

export const reserved = (size: number): Reserved => ({ size, reserved: true });

const isReserved = (row: Rows[string]): row is Reserved => "reserved" in row;

/** Makes a codec of a table. The rows must add up to `size`, so that a forgotten row fails at import. */
export function struct<const R extends Rows>(name: string, size: number, rows: R): Struct<R> {
  const offsets = {} as Record<keyof R, number>;
  let total = 0;
  for (const [field, row] of Object.entries(rows)) {
    offsets[field as keyof R] = total;
    total += row.size;
  }
  if (total !== size)
    throw new TypeError(`${name}: rows add up to ${total} bytes, the specification says ${size}`);
  const fields = Object.entries(rows).flatMap(([field, row]) =>
    isReserved(row) ? [] : [[field, row as Field<unknown>] as const],
  );

  return {
    name,
    size,
    rows,
    offsets,
    decode(input) {
      if (input.length !== size)
        throw new PspfError(
          "layout-invalid",
          `Cannot decode ${name}: got ${input.length} bytes, expected ${size}`,
        );
      const view = new DataView(input.buffer, input.byteOffset, size);
      const value: Record<string, unknown> = {};
      for (const [field, row] of fields) value[field] = row.get(view, offsets[field] as number);
      return value as Decoded<R>;
    },
    encode(value) {
      const output = new Uint8Array(size);
      const view = new DataView(output.buffer);
      for (const [field, row] of fields)
        row.set(view, offsets[field] as number, (value as Record<string, unknown>)[field] ?? row.zero);
      return output;
    },
  };
}

/** The one door from 64-bit fields to numbers that the program computes with. */
export function toByteCount(value: bigint, field: string): ByteCount {
  if (value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value) as ByteCount;
  throw new PspfError("value-out-of-range", `Cannot use ${field}: ${value} is outside 0..2^53-1`);
}
