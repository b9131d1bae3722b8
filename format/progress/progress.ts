/** Who is told how long work gets on. Its functions can be handed on one by one. */
export interface Progress {
  /** A step begins, and the one before it is over. Its bytes, as far as they are known, are asked for when it takes long. */
  begin(label: string, total?: () => number | undefined): void;
  /** So many more bytes are done. */
  add(bytes: number): void;
  /** The step is over. */
  end(): void;
}
