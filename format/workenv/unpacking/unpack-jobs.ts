import { isArchive } from "../../codecs/chain.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import type { Slot } from "../../reader.ts";
import { LOST_MS } from "../../threads.ts";
import { framesOfSlots, type SlotFrame } from "./slot-frames.ts";
import type { SlotGroup } from "./slot-groups.ts";

/** Work for one thread, which does not meet the work of the others. */
export type UnpackJob =
  /** Slots, one after the other. */
  | { readonly kind: "group"; readonly group: SlotGroup }
  /** A part of a slot that is an archive. */
  | { readonly kind: "frame"; readonly slot: Slot; readonly frame: SlotFrame }
  /** A slot that is one file. */
  | { readonly kind: "file"; readonly slot: Slot; readonly frame: SlotFrame }
  /** The checksum of a slot whose frames are unpacked elsewhere. */
  | { readonly kind: "checksum"; readonly slot: Slot };

/** What there is to do for groups of slots: a slot that is alone in its group and has frames is shared by them. */
export async function jobsOf(
  source: ByteSource,
  groups: readonly SlotGroup[],
): Promise<readonly UnpackJob[]> {
  const alone = groups.flatMap(({ slots }) => (slots.length === 1 ? slots : []));
  const framesOf = await framesOfSlots(source, alone);
  return groups.flatMap((group): readonly UnpackJob[] => {
    const [slot] = group.slots;
    const frames = slot && framesOf.get(slot);
    if (slot === undefined || frames === undefined) return [{ kind: "group", group }];
    const kind = isArchive(slot.entry.operations) ? "frame" : "file";
    return [{ kind: "checksum", slot }, ...frames.map((frame): UnpackJob => ({ kind, slot, frame }))];
  });
}

export type FrameJob = Extract<UnpackJob, { readonly frame: SlotFrame }>;

/** Whether threads can do a job together: to write a file, or a part of an archive that may be one. */
export const isLong = (job: UnpackJob): job is FrameJob =>
  job.kind === "file" || (job.kind === "frame" && job.frame.pieces.length > 1);

/** How many threads could have something to do at the same time. */
export const piecesOf = (jobs: readonly UnpackJob[]): number =>
  jobs.reduce((sum, job) => sum + (isLong(job) ? job.frame.pieces.length : 1), 0);

/** The jobs of one thread: those from `start` up to `end`. */
export interface JobBlock {
  readonly start: number;
  readonly end: number;
}

/**
 * Blocks of about equal work, one for each thread. Neighbours stay together: they write into the same folders, and two
 * threads that do so wait for each other.
 */
export function blocksOf(jobs: readonly UnpackJob[], threads: number): readonly JobBlock[] {
  const work = jobs.map(workOf);
  const total = work.reduce((sum, size) => sum + size, 0);
  const ends: number[] = [];
  let done = 0;
  for (const [i, size] of work.entries()) {
    done += size;
    if (done >= (total * (ends.length + 1)) / threads && ends.length < threads - 1) ends.push(i + 1);
  }
  while (ends.length < threads) ends.push(jobs.length);
  return ends.map((end, i) => ({ start: ends[i - 1] ?? 0, end }));
}

/** Bytes to unpack; those that are only hashed count less. */
function workOf(job: UnpackJob): number {
  switch (job.kind) {
    case "group":
      return job.group.size;
    case "frame":
    case "file":
      return job.frame.content;
    case "checksum":
      return job.slot.stored.size / 4;
    default:
      return job satisfies never;
  }
}

/** What threads tell each other while they work. */
export interface Board {
  /** Somebody failed, and what the others do will not be used. */
  readonly isStopped: () => boolean;
  readonly stop: () => void;
  /** To be called by each other thread before it does anything, and when it will do nothing more. */
  readonly begin: () => void;
  readonly end: () => void;
  /** By the first thread, when it has stopped all: waits until no other does anything. */
  readonly waitForOthers: () => void;
  /** To be told of content that was unpacked, in bytes. */
  readonly unpacked: (count: number) => void;
  /** How much that was since this was last asked. */
  readonly takeUnpacked: () => number;
  /** Takes a job of a block, from its front or its back; undefined when none is left. */
  take(block: number, size: number, from: "front" | "back"): number | undefined;
}

const STOPPED = 0;
const UNPACKED = 1;
const BUSY = 2;
/** For each block: how many of its jobs were asked for, how many taken at the front, and how many at the back. */
const [FIRST, ASKED, FRONT, BACK, NUMBERS] = [3, 0, 1, 2, 3];

export const boardSize = (blocks: number): number =>
  (FIRST + NUMBERS * blocks) * Int32Array.BYTES_PER_ELEMENT;

export function boardOf(memory: SharedArrayBuffer): Board {
  const numbers = new Int32Array(memory);
  return {
    isStopped: () => Atomics.load(numbers, STOPPED) !== 0,
    stop: () => void Atomics.store(numbers, STOPPED, 1),
    begin: () => void Atomics.add(numbers, BUSY, 1),
    end() {
      Atomics.sub(numbers, BUSY, 1);
      Atomics.notify(numbers, BUSY);
    },
    waitForOthers() {
      const until = performance.now() + LOST_MS;
      for (let busy = Atomics.load(numbers, BUSY); busy > 0; busy = Atomics.load(numbers, BUSY))
        if (Atomics.wait(numbers, BUSY, busy, until - performance.now()) === "timed-out") return;
    },
    unpacked: (count) => void Atomics.add(numbers, UNPACKED, count),
    takeUnpacked: () => Atomics.exchange(numbers, UNPACKED, 0),
    take(block, size, from) {
      const at = FIRST + NUMBERS * block;
      // Whoever asks in time gets one: so front and back never meet.
      if (Atomics.add(numbers, at + ASKED, 1) >= size) return undefined;
      return from === "front"
        ? Atomics.add(numbers, at + FRONT, 1)
        : size - 1 - Atomics.add(numbers, at + BACK, 1);
    },
  };
}

/** The jobs that a thread gets: those of its own block, then what others would do last. */
export function* numbersFor(blocks: readonly JobBlock[], own: number, board: Board): Generator<number> {
  for (let i = 0; i < blocks.length; i++) {
    const block = (own + i) % blocks.length;
    const { start, end } = blocks[block] as JobBlock;
    for (;;) {
      const taken = board.take(block, end - start, i === 0 ? "front" : "back");
      if (taken === undefined) break;
      yield start + taken;
    }
  }
}
