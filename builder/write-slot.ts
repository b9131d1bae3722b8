import type { Level } from "../format/codecs/codec.ts";
import type { Replacement } from "../format/io/replacement.ts";
import type { Bytes, ByteStream, Sha256 } from "../format/types.ts";
import { sha256Stream } from "../format/wire/hashes.ts";
import type { OperationName } from "../format/wire/operations.ts";
import { type EncodedSlot, encodeSlot } from "./encode-slot.ts";
import type { Found, SlotCache } from "./slot-cache/slot-cache.ts";
import { appendKept, type Copyist } from "./kept-bytes.ts";
import { type Print, printsOf } from "./prints.ts";
import type { MadeFrame } from "./frame-content.ts";
import type { SlotInput } from "./slot-input.ts";
import type { Witness } from "./witness.ts";

export interface WriteOptions {
  readonly level?: Level | undefined;
  /** Told of what is written, when the package will be verified. */
  readonly witness?: Witness | undefined;
  /** Where the stored bytes of earlier builds are. */
  readonly cache?: SlotCache | undefined;
  /** Told of what goes into slots. */
  readonly onBytes?: ((count: number) => void) | undefined;
  /** Told whether a slot's stored bytes were made before, and if not, why they are made now. */
  readonly explain?: ((slot: string, isCached: boolean, why: string) => void) | undefined;
}

/** A slot that was looked at: what becomes of it, and whether that was made before. */
export interface PlannedSlot {
  readonly slot: SlotInput;
  readonly encoded: EncodedSlot;
  readonly found: Found | undefined;
}

/** The stored bytes of a slot, in a file. */
export interface WrittenBytes extends Pick<EncodedSlot, "operations" | "permissions"> {
  readonly operations: readonly OperationName[];
  readonly offset: number;
  readonly size: number;
  readonly originalSize: number;
  readonly checksum: Sha256;
  /** Of the stored bytes, made of those of which the checksum was made. */
  readonly prints: readonly Print[];
  /** Of an archive in frames that was made for them. */
  readonly made?: readonly MadeFrame[] | undefined;
  /** What the cache said of them, if it was asked. */
  readonly found?: Found;
}

/** Lists what is in a slot, and looks for what an earlier build has made of it. */
export async function planSlot(
  slot: SlotInput,
  { level, cache, onBytes, witness }: WriteOptions,
): Promise<PlannedSlot> {
  const encoded = await encodeSlot(slot, { level, onBytes, noteEntries: witness !== undefined });
  return { slot, encoded, found: encoded.work === undefined ? undefined : await cache?.find(encoded.work) };
}

/** The same slot, whose first pieces are encoded from now on. */
export const begun = ({ encoded, ...rest }: PlannedSlot): PlannedSlot => ({
  ...rest,
  encoded: { ...encoded, stored: ahead(encoded.stored) },
});

/** Frees what a slot holds that will not be written. */
export async function giveUp({ encoded }: PlannedSlot): Promise<void> {
  await encoded.stored[Symbol.asyncIterator]().return?.();
}

/** Writes a slot's stored bytes to the end of a file: those of an earlier build, copied by somebody, or else new ones. */
export async function writeSlot(
  { slot, encoded, found }: PlannedSlot,
  file: Replacement,
  { cache, explain, onBytes, witness }: WriteOptions,
  copyist: Copyist,
): Promise<WrittenBytes> {
  const { operations, permissions } = encoded;
  const offset = file.written;
  let why = found?.why ?? whyNotAsked(cache);
  if (found?.cached !== undefined) {
    const { version, prints } = found.cached;
    const { originalSize, stored, size } = version;
    if (await appendKept(found.cached, file, copyist)) {
      witness?.note(prints, offset);
      explain?.(slot.id, true, why);
      onBytes?.(originalSize);
      return { operations, permissions, offset, size, originalSize, checksum: stored, prints, found };
    }
    cache?.drop(found);
    why = "what was kept of it is damaged";
  }
  explain?.(slot.id, false, why);
  const { checksum, prints } = await write(encoded.stored, file);
  const size = file.written - offset;
  const originalSize = encoded.originalSize();
  const anew = found === undefined ? {} : { found: { ...found, cached: undefined } };
  const made = encoded.made?.();
  // What else is new will be decoded, and so read anyway.
  if (made !== undefined) witness?.note(prints, offset);
  return { operations, permissions, offset, size, originalSize, checksum, prints, made, ...anew };
}

const whyNotAsked = (cache: SlotCache | undefined): string =>
  cache === undefined ? "there is no build cache" : "it is encoded sooner than it is looked for";

/** Appends a stream to a file; returns the SHA-256 of its bytes, and their prints. */
async function write(
  stored: ByteStream,
  file: Replacement,
): Promise<Pick<WrittenBytes, "checksum" | "prints">> {
  const hash = sha256Stream();
  const prints: Print[] = [];
  for await (const piece of stored) {
    hash.update(piece);
    for (const print of printsOf(piece)) prints.push(print);
    file.write(piece);
  }
  return { checksum: hash.hex(), prints };
}

/** A stream whose first piece is asked for at once. */
function ahead(stream: ByteStream): ByteStream {
  const iterator = stream[Symbol.asyncIterator]();
  const first = iterator.next();
  first.catch(() => {}); // it is asked for later
  let next: Promise<IteratorResult<Bytes>> | undefined = first;
  return {
    [Symbol.asyncIterator]: () => ({
      next() {
        const step = next ?? iterator.next();
        next = undefined;
        return step;
      },
      return: async (value) => (await iterator.return?.(value)) ?? { done: true, value },
    }),
  };
}
