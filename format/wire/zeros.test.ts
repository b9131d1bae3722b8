import { expect, test } from "bun:test";
import { isZero } from "./zeros.ts";

test("bytes are zero when each of them is", () => {
  expect(isZero(new Uint8Array())).toBe(true);
  expect(isZero(new Uint8Array(100))).toBe(true);
  for (const at of [0, 50, 99]) expect(isZero(new Uint8Array(100).with(at, 1))).toBe(false);
});
