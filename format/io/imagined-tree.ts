import { dirname, sep } from "node:path";
import { hostPathRules } from "./paths.ts";
import { clash, notOfArchive, treeNames, throughLink } from "./tree-names.ts";
import type { FileSink, TreeWriter, TreeWriterOptions } from "./tree-writer.ts";

export interface ImaginedTree extends TreeWriter {
  /** How many files, folders and links it was told to write. */
  readonly entries: number;
}

type Node = "file" | "directory" | "symlink";

/**
 * A writer that only imagines what it is told to write, and throws what the real one throws for it: for looking at a
 * package that nobody wants to unpack yet. Knows nothing of what a real disk would take for the same name.
 */
export function openImaginedTree(options: TreeWriterOptions = {}): ImaginedTree {
  const names = treeNames(sep, options.rules ?? hostPathRules, options.maxNodes);
  const nodes = new Map<string, Node>([[names.base, "directory"]]);
  const sizes = new Map<string, number>();
  let entries = 0;

  function ensureDirectory(path: string): void {
    const node = nodes.get(path);
    if (node === "directory") return;
    if (node === "symlink") throw throughLink(path);
    if (node === "file") throw clash(path, "a file is where a folder was expected");
    ensureDirectory(dirname(path));
    names.claim(path);
    nodes.set(path, "directory");
  }

  function put(path: string, node: Node): string {
    entries++;
    const target = names.inside(path);
    if (nodes.get(target) === "directory")
      throw clash(target, "a folder is where another entry was expected");
    ensureDirectory(dirname(target));
    names.claim(target);
    nodes.set(target, node);
    return target;
  }

  const writer: ImaginedTree = {
    get entries() {
      return entries;
    },
    directory(path) {
      entries++;
      ensureDirectory(names.inside(path));
    },
    openFile(path): FileSink {
      const target = put(path, "file");
      let written = 0;
      return {
        write(piece) {
          written += piece.length;
        },
        close() {
          sizes.set(target, written);
          names.wrote(written);
          return written;
        },
      };
    },
    async file(path, mode, mtime, body) {
      const sink = writer.openFile(path, mode, mtime);
      for await (const piece of body) sink.write(piece);
      return sink.close();
    },
    symlink(path, target) {
      names.checkLink(path, target);
      put(path, "symlink");
    },
    hardLinkAsCopy(path, existing) {
      const source = names.inside(existing);
      if (nodes.get(source) !== "file") throw notOfArchive(path, existing);
      const size = sizes.get(source) ?? 0;
      const target = put(path, "file");
      if (target !== source) names.copies(target, size);
      sizes.set(target, size);
    },
    finish: () => undefined,
    [Symbol.dispose]: () => undefined,
  };
  return writer;
}
