import { expect, test } from "bun:test";
import fc from "fast-check";
import type { IndexedFile } from "../mending/stat-index.ts";
import { FileRows, rowsIn } from "./unpacked.ts";

test("property: rows come out as they were noted, however many there are", () => {
  const path = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0"));
  const row = fc.tuple(path, fc.nat(), fc.double({ noNaN: true }), fc.nat(), fc.integer());
  fc.assert(
    fc.property(fc.array(row, { maxLength: 20 }), fc.nat(150), (some, times) => {
      const all: readonly IndexedFile[] = Array.from({ length: times }, () => some).flat();
      const rows = new FileRows();
      for (const it of all) rows.add(...it);
      expect(rowsIn(structuredClone(rows.packed()))).toEqual([...all]);
    }),
  );
});
