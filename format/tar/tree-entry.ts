/** One thing in a directory tree on disk, as it goes into an archive. */
export interface TreeEntry {
  /** Relative to the root of the tree, with forward slashes. */
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink";
  /** Permission bits; only 0777 of them are kept. */
  readonly mode: number;
  /** Bytes of a file; 0 for the other kinds. */
  readonly size: number;
  /** Whole seconds since 1970. */
  readonly mtime: number;
  /** Target of a symlink. */
  readonly linkName?: string;
  /** Where it lies on the disk. */
  readonly absolute: string;
}
