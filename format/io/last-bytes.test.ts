import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { lastBytes } from "./last-bytes.ts";

test("the last bytes of a file, as many as were asked for", () => {
  using dir = tempDir();
  const path = join(dir.path, "file");
  writeFileSync(path, Uint8Array.of(1, 2, 3, 4, 5));
  expect(lastBytes(path, 2)).toEqual(Uint8Array.of(4, 5));
  expect(lastBytes(path, 5)).toEqual(Uint8Array.of(1, 2, 3, 4, 5));
});

test("nothing of a file that is shorter, not there, or a folder", () => {
  using dir = tempDir();
  const path = join(dir.path, "file");
  writeFileSync(path, "abc");
  expect(lastBytes(path, 4)).toBeUndefined();
  expect(lastBytes(join(dir.path, "none"), 1)).toBeUndefined();
  expect(lastBytes(dir.path, 1)).toBeUndefined();
});
