import { LOST_MS } from "../../threads.ts";

/** Where pieces of a file go that decode to a little more than the file. */
export interface FilePlace {
  /** The file, open in this process. */
  readonly fd: number;
  /** Bytes of what the pieces decode to, before the file's own and behind them. */
  readonly before: number;
  readonly behind: number;
}

/** Writes the piece of a number. */
export type WritePiece = (piece: number, place: FilePlace) => Promise<void>;

/** Pieces from `first` up to `end`. */
interface Pieces {
  readonly first: number;
  readonly end: number;
}

/** A file of which threads that have nothing else to do write pieces, each thread the next that is nobody's yet. */
export interface SharedFile {
  /** By the thread that has made the file: afterwards nobody writes to it any more. Throws when that is not known: it stays open. */
  share(place: FilePlace, pieces: Pieces, write: WritePiece): Promise<void>;
  /** By the same thread, which writes it alone. */
  keep(): void;
  /** By the others, who wait until one of the two is known. */
  help(end: number, write: WritePiece): Promise<void>;
}

interface Waiting {
  /** Somebody failed, and what the others do will not be used. */
  readonly isStopped: () => boolean;
  /** Waited for now and then. */
  readonly turn: () => Promise<void>;
}

const [STATE, FD, BEFORE, BEHIND, NEXT, BUSY, NUMBERS] = [0, 1, 2, 3, 4, 5, 6];
const [UNKNOWN, SHARED, KEPT] = [0, 1, 2];
const SIZE = NUMBERS * Int32Array.BYTES_PER_ELEMENT;

const PAUSE_MS = 10;

/** Memory for so many files, by their numbers. */
export const sharedFiles = (count: number): SharedArrayBuffer => new SharedArrayBuffer(SIZE * count);

export function sharedFile(
  memory: SharedArrayBuffer,
  number: number,
  { isStopped, turn }: Waiting,
): SharedFile {
  const row = new Int32Array(memory, SIZE * number, NUMBERS);

  function decide(state: number): void {
    Atomics.store(row, STATE, state);
    Atomics.notify(row, STATE);
  }

  /** Whoever is busy may use the file: so it is open until nobody is. */
  async function writeNext(end: number, write: WritePiece): Promise<boolean> {
    Atomics.add(row, BUSY, 1);
    try {
      const piece = Atomics.add(row, NEXT, 1);
      if (piece >= end) return false;
      const at = (number: number) => Atomics.load(row, number);
      await write(piece, { fd: at(FD), before: at(BEFORE), behind: at(BEHIND) });
      return true;
    } finally {
      Atomics.sub(row, BUSY, 1);
      Atomics.notify(row, BUSY);
    }
  }

  async function othersAreDone(): Promise<void> {
    let stoppedAt: number | undefined;
    for (let busy = Atomics.load(row, BUSY); busy > 0; busy = Atomics.load(row, BUSY)) {
      Atomics.wait(row, BUSY, busy, PAUSE_MS);
      await turn();
      if (!isStopped()) continue;
      stoppedAt ??= performance.now();
      // It stays open: a thread that is late would write to whatever has its number then.
      if (performance.now() - stoppedAt > LOST_MS) throw new Error("a thread is lost");
    }
  }

  return {
    async share({ fd, before, behind }, { first, end }, write) {
      Atomics.store(row, FD, fd);
      Atomics.store(row, BEFORE, before);
      Atomics.store(row, BEHIND, behind);
      Atomics.store(row, NEXT, first);
      decide(SHARED);
      try {
        while (await writeNext(end, write));
      } finally {
        // If this thread failed, there may be some left.
        Atomics.add(row, NEXT, end);
        await othersAreDone();
      }
    },
    keep: () => decide(KEPT),
    async help(end, write) {
      while (Atomics.load(row, STATE) === UNKNOWN && !isStopped()) {
        Atomics.wait(row, STATE, UNKNOWN, PAUSE_MS);
        await turn();
      }
      if (Atomics.load(row, STATE) === SHARED) while (await writeNext(end, write));
    },
  };
}
