import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PspfError } from "../errors.ts";
import type { Bytes, ByteStream } from "../types.ts";
import type { OperationName } from "../wire/operations.ts";
import { decodeChain, encodeChain, sniff, splitChain } from "./chain.ts";
import { loadCodec } from "./registry.ts";
import { collect, fromBytes } from "./streams.ts";

const CODECS = ["GZIP", "BZIP2", "XZ", "ZSTD"] as const;
const TEXT = new TextEncoder().encode("one chain, many links; ".repeat(200));

describe("chains", () => {
  test("decoding undoes encoding", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...CODECS), { maxLength: 3 }),
        fc.uint8Array(),
        async (codecs, input) => {
          const bytes = Uint8Array.from(input);
          expect(await collect(decodeChain(codecs, encodeChain(codecs, fromBytes(bytes))))).toEqual(bytes);
        },
      ),
      { numRuns: 20 },
    );
  });

  test("the first operation is applied first", async () => {
    const packed = await collect(encodeChain(["GZIP", "BZIP2"], fromBytes(TEXT)));
    expect(sniff(packed)).toBe("BZIP2");
    const inner = await collect(decodeChain(["BZIP2"], fromBytes(packed)));
    expect(sniff(inner)).toBe("GZIP");
    expect(await collect(decodeChain(["GZIP"], fromBytes(inner)))).toEqual(TEXT);
  });

  test("no codec, no change", async () => {
    expect(await collect(encodeChain([], fromBytes(TEXT)))).toEqual(TEXT);
    expect(await collect(decodeChain([], fromBytes(TEXT)))).toEqual(TEXT);
  });

  test("the level reaches the codec", async () => {
    const level = async (n: number): Promise<number> =>
      (await collect(encodeChain(["GZIP"], fromBytes(TEXT), { level: n }))).length;
    expect(await level(0)).toBeGreaterThan(TEXT.length);
    expect(await level(9)).toBeLessThan(TEXT.length / 10);
  });

  test("leaving early closes the input through the whole chain", async () => {
    let closed = false;
    const packed = await collect(encodeChain(["GZIP", "ZSTD"], fromBytes(TEXT)));
    const input = async function* (): ByteStream {
      try {
        for (;;) yield packed;
      } finally {
        closed = true;
      }
    };
    for await (const _ of decodeChain(["GZIP", "ZSTD"], input())) break;
    expect(closed).toBe(true);
  });

  test.each([0, 1, TEXT.length])(
    "of eight codecs keep to a limit of the %i bytes that come out",
    async (size) => {
      const chain = [...CODECS, ...CODECS] as const;
      const packed = await collect(encodeChain(chain, fromBytes(TEXT.slice(0, size))));
      expect((await collect(decodeChain(chain, fromBytes(packed), size))).length).toBe(size);
    },
  );

  test("end where endless data between two codecs would become nothing", async () => {
    const empty = await collect(encodeChain(["GZIP"], fromBytes(new Uint8Array())));
    let members = 0;
    const endless = async function* (): ByteStream {
      for (; ; members++) yield empty;
    };
    // stops for want of readers, not because `endless` ends
    const packed = encodeChain(["ZSTD"], endless());
    const failure = await collect(decodeChain(["GZIP", "ZSTD"], packed, 10)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PspfError);
    expect((failure as PspfError).message).toBe(
      "Cannot decode a chain of operations: more than 1048596 bytes are between two of them",
    );
    expect(members * empty.length).toBeGreaterThan(1024 * 1024);
  });

  test.each(["TAR", "BROTLI", "SHA256"] as const)("%s is no codec", async (name) => {
    const failure = await loadCodec(name).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PspfError);
    expect((failure as PspfError).code).toBe("operation-unsupported");
    expect((failure as PspfError).message).toContain(name.toLowerCase());
    expect((failure as PspfError).hint).toContain("gzip, bzip2, xz, zstd");
  });

  test.each(CODECS)("%s is the codec of that name", async (name) => {
    expect((await loadCodec(name)).name).toBe(name);
  });

  test.each<[readonly OperationName[], "TAR" | undefined, readonly OperationName[]]>([
    [[], undefined, []],
    [["TAR"], "TAR", []],
    [["TAR", "ZSTD"], "TAR", ["ZSTD"]],
    [["GZIP"], undefined, ["GZIP"]],
  ])("%p splits", (chain, bundle, codecs) => {
    expect(splitChain(chain)).toEqual({ bundle, codecs });
  });
});

describe("sniffing", () => {
  test.each(CODECS)("recognises %s", async (name) => {
    expect(sniff(await collect(encodeChain([name], fromBytes(TEXT))))).toBe(name);
  });

  const tar = new Uint8Array(512);
  tar.set(new TextEncoder().encode("ustar"), 257);
  test.each<[string, Bytes, OperationName | undefined]>([
    ["a tar header", tar, "TAR"],
    ["too little of a tar header", tar.slice(0, 261), undefined],
    ["the first skippable frame", Uint8Array.of(0x50, 0x2a, 0x4d, 0x18), "ZSTD"],
    ["the last skippable frame", Uint8Array.of(0x5f, 0x2a, 0x4d, 0x18), "ZSTD"],
    ["what is behind it", Uint8Array.of(0x60, 0x2a, 0x4d, 0x18), undefined],
    ["another gzip method", Uint8Array.of(0x1f, 0x8b, 0x07), undefined],
    ["nothing", new Uint8Array(0), undefined],
    ["text", TEXT, undefined],
  ])("%s", (_, bytes, name) => expect(sniff(bytes)).toBe(name));

  test("takes any bytes", () => {
    fc.assert(fc.property(fc.uint8Array(), (input) => void sniff(Uint8Array.from(input))));
  });
});
