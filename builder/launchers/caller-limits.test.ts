import { expect, test } from "bun:test";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { keepCallersLimits } from "./caller-limits.ts";

const isElf = process.platform === "linux";
if (!isElf) process.stderr.write("skipped: limits of an executable for Linux, there is none at hand\n");

test.skipIf(!isElf)("one byte of an executable of Bun changes, once", () => {
  using dir = tempDir();
  const path = join(dir.path, "bun");
  copyFileSync(process.execPath, path);
  const before = readFileSync(path);
  expect(keepCallersLimits(path)).toBe(true);
  const after = readFileSync(path);
  expect(after.length).toBe(before.length);
  const at = before.indexOf("\0setrlimit\0") + 1;
  expect([before[at], after[at]]).toEqual([0x73, 0x67]);
  after[at] = 0x73;
  expect(after.equals(before)).toBe(true);
  expect(keepCallersLimits(path)).toBe(false);
});

test.skipIf(!isElf)("an executable that does not have the other name, too, stays as it is", () => {
  using dir = tempDir();
  const path = join(dir.path, "bun");
  const bytes = readFileSync(process.execPath);
  bytes[bytes.indexOf("\0getrlimit\0") + 1] = 0x78;
  writeFileSync(path, bytes);
  expect(keepCallersLimits(path)).toBe(false);
  expect(readFileSync(path).equals(bytes)).toBe(true);
});

test("whatever else a file is, it stays as it is", () => {
  using dir = tempDir();
  const path = join(dir.path, "file");
  const elf = Uint8Array.fromHex("7f454c460201");
  fc.assert(
    fc.property(fc.boolean(), fc.uint8Array({ maxLength: 400 }), (isElf, rest) => {
      const bytes = Buffer.from([...(isElf ? elf : []), ...rest]);
      writeFileSync(path, bytes);
      expect(keepCallersLimits(path)).toBe(false);
      expect(readFileSync(path).equals(bytes)).toBe(true);
    }),
  );
});
