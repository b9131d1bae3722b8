import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { PspfError } from "../errors.ts";
import type { Bytes, ByteStream } from "../types.ts";
import { bzip2 } from "./bzip2.ts";
import type { Codec } from "./codec.ts";
import { gzip } from "./gzip.ts";
import { collect, concat, fromBytes } from "./streams.ts";
import { xz } from "./xz.ts";
import { zstd } from "./zstd.ts";
import { zstdPortable } from "./zstd-portable.ts";

interface Row {
  readonly label: string;
  readonly codec: Codec;
  readonly tool: string;
  readonly levels: readonly number[];
  /** The levels that have names. */
  readonly named: { readonly fast: number; readonly best: number };
  /** Whether what it writes lets a reader notice every damage. */
  readonly checked: boolean;
}

const ROWS: readonly Row[] = [
  { label: "gzip", codec: gzip, tool: "gzip", levels: [0, 1, 9], named: { fast: 1, best: 9 }, checked: true },
  { label: "bzip2", codec: bzip2, tool: "bzip2", levels: [1, 9], named: { fast: 1, best: 9 }, checked: true },
  { label: "xz", codec: xz, tool: "xz", levels: [0, 3, 9], named: { fast: 1, best: 9 }, checked: true },
  { label: "zstd", codec: zstd, tool: "zstd", levels: [1, 19], named: { fast: 2, best: 19 }, checked: true },
  {
    label: "zstd-portable",
    codec: zstdPortable,
    tool: "zstd",
    levels: [1, 9],
    named: { fast: 1, best: 9 },
    checked: false,
  },
];

/** Bytes with the statistics of programs: words, runs, copies from far back, noise. The same in every run. */
function program(size: number): Bytes {
  const bytes = new Uint8Array(size);
  let seed = 12345;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  for (let at = 0; at < size;) {
    const length = Math.min(size - at, 1 + random(200));
    const kind = random(4);
    for (let i = 0; i < length; i++, at++)
      bytes[at] =
        kind === 0
          ? random(256)
          : kind === 1
            ? 32 + random(20)
            : kind === 2
              ? length
              : bytes[random(at + 1)]!;
    if (kind === 3 && at > length) bytes.copyWithin(at - length, random(at - length));
  }
  return bytes;
}

const PROGRAM = program(300_000);

const SAMPLES: readonly (readonly [string, Bytes])[] = [
  ["nothing", new Uint8Array(0)],
  ["one byte", Uint8Array.of(7)],
  ["a word", new TextEncoder().encode("banana")],
  ["four equal bytes", new Uint8Array(4).fill(65)],
  ["259 equal bytes", new Uint8Array(259).fill(65)],
  ["260 equal bytes", new Uint8Array(260).fill(65)],
  ["zeros", new Uint8Array(1_000_000)],
  ["a short period", Uint8Array.from({ length: 200_000 }, (_, i) => 97 + (i % 3))],
  ["all bytes", Uint8Array.from({ length: 70_000 }, (_, i) => i)],
  ["noise", PROGRAM.slice(0, 100_000).map((byte, i) => byte ^ Math.imul(i, 2654435761 >>> (i % 13)))],
  ["a program", PROGRAM],
];

const encode = (codec: Codec, bytes: Bytes, level?: number): Promise<Bytes> =>
  collect(codec.encode(fromBytes(bytes), level === undefined ? {} : { level }));
const decode = (codec: Codec, bytes: Bytes): Promise<Bytes> => collect(codec.decode(fromBytes(bytes)));

/** The bytes, or the code of the failure; any other kind of error fails the test. */
async function outcome(work: Promise<Bytes>): Promise<Bytes | string> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof PspfError)) throw error;
    expect(error.message).toStartWith("Cannot decode ");
    expect(error.message).not.toContain("\n");
    return error.code;
  }
}

/** The stream in pieces of these sizes, the last one over and over. */
async function* inPieces(bytes: Bytes, sizes: readonly number[]): ByteStream {
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = sizes[Math.min(n, sizes.length - 1)]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const anySizes = fc
  .array(fc.integer({ min: 0, max: 5000 }), { maxLength: 8 })
  .map((sizes) => [...sizes, 1 + (sizes[0] ?? 16)]);

describe.each(ROWS)("$label", ({ codec, tool, levels, named, checked }) => {
  test.each(SAMPLES)("keeps %s", async (_, bytes) => {
    expect(Buffer.compare(await decode(codec, await encode(codec, bytes)), bytes)).toBe(0);
  });

  test.each(levels)("keeps a program at level %d", async (level) => {
    const packed = await encode(codec, PROGRAM, level);
    expect(Buffer.compare(await decode(codec, packed), PROGRAM)).toBe(0);
    if (level > 0) expect(packed.length).toBeLessThan(PROGRAM.length * 0.8);
  });

  test("knows fast and best by name", async () => {
    for (const name of ["fast", "best"] as const) {
      const [by, of] = [name, named[name]].map((level) => codec.encode(fromBytes(PROGRAM), { level }));
      expect(await collect(by as ByteStream)).toEqual(await collect(of as ByteStream));
    }
  });

  test("refuses levels that it does not have", () => {
    for (const level of [-1, 99, 1.5, Number.NaN])
      expect(() => codec.encode(fromBytes(PROGRAM), { level })).toThrow(/its levels are \d to \d+/);
  });

  test("keeps any bytes in any pieces, and the pieces do not matter", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 3000 }),
        anySizes,
        anySizes,
        async (input, sizes, others) => {
          const bytes = Uint8Array.from(input);
          const packed = await collect(codec.encode(inPieces(bytes, sizes), {}));
          expect(packed).toEqual(await encode(codec, bytes));
          expect(await collect(codec.decode(inPieces(packed, others)))).toEqual(bytes);
        },
      ),
      { numRuns: 40 },
    );
  });

  test("pieces of a larger input do not matter either", async () => {
    const whole = await encode(codec, PROGRAM);
    const packed = await collect(codec.encode(inPieces(PROGRAM, [1, 70_000, 13, 999]), {}));
    expect(Buffer.compare(packed, whole)).toBe(0);
    expect(Buffer.compare(await collect(codec.decode(inPieces(whole, [1, 3, 50_000, 7]))), PROGRAM)).toBe(0);
  });

  test("reads streams one after the other", async () => {
    const parts = [PROGRAM.slice(0, 5000), new Uint8Array(0), PROGRAM.slice(5000, 9000)];
    const packed = concat(await Promise.all(parts.map((part) => encode(codec, part))));
    expect(await decode(codec, packed)).toEqual(concat(parts));
    expect(await collect(codec.decode(inPieces(packed, [1])))).toEqual(concat(parts));
  });

  test("refuses input that ends anywhere before its end", async () => {
    const bytes = PROGRAM.slice(0, 300);
    const packed = await encode(codec, bytes);
    for (let size = 0; size < packed.length; size++)
      expect([size, await outcome(decode(codec, packed.slice(0, size)))]).toEqual([size, "codec-failed"]);
    // Twice, because the second stream begins where a first one has ended well.
    for (let size = packed.length + 1; size < 2 * packed.length; size += 5)
      expect(await outcome(decode(codec, concat([packed, packed]).slice(0, size)))).toBe("codec-failed");
  });

  test("refuses what comes after the end", async () => {
    const packed = await encode(codec, PROGRAM.slice(0, 300));
    for (const rest of ["x", "garbage", "more garbage than any header is long"]) {
      const more = new TextEncoder().encode(rest);
      expect(await outcome(decode(codec, concat([packed, more])))).toBe("codec-failed");
      const pieces = async function* (): ByteStream {
        yield packed;
        yield more;
      };
      expect(await outcome(collect(codec.decode(pieces())))).toBe("codec-failed");
    }
  });

  test("any bytes are refused", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (input) => {
        expect(await outcome(decode(codec, Uint8Array.from(input)))).toBe("codec-failed");
      }),
      { numRuns: 60 },
    );
  });

  test("any damage is refused or harmless", async () => {
    const bytes = PROGRAM.slice(0, 20_000);
    const packed = await encode(checked ? codec : zstd, bytes);
    const anyDamage = fc.tuple(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyDamage, { minLength: 1, maxLength: 4 }),
        anySizes,
        async (damages, sizes) => {
          const broken = packed.slice();
          for (const [at, flip] of damages) broken[at]! ^= flip;
          const result = await outcome(collect(codec.decode(inPieces(broken, sizes))));
          if (typeof result === "string") expect(result).toBe("codec-failed");
          else expect(Buffer.compare(result, bytes)).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("damage in front of plausible data is refused or decoded, never a crash", async () => {
    const packed = await encode(codec, PROGRAM.slice(0, 2000));
    await fc.assert(
      fc.asyncProperty(fc.nat(60), fc.uint8Array({ minLength: 1, maxLength: 20 }), async (at, junk) => {
        const broken = packed.slice();
        broken.set(junk.slice(0, packed.length - at), at);
        await outcome(decode(codec, broken));
      }),
      { numRuns: 60 },
    );
  });

  const has = Bun.which(tool) !== null;
  describe.skipIf(!has)(`${tool}(1)${has ? "" : " is not installed here: skipped"}`, () => {
    const run = (args: readonly string[], input: Bytes): Bytes => {
      const { stdout, stderr, status } = spawnSync(tool, args, { input, maxBuffer: 1 << 26 });
      expect(stderr.toString()).toBe("");
      expect(status).toBe(0);
      return new Uint8Array(stdout);
    };

    test.each(SAMPLES)("reads what we make of %s", async (_, bytes) => {
      expect(Buffer.compare(run(["-dcq"], await encode(codec, bytes)), bytes)).toBe(0);
    });

    test.each(SAMPLES)("writes %s so that we can read it", async (_, bytes) => {
      for (const level of ["-1", "-9"])
        expect(Buffer.compare(await decode(codec, run([level, "-cq"], bytes)), bytes)).toBe(0);
    });
  });

  test("a failing input stays what it is", async () => {
    const packed = await encode(codec, PROGRAM);
    const fault = new Error("injected");
    const failing = async function* (bytes: Bytes): ByteStream {
      yield bytes.subarray(0, 100);
      throw fault;
    };
    for (const stream of [codec.decode(failing(packed)), codec.encode(failing(PROGRAM), {})])
      expect(
        await collect(stream).then(
          () => "no failure",
          (error: unknown) => error,
        ),
      ).toBe(fault);
  });

  test("leaving early closes the input, both ways", async () => {
    const packed = await encode(codec, concat([PROGRAM, PROGRAM, PROGRAM, PROGRAM]));
    let closed = 0;
    const endless = async function* (bytes: Bytes): ByteStream {
      try {
        for (;;) for await (const piece of fromBytes(bytes)) yield piece.slice();
      } finally {
        closed++;
      }
    };
    for await (const _ of codec.decode(endless(packed))) break;
    expect(closed).toBe(1);
    let size = 0;
    for await (const piece of codec.encode(endless(PROGRAM), { level: 1 })) {
      size += piece.length;
      if (size > 1000) break;
    }
    expect(closed).toBe(2);
  });

  test("a failing decode closes the input", async () => {
    let closed = false;
    const garbage = async function* (): ByteStream {
      try {
        for (;;) yield PROGRAM;
      } finally {
        closed = true;
      }
    };
    expect(await outcome(collect(codec.decode(garbage())))).toBe("codec-failed");
    expect(closed).toBe(true);
  });
});

test("both zstd back ends read each other", async () => {
  for (const [, bytes] of SAMPLES)
    for (const [from, to] of [
      [zstd, zstdPortable],
      [zstdPortable, zstd],
    ] as const)
      expect(Buffer.compare(await decode(to, await encode(from, bytes)), bytes)).toBe(0);
});

test("an unfinished decode does not keep a process alive", async () => {
  const modules = ["gzip", "bzip2", "xz", "zstd", "zstd-portable"].map(
    (name) => `${import.meta.dir}/${name}.ts`,
  );
  const script = `
    import { collect, fromBytes } from ${JSON.stringify(`${import.meta.dir}/streams.ts`)};
    for (const path of ${JSON.stringify(modules)})
      for (const codec of Object.values(await import(path))) {
        const noise = crypto.getRandomValues(new Uint8Array(65_536));
        const packed = await collect(codec.encode(fromBytes(noise), {}));
        const input = async function* () { for (;;) yield packed.slice(); };
        const abandoned = codec.decode(input())[Symbol.asyncIterator]();
        await abandoned.next();
        const left = codec.decode(input())[Symbol.asyncIterator]();
        await left.next();
        await left.return();
        process.stdout.write(codec.name + " ");
      }
  `;
  const child = Bun.spawn([process.execPath, "-e", script], {
    stdout: "pipe",
    stderr: "pipe",
    timeout: 20_000,
  });
  expect(await child.stderr.text()).toBe("");
  expect(await child.stdout.text()).toBe("GZIP BZIP2 XZ ZSTD ZSTD ");
  expect(await child.exited).toBe(0);
}, 30_000);
