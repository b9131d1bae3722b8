import { expect, test } from "bun:test";
import fc from "fast-check";
import type { TarHeader } from "../tar/tar-entry.ts";
import { entriesOf, listEntries } from "./entry-list.ts";

const text = fc.string({ unit: "grapheme" }).filter((it) => !it.includes("\0"));
const header: fc.Arbitrary<TarHeader> = fc.record({
  name: text,
  kind: fc.constantFrom("file", "directory", "symlink", "hardlink", "other"),
  size: fc.maxSafeNat(),
  linkName: text,
  mode: fc.nat(0o7777),
  mtime: fc.maxSafeInteger(),
  offset: fc.maxSafeNat(),
});

test("entries come out as they were put in, without modes, times and offsets", () => {
  fc.assert(
    fc.property(fc.array(header), (headers) => {
      const list = structuredClone(listEntries(headers));
      const bare = headers.map((entry) => ({ ...entry, mode: 0, mtime: 0, offset: 0 }));
      expect([...entriesOf(list)]).toEqual(bare);
    }),
  );
});
