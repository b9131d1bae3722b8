import { posix } from "node:path";
import { type ByteSource, fileSource } from "../../io/byte-source.ts";
import { openTreeWriter } from "../../io/tree-writer.ts";
import { isInAreas, type SlotGroup } from "./slot-groups.ts";
import { extractSlots } from "./unpack.ts";

/** What a thread is to do: groups of slots, which it shares with others. */
export interface UnpackTask {
  /** The package, open in this process. */
  readonly fd: number;
  readonly name: string;
  readonly size: number;
  readonly root: string;
  readonly groups: readonly SlotGroup[];
  /** Two numbers that all threads share: see `NEXT_GROUP` and `STOPPED`. */
  readonly shared: SharedArrayBuffer;
}

/** What a thread has done. Its folders have no modes yet: others may still write into them. */
export interface Done {
  readonly owners: readonly (readonly [path: string, slot: number])[];
  readonly folders: readonly (readonly [path: string, mode: number])[];
}

export type UnpackReport = Done | { readonly failure: string };

/** The next group that nobody has taken. */
export const NEXT_GROUP = 0;
/** Not 0: somebody failed, and what the others do will not be used. */
export const STOPPED = 1;

/** Unpacks groups until none is left or somebody fails. Never throws: what happened is in the report. */
export async function work({ fd, name, size, root, groups, shared }: UnpackTask): Promise<UnpackReport> {
  const board = new Int32Array(shared);
  try {
    using writer = openTreeWriter(root);
    const owners = new Map<string, number>();
    const source = stoppable(fileSource(fd, name, size), () => Atomics.load(board, STOPPED) !== 0);
    for (;;) {
      const group = groups[Atomics.add(board, NEXT_GROUP, 1)];
      if (group === undefined) break;
      await extractSlots(source, group.slots, writer, owners, (path) => {
        if (staysIn(path, group)) return true;
        // Where another thread may be writing we must not, nor read on to see whether the bytes are the signed ones.
        Atomics.store(board, STOPPED, 1);
        throw new Error(`${JSON.stringify(path)} is not below the target of its slot`);
      });
    }
    return { owners: [...owners], folders: writer.folders() };
  } catch (error) {
    Atomics.store(board, STOPPED, 1);
    return { failure: String(error) };
  }
}

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
