/**
 * What we use of zstd-codec: its WASM binding without the wrapper, because the wrapper also carries 1.3 MB of asm.js
 * and offers no streaming on its own.
 */
declare module "zstd-codec/lib/zstd-codec-binding-wasm.js" {
  type Sink = (output: Uint8Array<ArrayBuffer>) => void;

  /** One run over one stream, in the heap of its module. The answers say whether the call went well. */
  export interface StreamBinding {
    begin(level?: number): boolean;
    transform(input: Uint8Array, sink: Sink): boolean;
    end(sink: Sink): boolean;
    delete(): void;
  }

  export interface ZstdModule {
    readonly ZstdCompressStreamBinding: new () => StreamBinding;
    readonly ZstdDecompressStreamBinding: new () => StreamBinding;
  }

  interface Hooks {
    onRuntimeInitialized(): void;
    onAbort(what: unknown): void;
    print(text: string): void;
    printErr(text: string): void;
  }

  /** Fills `hooks` with the members of `ZstdModule` and then calls `onRuntimeInitialized`. */
  export default function initialize(hooks: Hooks): void;
}
