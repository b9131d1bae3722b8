import type { ByteStream } from "../types.ts";

/** What an archive says about one entry, long names and extended headers applied. Untrusted but for its types. */
export interface TarHeader {
  readonly name: string;
  /** "other" stands for devices, fifos and everything else that is not the content of a program. */
  readonly kind: "file" | "directory" | "symlink" | "hardlink" | "other";
  /** Permission bits, at most 07777. */
  readonly mode: number;
  /** Bytes of the body; 0 for all kinds but "file" and "other". */
  readonly size: number;
  /** Whole seconds since 1970. */
  readonly mtime: number;
  /** Target of a symlink; name of an earlier entry for a hard link; "" for other kinds. */
  readonly linkName: string;
  /** Offset in the archive of the first block of this entry, its extension headers included: a place to cut. */
  readonly offset: number;
}

/** The same, wherever it may lie. */
export type EntryFacts = Omit<TarHeader, "offset">;

/** An entry with its body. What is not read of the body before the next entry is asked for is skipped. */
export interface TarEntry extends TarHeader {
  readonly body: ByteStream;
}

/** Takes the body of one entry, piece by piece; pieces are only valid during the call. */
export interface EntrySink {
  write(piece: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** Told of every entry in order. Without a sink, the body is skipped. */
export interface TarVisitor {
  entry(header: TarHeader): EntrySink | undefined;
}

export interface TarLimits {
  /** Most entries of one archive; 4 million by default. */
  readonly maxEntries?: number;
  /** Most bytes of one extended header or long name; 1 MiB by default. */
  readonly maxExtension?: number;
  /**
   * "marked" (the default): an archive ends with two blocks of zeros. "open": it ends after an entry without them, as all
   * parts of an archive but the last do, and says nothing that holds for other parts.
   */
  readonly ending?: "marked" | "open";
}
