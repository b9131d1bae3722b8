import { availableParallelism } from "node:os";
import type { ArchivePart } from "../format/tar/archive-part.ts";
import type { Bytes } from "../format/types.ts";
import { compressFrame } from "./compress-frame.ts";

/** A frame that was made of a part, whose memory is gone then. */
export interface MadePart extends Pick<ArchivePart, "entries"> {
  readonly pieces: readonly Bytes[];
  /** Bytes of all pieces. */
  readonly compressed: number;
  /** Bytes of the part. */
  readonly content: number;
}

/** Frames that threads of the runtime make. */
export interface FramesUnderWay {
  begin(part: ArchivePart): Promise<MadePart>;
  /** Whether there is less than threads need, and less than may be in memory. */
  readonly hasRoom: boolean;
  /** What was made has gone its way. */
  taken(made: Pick<MadePart, "compressed">): void;
  /** Comes to an end when threads are at none any more. Never throws. */
  settled(): Promise<void>;
}

/** No more bytes than this are in threads, wait for one, or have come out of one; a single part may have more. */
const MOST_HELD = 64 * 1024 * 1024;

/**
 * At `level` of zstd. Most parts are small, some are not: while one thread is at a large one, others go on with what is
 * behind it. `onRoom` is told when there may be room again.
 */
export function framesUnderWay(level: number, onRoom: () => void): FramesUnderWay {
  const running = new Set<Promise<MadePart>>();
  const mostRunning = 2 * availableParallelism();
  let held = 0;

  async function make({ bytes, entries, done }: ArchivePart): Promise<MadePart> {
    const content = bytes.length;
    held += content;
    try {
      const pieces = await compressFrame(bytes, level);
      const compressed = pieces.reduce((sum, { length }) => sum + length, 0);
      held += compressed;
      return { pieces, compressed, content, entries };
    } finally {
      held -= content;
      done?.();
    }
  }

  return {
    begin(part) {
      const frame = make(part);
      running.add(frame);
      const end = () => {
        running.delete(frame);
        onRoom();
      };
      frame.then(end, end); // what went wrong is said where it is taken
      return frame;
    },
    get hasRoom() {
      return running.size < mostRunning && held <= MOST_HELD;
    },
    taken({ compressed }) {
      held -= compressed;
      onRoom();
    },
    async settled() {
      await Promise.allSettled(running);
    },
  };
}
