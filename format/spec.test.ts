import { expect, test } from "bun:test";
import { join } from "node:path";
import * as spec from "./spec.ts";

test("the program's version is the one of package.json", async () => {
  const manifest = (await Bun.file(join(import.meta.dir, "..", "package.json")).json()) as {
    version: string;
  };
  expect(spec.FLAVOR_VERSION as string).toBe(manifest.version);
});

test("the markers are the two characters in UTF-8", () => {
  expect(new TextDecoder().decode(spec.TRAILER_START)).toBe("\u{1F4E6}");
  expect(new TextDecoder().decode(spec.TRAILER_END)).toBe("\u{1FA84}");
});

test.each([
  ["FORMAT_VERSION", spec.FORMAT_VERSION, 0x20250001],
  ["INDEX_SIZE", spec.INDEX_SIZE, 8192],
  ["TRAILER_SIZE", spec.TRAILER_SIZE, 8200],
  ["SLOT_DESCRIPTOR_SIZE", spec.SLOT_DESCRIPTOR_SIZE, 64],
  ["MAX_METADATA_SIZE", spec.MAX_METADATA_SIZE, 1_048_576],
  ["MAX_OPERATIONS", spec.MAX_OPERATIONS, 8],
])("%s is %i, as the specification says", (_, ours, specified) => {
  expect(ours).toBe(specified);
});
