import { availableParallelism } from "node:os";
import type { ArchivePart } from "../format/tar/archive-part.ts";
import type { Bytes } from "../format/types.ts";
import { compressFrame } from "./compress-frame.ts";

/** A part of an archive that is in memory. */
export type HeldPart = Pick<Extract<ArchivePart, { kind: "whole" }>, "bytes" | "entries" | "done">;

/** A frame that was made of a part, whose memory is gone then. */
export interface MadePart extends Pick<HeldPart, "entries"> {
  readonly pieces: readonly Bytes[];
  /** Bytes of all pieces. */
  readonly compressed: number;
  /** Bytes of the part. */
  readonly content: number;
}

/** Frames that threads of the runtime make, and that are taken in order. */
export interface FramesUnderWay {
  begin(part: HeldPart): void;
  readonly isEmpty: boolean;
  /** Whether there is as much as threads need, or as much as may be in memory: then something has to be made or taken. */
  readonly isFull: boolean;
  readonly isFirstMade: boolean;
  /** Comes to an end with the next frame that is made, whichever it is. */
  anyMade(): Promise<void>;
  /** Takes the first one, when it is made. */
  first(): Promise<MadePart>;
  /** Comes to an end when threads are at none any more. Never throws. */
  settled(): Promise<void>;
}

/** No more bytes than this are in threads, wait for one, or have come out of one; a single part may have more. */
const MOST_HELD = 64 * 1024 * 1024;

interface Task {
  readonly frame: Promise<MadePart>;
  isMade: boolean;
}

/**
 * At `level` of zstd. Most parts are small, some are not: while one thread is at a large one, others go on with what is
 * behind it.
 */
export function framesUnderWay(level: number): FramesUnderWay {
  const tasks: Task[] = [];
  const running = new Set<Promise<void>>();
  const mostRunning = 2 * availableParallelism();
  let held = 0;

  async function make({ bytes, entries, done }: HeldPart): Promise<MadePart> {
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
      const task: Task = { frame: make(part), isMade: false };
      const made = task.frame.then(
        () => {
          task.isMade = true;
        },
        () => {}, // said by `first`
      );
      const ended = made.finally(() => void running.delete(ended));
      running.add(ended);
      tasks.push(task);
    },
    get isEmpty() {
      return tasks.length === 0;
    },
    get isFull() {
      return running.size >= mostRunning || held > MOST_HELD;
    },
    get isFirstMade() {
      return tasks[0]?.isMade === true;
    },
    anyMade: () => Promise.race(running),
    async first() {
      const made = await (tasks.shift() as Task).frame;
      held -= made.compressed;
      return made;
    },
    async settled() {
      await Promise.allSettled(running);
    },
  };
}
