import { posix } from "node:path";
import { type ByteSource, fileSource } from "../../io/byte-source.ts";
import { openTreeWriter, type TreeWriter } from "../../io/tree-writer.ts";
import { readSlot } from "../../reader.ts";
import { isInAreas, type SlotGroup } from "./slot-groups.ts";
import { extractSlots } from "./unpack.ts";
import { type FrameContent, unpackFrame } from "./unpack-frame.ts";
import type { JobBlock, UnpackJob } from "./unpack-jobs.ts";

/** What threads are to do together. */
export interface UnpackTask {
  /** The package, open in this process. */
  readonly fd: number;
  readonly name: string;
  readonly size: number;
  readonly root: string;
  readonly jobs: readonly UnpackJob[];
  /** Whose jobs are whose at first. */
  readonly blocks: readonly JobBlock[];
  /** The number of this thread's own block. */
  readonly own: number;
  /** Numbers that all threads share: `STOPPED`, `UNPACKED`, then how many jobs of each block were taken. */
  readonly shared: SharedArrayBuffer;
}

/** What a thread has done. Its folders have no modes yet: others may still write into them. */
export interface Done {
  readonly owners: readonly (readonly [path: string, slot: number])[];
  readonly folders: readonly (readonly [path: string, mode: number])[];
  readonly frames: readonly DoneFrame[];
}

export interface DoneFrame extends FrameContent {
  readonly slot: number;
  /** The number of the job. */
  readonly job: number;
}

export type UnpackReport = Done | { readonly failure: string };

/** Not 0: somebody failed, and what the others do will not be used. */
export const STOPPED = 0;
/** Bytes of content that were unpacked since somebody took this number away. */
export const UNPACKED = 1;
const TAKEN = 2;

/** How many numbers threads share when there are so many of them. */
export const sharedNumbers = (threads: number): number => TAKEN + threads;

/** Does jobs until none is left or somebody fails. Never throws: what happened is in the report. */
export async function work(task: UnpackTask): Promise<UnpackReport> {
  const { fd, name, size, root, jobs } = task;
  const board = new Int32Array(task.shared);
  const stop = () => Atomics.store(board, STOPPED, 1);
  const onBytes = (count: number) => void Atomics.add(board, UNPACKED, count);
  try {
    using writer = openTreeWriter(root, { company: "others" });
    const owners = new Map<string, number>();
    const frames: DoneFrame[] = [];
    const source = stoppable(fileSource(fd, name, size), () => Atomics.load(board, STOPPED) !== 0);
    for (const number of numbersFor(task, board)) {
      const job = jobs[number] as UnpackJob;
      switch (job.kind) {
        case "group":
          await unpackGroup(source, job.group, writer, owners, stop, onBytes);
          break;
        case "frame": {
          const content = await unpackFrame(source, job.slot, job.frame, writer, onBytes);
          frames.push({ ...content, slot: job.slot.entry.index, job: number });
          break;
        }
        case "checksum": {
          const stored = readSlot(source, job.slot);
          for await (const _ of stored.bytes);
          stored.check();
          globalThis.failPoint?.("slot-unpacked");
          break;
        }
        default:
          job satisfies never;
      }
    }
    return { owners: [...owners], folders: writer.folders(), frames };
  } catch (error) {
    stop();
    return { failure: String(error) };
  }
}

/** The jobs that this thread gets: those of its own block, then what others have not begun yet. */
function* numbersFor({ blocks, own }: UnpackTask, board: Int32Array): Generator<number> {
  for (let i = 0; i < blocks.length; i++) {
    const block = (own + i) % blocks.length;
    const { start, end } = blocks[block] as JobBlock;
    for (;;) {
      const number = start + Atomics.add(board, TAKEN + block, 1);
      if (number >= end) break;
      yield number;
    }
  }
}

const unpackGroup = (
  source: ByteSource,
  group: SlotGroup,
  writer: TreeWriter,
  owners: Map<string, number>,
  stop: () => void,
  onBytes: (count: number) => void,
): Promise<void> => {
  const isWanted = (path: string) => {
    if (staysIn(path, group)) return true;
    // Where another thread may be writing we must not, nor read on to see whether the bytes are the signed ones.
    stop();
    throw new Error(`${JSON.stringify(path)} is not below the target of its slot`);
  };
  return extractSlots(source, group.slots, writer, owners, isWanted, onBytes);
};

function staysIn(path: string, { areas }: SlotGroup): boolean {
  const place = posix.normalize(path);
  return place === "." || isInAreas(areas, place);
}

const stoppable = (source: ByteSource, isStopped: () => boolean): ByteSource => ({
  ...source,
  async read(at, length, into) {
    if (isStopped()) throw new Error("what this thread does will not be used");
    return source.read(at, length, into);
  },
});

/** The whole life of a thread: one task comes, one report goes. */
export async function runUnpackWorker(): Promise<void> {
  const task = await new Promise<UnpackTask>((resolve) => {
    addEventListener("message", ({ data }: MessageEvent<UnpackTask>) => resolve(data), { once: true });
  });
  postMessage(await work(task));
}
