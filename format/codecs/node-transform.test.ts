import { expect, test } from "bun:test";
import { PassThrough } from "node:stream";
import type { ByteStream } from "../types.ts";
import { throughTransform } from "./node-transform.ts";
import { collect } from "./streams.ts";

test("what the input throws is thrown, also when the transform has ended by itself before", async () => {
  const transform = new PassThrough();
  async function* input(): ByteStream {
    yield Uint8Array.of(1);
    transform.push(null);
    await new Promise((resolve) => transform.once("end", resolve));
    throw new Error("the input is bad");
  }
  await expect(collect(throughTransform(input(), transform))).rejects.toThrow("the input is bad");
});
