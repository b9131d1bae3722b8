import { decodeChain, type SplitChain } from "../format/codecs/chain.ts";
import { PspfError } from "../format/errors.ts";
import { readTar } from "../format/tar/read-tar.ts";
import { tarParser } from "../format/tar/tar-parser.ts";
import type { Bytes, ByteStream } from "../format/types.ts";
import { formatOperations } from "../format/wire/operations.ts";
import type { SlotInput } from "./slot-input.ts";

/**
 * A file that already has the form of its last operation is stored as it is: FlavorPack's native builders never
 * encode, so their manifests name files such as `conf.tgz`. It is decoded once for its original size, which also
 * shows that it can be. The decoder draws the input, and what it has drawn is passed on, so neither waits for the
 * other.
 */
export function alreadyEncoded(
  slot: SlotInput,
  whole: ByteStream,
  { bundle, codecs }: SplitChain,
  onBytes?: (count: number) => void,
) {
  const form = formatOperations(slot.operations ?? []);
  let size = 0;
  const stored = async function* (): ByteStream {
    const drawn: Bytes[] = [];
    let isDrawn = false;
    const drawing = async function* (): ByteStream {
      for await (const piece of whole) {
        drawn.push(piece.slice()); // many may come before the decoder says anything, and lie in one memory
        onBytes?.(piece.length);
        yield piece;
      }
      isDrawn = true;
    };
    const decoding = async function* (): ByteStream {
      for await (const piece of decodeChain(codecs, drawing())) {
        size += piece.length;
        yield piece;
      }
    };
    try {
      for await (const _ of bundle === undefined ? decoding() : bodiesOf(decoding())) yield* drawn.splice(0);
    } catch (cause) {
      throw isDamage(cause) ? damagedFile(slot, form, cause) : cause;
    }
    if (!isDrawn) throw damagedFile(slot, form);
    yield* drawn;
  };
  return { stored: stored(), originalSize: () => size };
}

/** A tar archive that is to be encoded: it must be one as a whole, or whoever verifies the package would blame the disk. */
export async function* wholeArchive(slot: SlotInput, archive: ByteStream): ByteStream {
  const parser = tarParser({ entry: () => undefined });
  const reading = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw isDamage(cause) ? damagedFile(slot, "tar", cause) : cause;
    }
  };
  for await (const piece of archive) {
    reading(() => parser.push(piece));
    yield piece;
  }
  reading(() => parser.end());
}

/** Every piece of every file in an archive: as often as there is something to do meanwhile. */
async function* bodiesOf(archive: ByteStream): ByteStream {
  for await (const { body } of readTar(archive)) yield* body;
}

const isDamage = (error: unknown): error is PspfError =>
  error instanceof PspfError && (error.code === "codec-failed" || error.code === "archive-invalid");

const damagedFile = (slot: SlotInput, form: string, cause?: unknown): PspfError =>
  unfit(
    slot,
    `it begins like "${form}", but is not such a file`,
    "is the file damaged? operations that it does not end with are applied to it",
    cause,
  );

/** What a slot is and what it is asked to be do not fit together. */
export const unfit = (slot: SlotInput, state: string, hint: string, cause?: unknown) =>
  new PspfError("build-failed", `Cannot pack slot "${slot.id}": ${state}`, { hint, cause });
