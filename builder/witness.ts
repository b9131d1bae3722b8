import type { ByteSource } from "../format/io/byte-source.ts";
import type { Span } from "../format/types.ts";
import { isAsPrinted, type Print } from "./prints.ts";

/** What was written to a file, by prints: it can be read again, and nobody has to keep its bytes. */
export interface Witness {
  /** Notes what is in the file from an offset on. */
  note(prints: readonly Print[], at: number): void;
  /** Whether a part of the file, read now, is what was noted of it; false where that is not known. */
  isIntact(source: ByteSource, part: Span): Promise<boolean>;
}

/** A witness that has seen nothing yet. What is noted where something was noted before, stands instead of that. */
export function openWitness(): Witness {
  const notes = new Map<number, Print>();
  /** Undefined where something in between was not noted. */
  const notedOf = ({ offset, size }: Span): readonly Print[] | undefined => {
    const prints: Print[] = [];
    let at: number = offset;
    while (at < offset + size) {
      const print = notes.get(at);
      if (print === undefined) return undefined;
      prints.push(print);
      at += print.size;
    }
    return at === offset + size ? prints : undefined;
  };
  return {
    note(prints, at) {
      let offset = at;
      for (const print of prints) {
        notes.set(offset, print);
        offset += print.size;
      }
    },
    async isIntact(source, part) {
      const prints = notedOf(part);
      return prints !== undefined && (await isAsPrinted(source, part.offset, prints));
    },
  };
}
