import { posix } from "node:path";
import { type ByteSource, fileSource } from "../../io/byte-source.ts";
import { openTreeWriter, type TreeWriter } from "../../io/tree-writer.ts";
import { readSlot, type Slot } from "../../reader.ts";
import { stoppable, taskOfThread } from "../../threads.ts";
import { isInAreas, type SlotGroup } from "./slot-groups.ts";
import { extractSlots } from "./unpack.ts";
import { type FoundLink, openFrameUnpacker } from "./unpack-frame.ts";
import { sharedFile } from "./shared-file.ts";
import { boardOf, isLong, type JobBlock, numbersFor, type UnpackJob } from "./unpack-jobs.ts";
import { type FileList, listOf } from "../mending/file-list.ts";
import type { IndexedFile } from "../mending/stat-index.ts";
import { newNotes, type Notes, sortOut } from "./unpacked.ts";

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
  /** The memory of a board that all threads share, and of the files that they write together. */
  readonly shared: SharedArrayBuffer;
  readonly files: SharedArrayBuffer;
}

/** What a thread has done. */
export interface Done {
  readonly files: FileList;
  /**
   * Folders that entries describe, with the modes that they are to get, of which some have to wait until nobody writes into
   * them: those that this thread made, and those that were there.
   */
  readonly made: FileList;
  readonly met: FileList;
  /** Folders that this thread made because it needed them. */
  readonly implied: readonly (readonly [path: string, mode: number])[];
  /** Folders that were there when this thread needed them. */
  readonly found: readonly string[];
  readonly links: readonly (readonly [...link: FoundLink, slot: number])[];
}

export type UnpackReport = Done | { readonly failure: string };

/** What the launcher's own thread does besides. */
export interface Meanwhile {
  /** Asked often; a promise is waited for. */
  readonly turn: () => Promise<void> | undefined;
  /** Called whenever something was unpacked. */
  readonly onProgress: (() => void) | undefined;
}

/** Does jobs until none is left or somebody fails. Never throws: what happened is in the report. */
export async function work(task: UnpackTask, meanwhile?: Meanwhile): Promise<UnpackReport> {
  const { fd, name, size, root, jobs } = task;
  const board = boardOf(task.shared);
  const turn = async () => meanwhile?.turn();
  try {
    if (board.isStopped()) throw new Error("it was too late");
    const onBytes = (count: number) => {
      board.unpacked(count);
      meanwhile?.onProgress?.();
    };
    const source = stoppable(fileSource(fd, name, size), board.isStopped);
    const rows: IndexedFile[] = [];
    const folders: IndexedFile[] = [];
    const [groups, frames] = [newNotes(), newNotes("in no order")];
    using groupWriter = openTreeWriter(root, { company: "others", onMade: groups.note });
    using frameWriter = openTreeWriter(root, {
      company: "others",
      doubles: "refused",
      onMade: frames.note,
    });
    const waiting = { isStopped: board.isStopped, turn };
    const shared = new Map(jobs.filter(isLong).map((job, i) => [job, sharedFile(task.files, i, waiting)]));
    using unpacker = openFrameUnpacker(source, root, jobs, {
      writer: frameWriter,
      rows,
      folders,
      onBytes,
      turn,
    });
    for (const number of numbersFor(task.blocks, task.own, board)) {
      const job = jobs[number] as UnpackJob;
      switch (job.kind) {
        case "group":
          await unpackGroup(source, job.group, groupWriter, groups, { stop: board.stop, onBytes });
          break;
        case "frame":
        case "file":
          frames.slot = job.slot.entry.index;
          await unpacker.unpack(job, shared.get(job));
          globalThis.failPoint?.("frame-unpacked");
          break;
        case "checksum":
          await checkStored(source, job.slot, turn);
          break;
        default:
          job satisfies never;
      }
      await turn();
    }
    // What is left is done by others already.
    for (const [{ frame }, file] of shared) await unpacker.help(frame, file);
    const writers = [groupWriter, frameWriter];
    for (const writer of writers) writer.settle();
    const found = writers.flatMap((writer) => writer.foundFolders());
    const noted = [groups, frames].flatMap((notes) => [...notes.rows.values()]);
    const { files, made, met } = sortOut(noted, new Set(found));
    return {
      files: listOf([...rows, ...files]),
      made: listOf([...folders, ...made]),
      met: listOf(met),
      implied: writers.flatMap((writer) => writer.impliedFolders()),
      found,
      links: unpacker.links,
    };
  } catch (error) {
    board.stop();
    return { failure: String(error) };
  }
}

async function checkStored(source: ByteSource, slot: Slot, turn: () => Promise<void>): Promise<void> {
  const stored = readSlot(source, slot);
  for await (const _ of stored.bytes) await turn();
  stored.check();
  globalThis.failPoint?.("slot-unpacked");
}

const unpackGroup = (
  source: ByteSource,
  group: SlotGroup,
  writer: TreeWriter,
  notes: Notes,
  { stop, onBytes }: { readonly stop: () => void; readonly onBytes: (count: number) => void },
): Promise<void> => {
  const isWanted = (path: string) => {
    if (staysIn(path, group)) return true;
    // Where another thread may be writing we must not, nor read on to see whether the bytes are the signed ones.
    stop();
    throw new Error(`${JSON.stringify(path)} is not below the target of its slot`);
  };
  return extractSlots(source, group.slots, writer, notes, { isWanted, onBytes });
};

function staysIn(path: string, { areas }: SlotGroup): boolean {
  const place = posix.normalize(path);
  return place === "." || isInAreas(areas, place);
}

/** The whole life of a thread: one task comes, one report goes. */
export async function runUnpackWorker(): Promise<void> {
  const task = await taskOfThread<UnpackTask>();
  const { begin, end } = boardOf(task.shared);
  begin();
  const report = await work(task);
  end();
  postMessage(report);
}
