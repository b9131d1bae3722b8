import type { TarHeader } from "../tar/tar-entry.ts";

/** What the entries of a part of an archive say that matters to a tree, in a form that costs little to send to a thread. */
export interface EntryList {
  /** One letter for each entry. */
  readonly kinds: string;
  /** Bytes of each body. */
  readonly sizes: Float64Array<ArrayBuffer>;
  /** Two for each entry, a NUL behind each: its name and where it links to. Neither can hold a NUL. */
  readonly texts: string;
}

const LETTERS = { file: "f", directory: "d", symlink: "s", hardlink: "h", other: "o" } as const;
const KINDS = Object.fromEntries(Object.entries(LETTERS).map(([kind, letter]) => [letter, kind])) as Record<
  string,
  TarHeader["kind"]
>;

export function listEntries(headers: readonly TarHeader[]): EntryList {
  return {
    kinds: headers.map(({ kind }) => LETTERS[kind]).join(""),
    sizes: Float64Array.from(headers, ({ size }) => size),
    texts: headers.map(({ name, linkName }) => `${name}\0${linkName}\0`).join(""),
  };
}

/** The entries of a list, in order. Modes, times and offsets were not sent and are 0. */
export function* entriesOf({ kinds, sizes, texts }: EntryList): Generator<TarHeader> {
  const [names, end] = [texts.split("\0"), kinds.length];
  for (let i = 0; i < end; i++)
    yield {
      name: names[2 * i] as string,
      kind: KINDS[kinds[i] as string] as TarHeader["kind"],
      size: sizes[i] as number,
      linkName: names[2 * i + 1] as string,
      mode: 0,
      mtime: 0,
      offset: 0,
    };
}
