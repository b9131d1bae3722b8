import { expect, test } from "bun:test";
import { failureOf } from "../tests/support/failure.ts";
import { collect, fromBytes } from "./codecs/streams.ts";
import type { Slot } from "./reader.ts";
import { limitFor, limitOf, withinLimit } from "./slot-limit.ts";

const MIB = 1024 * 1024;

const slotOf = (limit: number, originalSize?: number): Slot =>
  ({
    entry: { index: 3, id: "it", ...(originalSize === undefined ? {} : { originalSize }) },
    limit,
  }) as Slot;

test.each([
  [0, 1, 1024 * MIB],
  [1000, 1, 250_000 + 1024 * MIB],
  [1000, 4, 250_000 + 256 * MIB],
  [MIB, 4096, 250 * MIB + MIB / 4],
])("%i stored bytes in one of %i slots of unknown size may become %i", (stored, sharers, most) => {
  expect(limitFor(stored, sharers)).toBe(most);
});

test("together, slots of unknown size get one share", () => {
  const slots = 4096;
  expect(slots * limitFor(0, slots)).toBeLessThanOrEqual(1024 * MIB);
});

test("a signed size is the limit, whatever else there is", () => {
  expect(limitOf(slotOf(5, 7))).toBe(7);
  expect(limitOf(slotOf(5))).toBe(5);
});

const contentOf = (size: number, slot: Slot) =>
  collect(withinLimit(fromBytes(new Uint8Array(size), 3), slot));

test.each([
  [10, slotOf(10)],
  [0, slotOf(0)],
  [9, slotOf(10)],
  [10, slotOf(0, 10)],
  [0, slotOf(0, 0)],
])("%i bytes pass where they may", async (size, slot) => {
  expect((await contentOf(size, slot)).length).toBe(size);
});

test.each([
  [11, slotOf(10), "it grows beyond 10 bytes, and no size of it was signed"],
  [11, slotOf(99, 10), "it does not have the 10 bytes that were signed"],
  [9, slotOf(99, 10), "it does not have the 10 bytes that were signed"],
  [1, slotOf(99, 0), "it does not have the 0 bytes that were signed"],
])("%i bytes are refused where they may not be", async (size, slot, state) => {
  expect(await failureOf(() => contentOf(size, slot))).toMatchObject({
    code: "archive-invalid",
    message: `Cannot unpack slot 3 (it): ${state}`,
  });
});

test.each([slotOf(2 * MIB), slotOf(0, 2 * MIB)])("what is too much is not read to its end", async (slot) => {
  let read = 0;
  const large = async function* () {
    for (; read < 100; read++) yield new Uint8Array(MIB);
  };
  await failureOf(() => collect(withinLimit(large(), slot)));
  expect(read).toBeLessThan(4);
});
