import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import type { Bytes } from "../types.ts";
import { crc32 } from "./crc.ts";
import { collect, concat, fromBytes } from "./streams.ts";
import { xz } from "./xz.ts";
import { encodeIndex, encodeStreamFooter, encodeStreamHeader, encodeVarint, le32 } from "./xz-container.ts";

const decode = (bytes: Bytes): Promise<Bytes> => collect(xz.decode(fromBytes(bytes)));
const encode = (bytes: Bytes, level: number): Promise<Bytes> =>
  collect(xz.encode(fromBytes(bytes), { level }));
const messageOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "no failure",
    (error: Error) => error.message,
  );

/** Noise that comes back from `distance` bytes before, with one byte changed here and there. */
function echo(size: number, distance: number): Bytes {
  const bytes = new Uint8Array(size);
  let state = 1;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = i < distance || state < 0x100_0000 ? state >>> 24 : bytes[i - distance]!;
  }
  return bytes;
}

const TEXT = new TextEncoder().encode("packed and unpacked, ".repeat(20));
const PACKED = await encode(TEXT, 6);

describe("windows", () => {
  // Level 0 has a dictionary of 256 KiB, so that its window moves several times here.
  test.each([1, 4, 1000, 262_143, 262_144, 262_145, 300_000])("matches %d bytes back", async (distance) => {
    const bytes = echo(1_500_000, distance);
    const packed = await encode(bytes, 0);
    expect(Buffer.compare(await decode(packed), bytes)).toBe(0);
    if (distance < 262_144) expect(packed.length).toBeLessThan(distance + 200_000);
  });

  test("chunks end at their largest size", async () => {
    const bytes = new Uint8Array(5_000_000);
    const packed = await encode(bytes, 0);
    expect(packed.length).toBeLessThan(2000);
    expect(Buffer.compare(await decode(packed), bytes)).toBe(0);
  });

  test("noise is stored, and what comes after it compressed again", async () => {
    const noise = echo(200_000, 1_000_000);
    const bytes = concat([noise, new Uint8Array(100_000), noise.map((byte) => byte ^ 85), TEXT]);
    const packed = await encode(bytes, 0);
    expect(packed.length).toBeLessThan(402_000);
    expect(Buffer.compare(await decode(packed), bytes)).toBe(0);
  });
});

describe("the container", () => {
  test("streams may be padded with zeros in fours", async () => {
    const padded = (size: number): Bytes =>
      concat([PACKED, new Uint8Array(size), PACKED, new Uint8Array(size)]);
    expect(await decode(padded(8))).toEqual(concat([TEXT, TEXT]));
    expect(await messageOf(decode(padded(6)))).toContain("padding");
    expect(await messageOf(decode(concat([PACKED, new Uint8Array(3)])))).toContain("end too early");
  });

  /** The packed text with another block header, its checksum made right again. */
  const withBlockHeader = (change: (header: Bytes) => void): Bytes => {
    const bytes = PACKED.slice();
    const header = bytes.subarray(12, 20);
    change(header);
    bytes.set(le32(crc32(header)), 20);
    return bytes;
  };

  test.each([24, 400, 5000])(
    "sizes in the header of a block are read and compared: %d bytes",
    async (size) => {
      const bytes = echo(size, 10);
      const packed = await encode(bytes, 6);
      const packedSize = 6 + ((packed[27]! << 8) | packed[28]!) + 1 + 1;
      const check = 8;
      const withSizes = (packedEntry: number, sizeEntry: number): Bytes => {
        const fields = [0xc0, ...encodeVarint(packedEntry), ...encodeVarint(sizeEntry), 0x21, 1, 22];
        const header = new Uint8Array(Math.ceil((1 + fields.length) / 4) * 4);
        header.set([header.length / 4, ...fields]);
        const index = encodeIndex([{ unpaddedSize: header.length + 4 + packedSize + check, size }]);
        return concat([
          encodeStreamHeader(4),
          header,
          le32(crc32(header)),
          packed.subarray(24, 24 + packedSize + (-packedSize & 3) + check),
          index,
          encodeStreamFooter(4, index.length),
        ]);
      };
      expect(await decode(withSizes(packedSize, size))).toEqual(bytes);
      for (const wrong of [withSizes(packedSize + 1, size), withSizes(packedSize, size - 1)])
        expect(await messageOf(decode(wrong))).toContain("not the size that its header says");
    },
  );

  test("the padding of a block is zero", async () => {
    const found: number[] = [];
    for (let distance = 10; distance < 40; distance++) {
      const packed = await encode(echo(400, distance), 6);
      const packedSize = 6 + ((packed[27]! << 8) | packed[28]!) + 1 + 1;
      if (packedSize % 4 === 0) continue;
      found.push(packedSize % 4);
      expect(await messageOf(decode(packed.with(24 + packedSize, 1)))).toContain("the padding of a block");
    }
    expect(new Set(found).size).toBe(3);
  });

  test.each([
    ["a damaged header", PACKED.with(8, 1), "its header is damaged"],
    ["a damaged block header", PACKED.with(16, 1), "the header of a block is damaged"],
    ["another filter", withBlockHeader((header) => header.set([0x04], 2)), "filter 0x4"],
    ["two filters", withBlockHeader((header) => header.set([1], 1)), "only plain LZMA2"],
    ["unknown flags", withBlockHeader((header) => header.set([4], 1)), "unknown flags"],
    ["a dictionary of 4 GiB", withBlockHeader((header) => header.set([40], 4)), "dictionary of 4096 MiB"],
    [
      "a dictionary past all sizes",
      withBlockHeader((header) => header.set([41], 4)),
      "impossible properties",
    ],
    ["more fields", withBlockHeader((header) => header.set([1], 5)), "unknown fields"],
    ["a chunk of an unknown kind", PACKED.with(24, 0x03), "unknown kind"],
    ["a chunk without a dictionary", PACKED.with(24, 0x02), "does not reset the dictionary"],
    ["impossible properties", PACKED.with(29, 0xe1), "impossible LZMA properties"],
    ["a damaged chunk", PACKED.with(40, PACKED[40]! ^ 1), "a chunk is damaged"],
    ["a damaged end of a chunk", PACKED.with(56, PACKED[56]! ^ 1), "a chunk is damaged"],
    ["a damaged checksum", PACKED.with(PACKED.length - 25, 0), "the checksum of a block"],
    ["a damaged index", PACKED.with(PACKED.length - 22, 0xff), "index"],
    ["a damaged footer", PACKED.with(PACKED.length - 1, 0), "footer"],
  ])("%s is refused by name", async (_, bytes, says) => {
    expect(await messageOf(decode(bytes))).toContain(says);
  });

  test("a stream of nothing has no block", async () => {
    expect((await encode(new Uint8Array(0), 6)).length).toBe(32);
  });
});

const hasTool = Bun.which("xz") !== null;
describe.skipIf(!hasTool)(`xz(1)${hasTool ? "" : " is not installed here: skipped"}`, () => {
  test.each([
    "--check=none",
    "--check=crc32",
    "--check=sha256",
    "--lzma2=dict=4KiB,lc=0,lp=2,pb=0",
    "--lzma2=lc=4,pb=4,mode=normal,nice=273,mf=bt4",
    "--block-size=100000",
  ])("its %s is read", async (option) => {
    const bytes = concat([echo(300_000, 5000), echo(50_000, 100_000), echo(50_000, 3)]);
    const { stdout } = spawnSync("xz", ["-c", "-T2", option], { input: bytes, maxBuffer: 1 << 26 });
    expect(stdout.length).toBeGreaterThan(100);
    expect(Buffer.compare(await decode(new Uint8Array(stdout)), bytes)).toBe(0);
  });

  test.each([0, 1, 6, 9])("it reads our level %d", async (level) => {
    const bytes = concat([echo(700_000, 300_000), new Uint8Array(3_000_000), echo(100_000, 7)]);
    const { stdout } = spawnSync("xz", ["-dc"], { input: await encode(bytes, level), maxBuffer: 1 << 26 });
    expect(Buffer.compare(new Uint8Array(stdout), bytes)).toBe(0);
  });
});
