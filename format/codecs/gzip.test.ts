import { expect, test } from "bun:test";
import { collect, concat, fromBytes } from "./streams.ts";
import { gzip } from "./gzip.ts";

const TEXT = new TextEncoder().encode("the same in every year and on every system");
const packed = await collect(gzip.encode(fromBytes(TEXT), {}));

test("the header names no time, no file and always the same system", () => {
  expect([...packed.slice(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
});

test("zero padding after the last member is read over, as gzip(1) does", async () => {
  for (const size of [1, 10, 512, 100_000])
    for (const pieces of [1, 7, 65_536])
      expect(await collect(gzip.decode(fromBytes(concat([packed, new Uint8Array(size)]), pieces)))).toEqual(
        TEXT,
      );
});

test("a damaged checksum is noticed", async () => {
  const broken = packed.slice();
  broken[broken.length - 8]! ^= 1;
  expect(await collect(gzip.decode(fromBytes(broken))).catch((error: Error) => error.message)).toStartWith(
    "Cannot decode gzip: ",
  );
});
