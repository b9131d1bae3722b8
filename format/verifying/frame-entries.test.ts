import { expect, test } from "bun:test";
import { type ByteSource, memorySource } from "../io/byte-source.ts";
import { concat, END } from "../tar/testing.ts";
import type { Bytes } from "../types.ts";
import { insideOf } from "../workenv/unpacking/long-file.ts";
import { framesAt, type SlotFrame } from "../workenv/unpacking/slot-frames.ts";
import { archive, compress } from "../workenv/unpacking/testing.ts";
import { frameReader } from "./frame-entries.ts";

const MIB = 1024 * 1024;

const file = (name: string, size: number) => ({ name, body: "\0".repeat(size) });
const LONG = file("long", 6 * MIB + 100);

/** A part of an archive in frames of 1 MiB. */
function cut(part: Bytes, isLast = false): { readonly source: ByteSource; readonly frame: SlotFrame } {
  const frames: Bytes[] = [];
  for (let at = 0; at < part.length; at += MIB) frames.push(part.slice(at, at + MIB));
  const compressed = frames.map(compress);
  const sizes = frames.map(({ length: content }, i) => ({
    compressed: (compressed[i] as Bytes).length,
    content,
  }));
  const [frame] = framesAt(0, [sizes]) as [SlotFrame];
  return { source: memorySource(concat(compressed)), frame: { ...frame, isLast } };
}

async function around({ source, frame }: ReturnType<typeof cut>) {
  const read: number[] = [];
  const noted: ByteSource = {
    ...source,
    read(at, length, into) {
      read.push(at);
      return source.read(at, length, into);
    },
  };
  return { entries: await frameReader(noted).entriesAround(frame), read };
}

test.each<[string, ReturnType<typeof cut>]>([
  ["at the end of an archive", cut(concat([archive(LONG), END]), true)],
  ["and none but it", cut(archive(LONG))],
  ["behind others", cut(archive(file("a", 0), file("b", 1000), LONG))],
])("the inside of a long file is for others: %s", async (_, part) => {
  const { entries, read } = await around(part);
  expect(entries).toEqual(await frameReader(part.source).entriesIn(part.frame));
  const inside = insideOf(part.frame).map(({ offset }) => offset);
  expect(inside).toEqual(part.frame.pieces.slice(1, 5).map(({ offset }) => offset));
  expect(read).toEqual(part.frame.pieces.map(({ offset }) => offset).filter((at) => !inside.includes(at)));
});

test.each<[string, ReturnType<typeof cut>, string[]]>([
  ["is over in the first frame", cut(archive(file("a", 100), LONG, file("b", 0))), ["a", "long", "b"]],
  ["ends before another", cut(archive(file("a", 3 * MIB), file("b", 3 * MIB))), ["a", "b"]],
  ["has many small ones behind it", cut(archive(LONG, ...Array(2200).fill(file("b", 0)))), ["long", "b"]],
])("a part is decoded whole where a long file %s", async (_, part, names) => {
  const { entries, read } = await around(part);
  expect(entries).toEqual(await frameReader(part.source).entriesIn(part.frame));
  expect([...new Set(entries.map(({ name }) => name))]).toEqual(names);
  expect(read).toHaveLength(part.frame.pieces.length);
});

const changed = (part: Bytes, at: number): Bytes => part.with(at, 1) as Bytes;

test.each<[string, ReturnType<typeof cut>, RegExp]>([
  ["anything behind it", cut(changed(archive(LONG), 512 + 6 * MIB + 100)), /behind a long file/],
  ["anything behind the archive", cut(changed(concat([archive(LONG), END]), 6 * MIB + 1500), true), /behind/],
  ["no end of the archive", cut(archive(LONG), true), /breaks off/],
  ["half an end", cut(concat([archive(LONG), END.slice(512)]), true), /breaks off/],
])("a long file may not have %s", async (_, part, why) => {
  await expect(around(part)).rejects.toThrow(why);
});
