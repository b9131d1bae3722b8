import { availableParallelism } from "node:os";
import { isArchive } from "../codecs/chain.ts";
import type { ImaginedTree } from "../io/imagined-tree.ts";
import { type ByteSource, streamRange } from "../io/byte-source.ts";
import { type Package, piecesFor, type Slot } from "../reader.ts";
import type { ByteStream, Span } from "../types.ts";
import { placement } from "../workenv/unpacking/extract-slot.ts";
import { insideOf } from "../workenv/unpacking/long-file.ts";
import { type FramePlace, framesOfSlots } from "../workenv/unpacking/slot-frames.ts";
import { enterFile, partEnterer } from "./enter-part.ts";
import { entriesOf } from "./entry-list.ts";
import { enterContent, type PackageReading } from "./read-alone.ts";
import { type Readers, startReaders } from "./readers.ts";
import type { VerifyJob } from "./verify-worker.ts";

/** Below this many bytes of content threads cost more than they bring. */
const WORTH_IT = 32 * 1024 * 1024;
/** Every thread has its decoders' memory. */
const MOST_THREADS = 4;

interface Help {
  readonly startThread: () => Worker;
  /** Told of the bytes that threads have read; those that are read here are for the package's source to tell. */
  readonly onBytes: ((count: number) => void) | undefined;
}

/**
 * Does work that reads a package, with threads that hash, decode and take archives apart; what is in no frames is
 * decoded here meanwhile. Undefined where threads would not help. Whatever `work` throws may be because of the threads,
 * and so may each fault that it finds: only that all is well is as true as if it had been read alone.
 */
export async function readTogether<T>(
  pkg: Package,
  { startThread, onBytes }: Help,
  work: (reading: PackageReading) => Promise<T>,
): Promise<T | undefined> {
  const slots = pkg.slots.filter(({ entry }) => !entry.selfRef);
  const content = slots.reduce((sum, { entry, stored }) => sum + (entry.originalSize ?? stored.size), 0);
  if (content < WORTH_IT || pkg.source.fd === undefined) return undefined;
  const plan = await planFor(pkg, slots);
  const threads = Math.min(availableParallelism(), MOST_THREADS, plan.jobs.length);
  if (threads < 2) return undefined;
  const onJob = (job: VerifyJob) => onBytes?.(newBytesOf(job, pkg));
  const readers = startReaders(pkg.source, plan.jobs, plan.digests.size, { threads, startThread, onJob });
  try {
    return await work(readingOf(pkg, plan, readers));
  } finally {
    await readers.end();
  }
}

/** Slots are read twice: those without frames are told of when they are decoded here, the others frame by frame. */
function newBytesOf(job: VerifyJob, { index }: Package): number {
  switch (job.kind) {
    case "digest":
      return job.part === index.launcher ? job.part.size : 0;
    case "entries":
      return insideOf(job.frame).reduce((left, { size }) => left - size, job.frame.size);
    default:
      return job.frame.size;
  }
}

/** Which job is for what. */
interface Plan {
  readonly jobs: readonly VerifyJob[];
  readonly digests: ReadonlyMap<Span, number>;
  /** The first frame's job, and how many there are. */
  readonly frames: ReadonlyMap<Slot, readonly [first: number, count: number]>;
}

async function planFor({ source, index, metadata }: Package, slots: readonly Slot[]): Promise<Plan> {
  const parts = [
    ...(metadata.launcher === undefined ? [] : [index.launcher]),
    ...slots.map(({ stored }) => stored),
  ];
  const jobs: VerifyJob[] = parts.map((part) => ({ kind: "digest", part }));
  const frames = new Map<Slot, readonly [number, number]>();
  for (const [slot, found] of await framesOfSlots(source, slots)) {
    const its = isArchive(slot.entry.operations)
      ? found.flatMap((frame): readonly VerifyJob[] => [
          { kind: "entries", frame },
          ...insideOf(frame).map(contentJob),
        ])
      : found.flatMap(({ pieces }) => pieces.map(contentJob));
    frames.set(slot, [jobs.length, its.length]);
    for (const job of its) jobs.push(job);
  }
  return { jobs, digests: new Map(parts.map((part, i) => [part, i])), frames };
}

const contentJob = (frame: FramePlace): VerifyJob => ({ kind: "content", frame });

function readingOf({ source }: Package, plan: Plan, readers: Readers): PackageReading {
  const digestOf = (part: Span) => readers.digest(plan.digests.get(part) as number);
  async function enter(slot: Slot, tree: ImaginedTree): Promise<number> {
    const frames = plan.frames.get(slot);
    const size =
      frames === undefined
        ? await enterStored(source, slot, tree)
        : await enterFrames(slot, frames, readers, tree);
    const { checksum } = slot.entry;
    if (checksum !== undefined && checksum !== (await digestOf(slot.stored)))
      throw new Error("the bytes of a slot are not the signed ones");
    return size;
  }
  return {
    digestOf,
    // No fault of a slot but the end of this reading: threads wait until the frames of a slot are used, in order.
    enter: (slot, tree) =>
      enter(slot, tree).catch((cause: unknown) => {
        throw new Error("one thread has to look again", { cause });
      }),
  };
}

/** Decodes a slot here; threads hash it. */
async function enterStored(source: ByteSource, slot: Slot, tree: ImaginedTree): Promise<number> {
  const { offset, size } = slot.stored;
  const pieces = streamRange(source, offset, size, piecesFor(slot.entry.operations, "passing"));
  let read = 0;
  const counted = async function* (): ByteStream {
    for await (const piece of pieces) {
      read += piece.length;
      yield piece;
    }
  };
  const content = await enterContent(slot, counted(), tree);
  if (read !== size) throw new Error("something follows the compressed data of a slot");
  return content;
}

/** Tells a tree what threads have found in the frames of a slot, in their order: in those of a file, that all is well. */
async function enterFrames(
  slot: Slot,
  [first, count]: readonly [number, number],
  readers: Readers,
  tree: ImaginedTree,
): Promise<number> {
  const enter = partEnterer(tree, placement(slot.entry.target));
  for (let job = first; job < first + count; job++) enter(entriesOf(await readers.entries(job)));
  if (!isArchive(slot.entry.operations)) enterFile(slot, tree);
  return slot.entry.originalSize as number;
}
