import { posix } from "node:path";
import { decodeChain, splitChain } from "../../codecs/chain.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import type { TreeWriter } from "../../io/tree-writer.ts";
import { readSlot, type Slot } from "../../reader.ts";
import { shortLived } from "../../short-lived.ts";
import { limitOf, withinLimit } from "../../slot-limit.ts";
import { type Rename, unpackTar } from "../../tar/unpack.ts";
import type { ByteStream } from "../../types.ts";
import { checkSupported } from "../../wire/operations.ts";

export interface ExtractOptions {
  /** Whether a path is written; all of them when not given. */
  readonly isWanted?: ((path: string) => boolean) | undefined;
  /** Told of the content as it is unpacked. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

/**
 * Undoes a slot's operations and writes what comes out below the writer's root, or of that only the paths that are
 * wanted. Throws before it returns when the stored bytes are not the signed ones: what was written until then must not
 * be used. `onBytes` is told of the slot's content as it is unpacked.
 */
export async function extractSlot(
  source: ByteSource,
  slot: Slot,
  writer: TreeWriter,
  { isWanted = () => true, onBytes }: ExtractOptions = {},
): Promise<void> {
  if (slot.entry.selfRef) return;
  checkSupported(slot.entry.operations);
  const { bundle, codecs } = splitChain(slot.entry.operations);
  // What is written is used up: each piece in memory of its own would be gigabytes for the collector.
  const stored = readSlot(source, slot, "passing");
  try {
    const content = takingTurns(withinLimit(decodeChain(codecs, stored.bytes, limitOf(slot)), slot), onBytes);
    if (bundle === "TAR") await unpackTar(content, writer, wanted(placement(slot.entry.target), isWanted));
    else if (isWanted(fileTarget(slot))) await writer.file(fileTarget(slot), slot.mode, 0, content);
    else return;
  } catch (error) {
    // Damaged bytes rarely decode; that they are damaged is the better message. The first reading has ended.
    const again = readSlot(source, slot, "passing");
    for await (const _ of again.bytes);
    again.check();
    throw error;
  }
  stored.check();
}

const wanted =
  (place: Rename, isWanted: (path: string) => boolean): Rename =>
  (name) => {
    const path = place(name);
    return path !== undefined && isWanted(path) ? path : undefined;
  };

/** Where a slot that is one file goes; without a name of its own, under the one that FlavorPack gives it. */
export const fileTarget = ({ entry }: Slot): string =>
  entry.target === "" ? `slot_${entry.index}_${entry.id.replaceAll("/", "_")}` : entry.target;

/**
 * Where the entries of an archive go. Our builder puts the target's last part on top of the archive, which FlavorPack's
 * launchers unpack beside the target; an archive without it is unpacked flat into the workenv, as they do.
 */
export function placement(target: string): Rename {
  const parent = posix.dirname(target);
  const top = posix.basename(target);
  let hasTop: boolean | undefined = target === "" ? false : undefined;
  return shortLived((name) => {
    if (name === ".") return name;
    hasTop ??= name === top || name.startsWith(`${top}/`);
    return hasTop && parent !== "." ? `${parent}/${name}` : name;
  });
}

/** How long others in this thread have to wait at most, such as the heartbeat of a lock. */
const TURN_MS = 1000;

/** Lets the event loop turn about once a second: nothing else here waits for anything. */
async function* takingTurns(bytes: ByteStream, onBytes?: (count: number) => void): ByteStream {
  let turned = performance.now();
  for await (const piece of bytes) {
    yield piece;
    onBytes?.(piece.length);
    if (performance.now() - turned < TURN_MS) continue;
    await new Promise((resume) => setImmediate(resume));
    turned = performance.now();
  }
}
