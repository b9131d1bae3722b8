import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { bzip2 } from "../../../format/codecs/bzip2.ts";
import type { Codec } from "../../../format/codecs/codec.ts";
import { crc32 } from "../../../format/codecs/crc.ts";
import { gzip } from "../../../format/codecs/gzip.ts";
import { collect, fromBytes } from "../../../format/codecs/streams.ts";
import { xz } from "../../../format/codecs/xz.ts";
import { zstd } from "../../../format/codecs/zstd.ts";
import { zstdPortable } from "../../../format/codecs/zstd-portable.ts";
import {
  encodeSeekTable,
  parseSeekTable,
  SEEK_FOOTER,
  seekTableSize,
} from "../../../format/codecs/zstd-seek-table.ts";
import { PspfError } from "../../../format/errors.ts";
import type { Bytes } from "../../../format/types.ts";
import { must, type Target } from "../target.ts";
import { anyBytes, joined, utf8 } from "./material.ts";

/** More than this of an output is not asked for: how large it may become is not the decoder's business. */
const MOST_OUTPUT = 4 * 1024 * 1024;

/** What a decoder gives of the input when it arrives in pieces of `size`. */
interface Decoded {
  readonly size: number;
  readonly digest: string;
  readonly isWhole: boolean;
  readonly error?: PspfError;
}

async function decode(codec: Codec, input: Bytes, size: number): Promise<Decoded> {
  const hash = new Bun.CryptoHasher("sha256");
  let total = 0;
  const end = (rest: Pick<Decoded, "isWhole" | "error">): Decoded => ({
    size: total,
    digest: hash.digest("hex"),
    ...rest,
  });
  try {
    for await (const piece of codec.decode(fromBytes(input, size))) {
      const taken = piece.subarray(0, MOST_OUTPUT - total);
      hash.update(taken);
      total += taken.length;
      if (total === MOST_OUTPUT) return end({ isWhole: false });
    }
    return end({ isWhole: true });
  } catch (error) {
    if (error instanceof PspfError) return end({ isWhole: false, error });
    throw error;
  }
}

/** Whether more may have come than was asked for. */
const wasLeft = ({ isWhole, error }: Decoded): boolean => !isWhole && error === undefined;

/** The verdict on an input does not depend on how it arrives. What is given before an error may. */
const isSame = (a: Decoded, b: Decoded): boolean =>
  wasLeft(a) ||
  wasLeft(b) ||
  (a.error?.code === b.error?.code &&
    (a.error !== undefined || (a.digest === b.digest && a.size === b.size)));

/**
 * libzstd compares the size that a frame announces when it gets the frame at once, and not when its last block is empty
 * and comes later. Where some frames of a stream announce a size and others do not, nobody else can compare it.
 */
const isQuirk = (...both: readonly Decoded[]): boolean =>
  both.some(({ error }) => error?.message.includes("Data corruption detected")) &&
  both.some(({ error }) => error === undefined);

async function run(codec: Codec, input: Bytes): Promise<Decoded> {
  const whole = await decode(codec, input, input.length + 1);
  const pieces = await decode(codec, input, input.length < 1000 ? 7 : 997);
  const same = isSame(whole, pieces) || (codec === zstd && isQuirk(whole, pieces));
  must(same, `pieces make no difference: ${whole.error?.message} / ${pieces.error?.message}`);
  return whole;
}

function featureOf({ error, size, isWhole }: Decoded): string {
  if (error !== undefined) throw error;
  return `${isWhole} ${Math.ceil(Math.log2(size + 1))}`;
}

const CONTENTS: readonly Bytes[] = [
  new Uint8Array(0),
  utf8("a"),
  utf8("abracadabra ".repeat(40)),
  new Uint8Array(3000),
  Uint8Array.from({ length: 600 }, (_, i) => (i * i * 7919) >>> 3),
];

const encoded = (codec: Codec, level: number): Promise<readonly Bytes[]> =>
  Promise.all(CONTENTS.map((content) => collect(codec.encode(fromBytes(content), { level }))));

/** Streams behind one another, with a little of anything between them. */
const rows = (streams: readonly Uint8Array[], maxNoise = 12): fc.Arbitrary<Bytes> =>
  fc
    .array(
      fc.oneof(
        { arbitrary: fc.constantFrom(...streams.map((stream) => new Uint8Array(stream))), weight: 6 },
        { arbitrary: anyBytes(maxNoise), weight: 1 },
        { arbitrary: fc.nat(2 * maxNoise).map((size) => new Uint8Array(size)), weight: 1 },
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map(joined);

const codecTarget = (codec: Codec, structured: fc.Arbitrary<Bytes>, rest: Partial<Target> = {}): Target => ({
  name: codec.name.toLowerCase(),
  allowed: ["codec-failed"],
  maxSize: 8 * 1024,
  structured,
  run: async (input) => featureOf(await run(codec, input)),
  ...rest,
});

/** The CRC-32 of the stream header, of the first block's header and of the footer. */
function repairXz(input: Bytes): Bytes {
  const copy = input.slice();
  const view = new DataView(copy.buffer);
  const seal = (from: number, to: number, at: number): void => {
    if (from >= 0 && to <= copy.length && at >= 0 && at + 4 <= copy.length)
      view.setUint32(at, crc32(copy.subarray(from, to)), true);
  };
  seal(6, 8, 8);
  const header = ((copy[12] ?? 0) + 1) * 4;
  seal(12, 12 + header - 4, 12 + header - 4);
  seal(copy.length - 8, copy.length - 2, copy.length - 12);
  return copy;
}

const ZSTD_FRAMES: readonly Uint8Array[] = [
  ...CONTENTS.map((content) => zstdCompressSync(content)),
  ...(await encoded(zstd, 3)),
  Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3),
  Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0),
];

/** Both decoders of zstd: what both take is the same. */
const zstdTarget = codecTarget(zstd, rows(ZSTD_FRAMES), {
  async run(input) {
    const native = await run(zstd, input);
    const portable = await decode(zstdPortable, input, 100);
    const areBoth = native.error === undefined && portable.error === undefined;
    must(!areBoth || native.digest === portable.digest, "both decoders give the same");
    return `${featureOf(native)} ${portable.error === undefined}`;
  },
});

/** Every codec of a slot. */
/** A seek table says how large the frames before it are; of these there is nothing here but their number of bytes. */
const seekTable: Target = {
  name: "zstd-seek-table",
  allowed: [],
  maxSize: 1024,
  structured: fc
    .tuple(
      fc.array(fc.record({ compressed: fc.nat(0xffffffff), content: fc.nat(0xffffffff) }), { maxLength: 20 }),
      fc.boolean(),
    )
    .map(([frames, isCut]) => {
      const table = encodeSeekTable(frames) as Bytes;
      return isCut ? table.slice(1) : table;
    }),
  tokens: ["\x5e\x2a\x4d\x18", "\xb1\xea\x92\x8f", "\x80\xb1\xea\x92\x8f"],
  run(input) {
    const footer = input.slice(-SEEK_FOOTER);
    const size = seekTableSize(footer, Number.MAX_SAFE_INTEGER);
    must(size === undefined || (size >= 17 && size < 2 ** 36), "a table has a length");
    // What the rows say together, so that the sizes fit where everything else does.
    const view = new DataView(input.buffer, input.byteOffset, input.length);
    let total = input.length;
    for (let at = 8; at + 17 <= input.length; at += 8) total += view.getUint32(at, true);
    const frames = parseSeekTable(input, total);
    if (frames === undefined) return undefined;
    must(
      frames.reduce((sum, { compressed }) => sum + compressed, input.length) === total,
      "the frames fill the stream",
    );
    must(
      input.at(-5) !== 0 || encodeSeekTable(frames)?.toHex() === input.toHex(),
      "a table without flags is written as it was read",
    );
    return `${Math.min(frames.length, 3)} frames`;
  },
};

export const CODEC_TARGETS: readonly Target[] = [
  codecTarget(gzip, rows(CONTENTS.map((content) => gzipSync(content)))),
  codecTarget(bzip2, rows(await encoded(bzip2, 1)), {
    tokens: ["BZh9", "1AY&SY", "\x17rE8P\x90", "BZh1\x17rE8P\x90\0\0\0\0"],
  }),
  codecTarget(xz, rows(await encoded(xz, 1), 4), {
    repair: repairXz,
    tokens: ["\xfd7zXZ\0", "YZ", "\0\0\0\0"],
  }),
  zstdTarget,
  seekTable,
];
