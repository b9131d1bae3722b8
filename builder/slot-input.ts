import type { Bytes, ByteStream } from "../format/types.ts";
import type { OperationName } from "../format/wire/operations.ts";

/** One slot as the builder takes it, whether it comes from a manifest or from a program. */
export interface SlotInput {
  readonly id: string;
  /** What the metadata names as its source: text for people, never a path of this machine. */
  readonly source: string;
  /** Relative to the workenv; "" is the workenv itself. */
  readonly target: string;
  readonly data: SlotData;
  /** Absent: chosen by what the data is. */
  readonly operations?: readonly OperationName[];
  readonly purpose: string;
  readonly lifecycle: string;
  /** Unix mode of a slot that is one file; absent, the file's own x bit decides between 0755 and 0644. */
  readonly permissions?: number;
  readonly resolution?: string;
  readonly platform?: string;
}

/** Where a slot's content comes from. Nothing of it is ever held in memory whole but what already is. */
export type SlotData =
  | { readonly kind: "bytes"; readonly bytes: Bytes }
  | { readonly kind: "stream"; readonly stream: ByteStream }
  | { readonly kind: "file"; readonly path: string }
  | {
      readonly kind: "tree";
      readonly root: string;
      readonly include: readonly string[];
      readonly exclude: readonly string[];
      readonly mtimes: "zero" | "keep";
    }
  /** The package itself: no data is stored. */
  | { readonly kind: "self" };
