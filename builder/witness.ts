import type { ByteSource } from "../format/io/byte-source.ts";
import type { Span } from "../format/types.ts";
import { isAsPrinted, type Print, totalOf } from "./prints.ts";

/** What was written to a file, by prints: it can be read again, and nobody has to keep its bytes. */
export interface Witness {
  /** Notes what is in the file from an offset on. What was noted there before is no more. */
  note(prints: readonly Print[], at: number): void;
  /** Reads all of it again, from now on. */
  readAgain(source: ByteSource): Rereading;
}

/** When its scope ends, nothing is read any more. */
export interface Rereading extends AsyncDisposable {
  /** Whether a part of the file, read by now, is what was noted of it; false where that is not known. */
  isIntact(part: Span): Promise<boolean>;
}

/** A witness that has seen nothing yet. */
export function openWitness(): Witness {
  const notes = new Map<number, readonly Print[]>();
  return {
    note(prints, at) {
      if (prints.length > 0) notes.set(at, prints);
    },
    readAgain: (source) => readAgain(source, new Map([...notes].sort(([a], [b]) => a - b))),
  };
}

/** In the order of the notes. */
function readAgain(source: ByteSource, notes: ReadonlyMap<number, readonly Print[]>): Rereading {
  let isEnded = false;
  const asLongAsAsked: ByteSource = {
    ...source,
    async read(...range) {
      if (isEnded) throw new Error("nobody wants to know any more");
      return source.read(...range);
    },
  };
  const outcomes = new Map<number, Promise<boolean>>();
  let before: Promise<unknown> = Promise.resolve();
  for (const [at, prints] of notes) {
    const outcome = before.then(() => isAsPrinted(asLongAsAsked, at, prints));
    before = outcome.catch(() => {}); // it is asked for later
    outcomes.set(at, outcome);
  }
  return {
    async isIntact({ offset, size }) {
      let at: number = offset;
      while (at < offset + size) {
        if ((await outcomes.get(at)) !== true) return false;
        at += totalOf(notes.get(at) ?? []);
      }
      return at === offset + size;
    },
    async [Symbol.asyncDispose]() {
      isEnded = true;
      await before;
    },
  };
}
