import { describe, expect, test } from "bun:test";
import { concat, rawArchive, rawEntry } from "../format/tar/testing.ts";
import type { Bytes } from "../format/types.ts";
import { compressFrame } from "./compress-frame.ts";
import { type Destination, frameProver } from "./made-frames.ts";

const PART = concat([rawEntry({ name: "a", body: "content" }), rawEntry({ name: "b/", type: "5" })]);
const LAST = rawArchive({ name: "c", body: "more".repeat(300_000) });
const HERE: Destination = { target: "", os: "linux" };

async function proven(content: Bytes, isLast: boolean, of: Bytes = content, prover = frameProver(HERE)) {
  const frame = await compressFrame(of, 3);
  return { frame, entries: prover.entriesIn(frame, content, isLast) };
}

describe("a frame", () => {
  test("that decodes to its content has the entries that a reader sees", async () => {
    const { entries } = await proven(PART, false);
    expect(entries?.map(({ name, kind, size }) => [name, kind, size])).toEqual([
      ["a", "file", 7],
      ["b/", "directory", 0],
    ]);
    expect((await proven(LAST, true)).entries).toHaveLength(1);
  });

  test.each<[string, Bytes]>([
    ["other bytes", LAST.map((byte, i) => (i === 700_000 ? byte ^ 1 : byte))],
    ["less", LAST.subarray(0, -512)],
    ["more", concat([LAST, new Uint8Array(512)])],
  ])("of %s than went in is not vouched for", async (_, other) => {
    expect((await proven(LAST, true, other)).entries).toBe(undefined);
  });

  test.each<[string, (frame: Bytes) => Bytes]>([
    ["that breaks off", (frame) => frame.subarray(0, -1)],
    ["with a wrong checksum", (frame) => frame.map((byte, i) => (i === frame.length - 1 ? byte ^ 1 : byte))],
    ["with another one behind it", (frame) => concat([frame, frame])],
    ["with something behind it", (frame) => concat([frame, new Uint8Array(3)])],
    ["that is none", () => new Uint8Array(100)],
  ])("%s is not vouched for", async (_, damage) => {
    const prover = frameProver(HERE);
    const { frame } = await proven(LAST, true, LAST, prover);
    expect(prover.entriesIn([damage(concat([...frame]))], LAST, true)).toBe(undefined);
    // and the next one is
    expect(prover.entriesIn(frame, LAST, true)).toHaveLength(1);
  });

  test("of what is no part of an archive is not vouched for", async () => {
    expect((await proven(new Uint8Array(600).fill(7), false)).entries).toBe(undefined);
    expect((await proven(PART, true)).entries).toBe(undefined);
    expect((await proven(LAST, false)).entries).toBe(undefined);
  });
});

describe("an archive", () => {
  const sound = async (destination: Destination, ...contents: readonly Bytes[]) => {
    const prover = frameProver(destination);
    const found: boolean[] = [];
    for (const content of contents) {
      const entries = prover.entriesIn(await compressFrame(content, 3), content, false);
      found.push(prover.isSound({ compressed: 1, content: content.length, entries }));
    }
    return found;
  };
  const part = (name: string, rest = {}) => rawEntry({ name, ...rest });

  test("is sound while its entries can be one tree", async () => {
    expect(await sound(HERE, PART, part("d"), part("a/e"), part("f"))).toEqual([true, true, false, false]);
  });

  test.each<[string, Destination, Bytes, boolean]>([
    ["a way out", HERE, part("../x"), false],
    ["a device", HERE, part("x", { type: "3" }), false],
    ["a name of Windows", { target: "", os: "windows" }, part("nul"), false],
    ["the same elsewhere", HERE, part("nul"), true],
    ["a top of its own", { target: "app", os: "linux" }, part("app/x"), true],
  ])("with %s", async (_, destination, content, isSound) => {
    expect(await sound(destination, content)).toEqual([isSound]);
  });

  test("with a frame that nobody vouches for is not sound", () => {
    const prover = frameProver(HERE);
    expect(prover.isSound({ compressed: 1, content: 1, entries: undefined })).toBe(false);
    expect(prover.isSound({ compressed: 1, content: 1, entries: [] })).toBe(false);
  });
});
