import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Bytes } from "../types.ts";
import { mayBegin } from "./archive-part.ts";
import { type ArchivePiece, cutArchive } from "./cut-archive.ts";
import { concat, END, inPieces, outcome, paxRecord, rawArchive, rawEntry } from "./testing.ts";
import { tarParser } from "./tar-parser.ts";

const SIZES = { part: 4096, long: 8192 };

interface Part {
  readonly kind: ArchivePiece["begins"];
  readonly bytes: Bytes;
}

/** With the pieces of a long entry put together. */
async function partsOf(archive: Bytes, pieceSize = 1000): Promise<readonly Part[]> {
  const parts: { kind: Part["kind"]; pieces: Bytes[] }[] = [];
  let offset = 0;
  for await (const { begins, bytes } of cutArchive(inPieces(archive, pieceSize), SIZES)) {
    if (begins !== undefined && mayBegin(offset)) parts.push({ kind: begins, pieces: [] });
    offset += bytes.length;
    parts.at(-1)?.pieces.push(bytes);
  }
  return parts.map(({ kind, pieces }) => ({ kind, bytes: concat(pieces) }));
}

/** The names in a part that is not the last, or in the last. */
function namesIn(part: Bytes, ending: "open" | "marked"): readonly string[] {
  const names: string[] = [];
  const parser = tarParser({ entry: ({ name }) => void names.push(name) }, { ending });
  parser.push(part);
  parser.end();
  return names;
}

const entries = fc.array(
  fc.record({
    name: fc.stringMatching(/^[a-z]{1,8}$/),
    size: fc.oneof(fc.nat(600), fc.nat(5000), fc.integer({ min: 8000, max: 20_000 })),
    isLongName: fc.boolean(),
  }),
  { maxLength: 20 },
);

test("property: parts are archives, in order, and nothing is lost", async () => {
  await fc.assert(
    fc.asyncProperty(entries, fc.integer({ min: 1, max: 3000 }), async (list, pieceSize) => {
      const archive = concat([
        ...list.flatMap(({ name, size, isLongName }) => [
          ...(isLongName ? [rawEntry({ name: "x", type: "x", body: paxRecord("path", name) })] : []),
          rawEntry({ name: isLongName ? "entries" : name, body: "b".repeat(size) }),
        ]),
        END,
      ]);
      const parts = await partsOf(archive, pieceSize);
      expect(concat(parts.map(({ bytes }) => bytes))).toEqual(archive);
      const names = parts.map(({ bytes }, i) => namesIn(bytes, i === parts.length - 1 ? "marked" : "open"));
      expect(names.flat()).toEqual(list.map(({ name }) => name));
      for (const [i, { kind, bytes }] of parts.entries()) {
        const isLast = i === parts.length - 1;
        if (kind === "long entry") expect(names[i]).toHaveLength(1);
        else expect(bytes.length).toBeLessThan(SIZES.part + SIZES.long + 3 * 512 + END.length);
        if (!isLast && kind === "entries" && parts[i + 1]?.kind === "entries")
          expect(bytes.length).toBeGreaterThanOrEqual(SIZES.part);
      }
    }),
    { numRuns: 60 },
  );
});

test("a large entry is a part of its own, wherever it stands", async () => {
  const small = { name: "small", body: "s" };
  const large = { name: "large", body: "l".repeat(9000) };
  const kinds = async (...list: readonly (typeof small)[]) =>
    (await partsOf(rawArchive(...list))).map(({ kind }) => kind);
  expect(await kinds(large)).toEqual(["long entry"]);
  expect(await kinds(small, large, small)).toEqual(["entries", "long entry", "entries"]);
  expect(await kinds(large, large)).toEqual(["long entry", "long entry"]);
  expect(await kinds(small, small)).toEqual(["entries"]);
  expect(await kinds()).toEqual(["entries"]);
});

test("what is no archive, or breaks off, is refused", async () => {
  const archive = rawArchive({ name: "a", body: "1".repeat(600) });
  const cut = (bytes: Bytes) => outcome(() => partsOf(bytes));
  expect(await cut(archive.slice(0, 1500))).toBe("archive-invalid");
  expect(await cut(archive.slice(0, -1024))).toBe("archive-invalid");
  expect(await cut(new Uint8Array(Buffer.from("no archive".repeat(100))))).toBe("archive-invalid");
});
