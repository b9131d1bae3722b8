import initialize, { type StreamBinding, type ZstdModule } from "zstd-codec/lib/zstd-codec-binding-wasm.js";
import { PspfError } from "../errors.ts";
import type { Bytes, ByteStream } from "../types.ts";
import { type Codec, damaged, guarded, levelOf } from "./codec.ts";
import { wholeFrames } from "./zstd-frames.ts";

/** Its heap has 16 MiB for good: from level 10 on, compression does not fit. */
const LEVELS = { min: 1, max: 9, usual: 3, fast: 1, best: 9 };

/** Bytes compressed at a time. */
const INPUT = 64 * 1024;

/** Bytes decompressed at a time: 1 KiB holds at most 256 blocks, which become 32 MiB in the worst case. */
const COMPRESSED_INPUT = 1024;

/**
 * zstd (RFC 8878) in WASM, for where the runtime has none (older Node, browsers). Reads what `zstd.ts` writes, and
 * the other way round, within a fixed heap: levels up to 9, windows up to 8 MiB. It writes no content checksum.
 */
export const zstdPortable: Codec = {
  name: "ZSTD",
  encode: (input, options) => {
    const level = levelOf("ZSTD", LEVELS, options);
    return guarded("ZSTD", "encode", input, (pieces) =>
      run(pieces, INPUT, (zstd) => new zstd.ZstdCompressStreamBinding(), level),
    );
  },
  decode: (input) =>
    guarded("ZSTD", "decode", input, (pieces) =>
      wholeFrames(pieces, (frames) =>
        run(frames, COMPRESSED_INPUT, (zstd) => new zstd.ZstdDecompressStreamBinding()),
      ),
    ),
};

async function* run(
  input: ByteStream,
  step: number,
  open: (zstd: ZstdModule) => StreamBinding,
  level?: number,
): ByteStream {
  const loaded = idle.pop() ?? (await load());
  const outputs: Bytes[] = [];
  const sink = (output: Bytes): void => {
    if (output.length > 0) outputs.push(output);
  };
  const binding = open(loaded.zstd);
  let isUsable = true;
  try {
    must(level === undefined ? binding.begin() : binding.begin(level));
    for await (const piece of input)
      for (let at = 0; at < piece.length; at += step) {
        must(binding.transform(piece.subarray(at, at + step), sink));
        yield* outputs.splice(0);
      }
    must(binding.end(sink));
    yield* outputs;
  } catch (cause) {
    // An abort leaves the heap in the middle of a call, and nobody vouches for it. Our own errors are about the data.
    isUsable = cause instanceof PspfError;
    throw cause;
  } finally {
    if (isUsable) binding.delete();
    if (isUsable && idle.length === 0) idle.push(loaded);
  }
}

/** One module that no stream uses. Streams never share one: two large windows do not fit into a heap. */
const idle: Loaded[] = [];

function must(ok: boolean): void {
  if (!ok) throw damaged("ZSTD", "its data are damaged");
}

/** A module in a wrapper: it has a `then` of its own, which an `await` or a promise would call for ever. */
interface Loaded {
  readonly zstd: ZstdModule;
}

const load = (): Promise<Loaded> =>
  new Promise((resolve, reject) => {
    const hooks = {
      onRuntimeInitialized: () => resolve({ zstd: hooks as unknown as ZstdModule }),
      onAbort: (what: unknown) => reject(new Error(`the WASM module stopped: ${String(what)}`)),
      print: () => undefined,
      printErr: () => undefined,
    };
    initialize(hooks);
  });
