import { createZstdDecompress } from "node:zlib";
import type { Bytes } from "../types.ts";
import { damaged, truncated } from "./codec.ts";
import { FrameWalk } from "./zstd-frames.ts";

/**
 * Decodes zstd streams, one after the other, in the caller's thread and into memory that is used again. What comes out is
 * handed over in pieces that are valid during the call. Throws `codec-failed` for what `zstd.decode` throws it for.
 */
export interface SyncDecoder {
  /** Begins a stream, whatever became of the one before. Its content goes through `output`, or memory of our own. */
  begin(output?: Bytes): void;
  push(piece: Bytes, use: (content: Bytes) => void): void;
  /** Throws unless the stream is complete. */
  end(): void;
}

/** Fits into the second cache of most processors: what is decoded is still there when it is written. */
const PIECE = 512 * 1024;

/** What Node's streams are made of; `minizlib`, and with it npm, relies on it as well. */
interface Handle {
  reset(): void;
  writeSync(
    flush: number,
    input: Bytes,
    inputAt: number,
    inputSize: number,
    output: Bytes,
    outputAt: number,
    outputSize: number,
  ): void;
  onerror: (message: string) => void;
}

interface Insides {
  readonly _handle?: Partial<Handle>;
  /** Bytes that are free in the output, and left of the input, after a call. */
  readonly _writeState?: Uint32Array;
}

/** ZSTD_e_end */
const END = 2;

/**
 * A decoder, or undefined where the runtime's streams have other insides. Its one-shot functions are no substitute: they
 * take new memory for each result, which costs as much time as decoding does, and keeps hundreds of megabytes.
 */
export function openSyncDecoder(): SyncDecoder | undefined {
  const { _handle: handle, _writeState: state } = createZstdDecompress() as unknown as Insides;
  return isHandle(handle) && state !== undefined && state.length === 2 ? decoderOn(handle, state) : undefined;
}

const isHandle = (handle: Partial<Handle> | undefined): handle is Handle =>
  typeof handle?.writeSync === "function" && typeof handle.reset === "function";

function decoderOn(handle: Handle, state: Uint32Array): SyncDecoder {
  let own: Bytes | undefined;
  let output: Bytes = new Uint8Array(0);
  let walk = new FrameWalk();
  let size = 0;
  let failure: string | undefined;
  handle.onerror = (message) => {
    failure = message;
  };
  return {
    begin(given) {
      own ??= given === undefined ? new Uint8Array(PIECE) : undefined;
      output = given ?? (own as Bytes);
      handle.reset();
      walk = new FrameWalk();
      size = 0;
      failure = undefined;
    },
    push(piece, use) {
      walk.follow(piece);
      for (let at = 0, full = false; at < piece.length || full;) {
        handle.writeSync(END, piece, at, piece.length - at, output, 0, output.length);
        if (failure !== undefined) throw damaged("ZSTD", failure);
        const [free = 0, left = 0] = state;
        const isStuck = free === output.length && left === piece.length - at;
        if (isStuck && !full) throw damaged("ZSTD", "its decoder does not go on");
        at = piece.length - left;
        full = free === 0;
        const count = output.length - free;
        size += count;
        if (count > 0) use(output.subarray(0, count));
      }
    },
    end() {
      if (!walk.betweenFrames) throw truncated("ZSTD");
      if (walk.contentSize !== undefined && walk.contentSize !== size)
        throw damaged("ZSTD", `${walk.contentSize} bytes were announced, ${size} came`);
    },
  };
}
