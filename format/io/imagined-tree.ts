import { dirname, sep } from "node:path";
import { shortLived } from "../short-lived.ts";
import { hostPathRules } from "./paths.ts";
import { clash, notOfArchive, treeNames, throughLink } from "./tree-names.ts";
import type { FileSink, TreeWriter, TreeWriterOptions } from "./tree-writer.ts";

export interface ImaginedTree extends TreeWriter {
  /** How many files, folders and links it was told to write. */
  readonly entries: number;
}

/** What is at a path: a file by its size, or one of these. One number for each, because there may be a million. */
const DIRECTORY = -1;
const SYMLINK = -2;

/**
 * A writer that only imagines what it is told to write, and throws what the real one throws for it: for looking at a
 * package that nobody wants to unpack yet. Knows nothing of what a real disk would take for the same name.
 */
export function openImaginedTree(options: TreeWriterOptions = {}): ImaginedTree {
  const names = treeNames(sep, options.rules ?? hostPathRules, options.maxNodes);
  const nodes = new Map<string, number>([[names.base, DIRECTORY]]);
  let entries = 0;

  function ensureDirectory(path: string): void {
    const node = nodes.get(path);
    if (node === DIRECTORY) return;
    if (node === SYMLINK) throw throughLink(path);
    if (node !== undefined) throw clash(path, "a file is where a folder was expected");
    ensureDirectory(dirname(path));
    names.claim(path);
    nodes.set(path, DIRECTORY);
  }

  /** The folder that was last made sure of: nothing ever takes the place of a folder, and entries come folder by folder. */
  let sure = names.base;
  function ensureParent(path: string): void {
    if (path.lastIndexOf(sep) === sure.length && path.startsWith(sure)) return;
    const parent = dirname(path);
    ensureDirectory(parent);
    sure = parent;
  }

  function put(path: string, node: number): string {
    entries++;
    const target = names.inside(path);
    if (nodes.get(target) === DIRECTORY) throw clash(target, "a folder is where another entry was expected");
    ensureParent(target);
    names.claim(target);
    nodes.set(target, node);
    return target;
  }

  // One sink for all files, because one is written at a time and there may be a million.
  let file = names.base;
  let written = 0;
  const sink: FileSink = {
    write(piece) {
      written += piece.length;
    },
    close() {
      nodes.set(file, written);
      names.wrote(written);
      return written;
    },
  };

  const writer: ImaginedTree = {
    get entries() {
      return entries;
    },
    directory(path) {
      entries++;
      ensureDirectory(names.inside(path));
    },
    openFile(path): FileSink {
      file = put(path, 0);
      written = 0;
      return sink;
    },
    async file(path, mode, mtime, body) {
      const sink = writer.openFile(path, mode, mtime);
      for await (const piece of body) sink.write(piece);
      return sink.close();
    },
    symlink(path, target) {
      names.checkLink(path, target);
      put(path, SYMLINK);
    },
    hardLinkAsCopy(path, existing) {
      const source = names.inside(existing);
      const size = nodes.get(source) ?? DIRECTORY;
      if (size < 0) throw notOfArchive(path, existing);
      const target = put(path, size);
      if (target !== source) names.copies(target, size);
    },
    finish: () => undefined,
    [Symbol.dispose]: () => undefined,
  };
  shortLived({ ensureDirectory, ensureParent, put });
  shortLived(sink);
  return shortLived(writer);
}
