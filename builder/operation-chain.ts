import {
  formatOperations,
  OPERATIONS,
  type OperationName,
  packOperations,
  parseOperations,
  unpackOperations,
} from "../format/wire/operations.ts";

/** Every operation of the registry by its name; `flavor` runs TAR, GZIP, BZIP2, XZ and ZSTD. Specification: operations. */
export const Operation: { readonly [Name in OperationName]: Name } = Object.freeze(
  Object.fromEntries(Object.keys(OPERATIONS).map((name) => [name, name])) as {
    [Name in OperationName]: Name;
  },
);

/** What is done to a slot's content, in the order of the calls of `add`. The empty chain stores it as it is. */
export class OperationChain {
  readonly #operations: OperationName[] = [];

  /** Appends one operation. */
  add(operation: OperationName): this {
    this.#operations.push(operation);
    return this;
  }

  /** A copy of the operations, the one applied first in front. */
  get operations(): readonly OperationName[] {
    return [...this.#operations];
  }

  /**
   * The u64 of a slot descriptor: one byte each, the operation applied first in the lowest byte. Throws
   * `operation-unsupported` for more than eight.
   */
  encode(): bigint {
    return packOperations(this.#operations);
  }

  /** As manifests spell it: "raw", "tar|zstd". */
  toString(): string {
    return formatOperations(this.#operations);
  }

  /** The chain in a u64. Throws `operation-unsupported` for codes without a name, `layout-invalid` for a gap. */
  static decode(packed: bigint): OperationChain {
    return chainOf(unpackOperations(packed));
  }

  /** The chain that a text means, such as "tgz" or "tar|zstd". Throws `operation-unsupported`. */
  static parse(text: string): OperationChain {
    return chainOf(parseOperations(text));
  }
}

function chainOf(operations: readonly OperationName[]): OperationChain {
  const chain = new OperationChain();
  for (const operation of operations) chain.add(operation);
  return chain;
}
