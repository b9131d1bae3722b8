import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { concat, END, paxRecord } from "../../tar/testing.ts";
import type { Package } from "../../reader.ts";
import type { Bytes } from "../../types.ts";
import { longFileIn } from "./long-file.ts";
import { sharedFiles } from "./shared-file.ts";
import type { SlotFrame } from "./slot-frames.ts";
import { groupSlots } from "./slot-groups.ts";
import { blocksOf, boardOf, boardSize, isLong, jobsOf, piecesOf } from "./unpack-jobs.ts";
import { work } from "./unpack-worker.ts";
import {
  AGAIN,
  ARCHIVE,
  archive,
  BY_THREADS,
  canUseThreads,
  compress,
  type Entry,
  type Facts,
  framed,
  framesOf,
  unpackBoth,
  unpackUnsigned,
  withPackage,
} from "./testing.ts";

// Files of several frames, which threads write together: nobody can tell from the result.

const MIB = 1024 * 1024;
const BODY = "0123456789".repeat(777);

/** In frames of which but the first none begins where an entry may begin. */
function cut(part: Bytes): readonly Bytes[] {
  const cuts = [0, 2304, 4352, part.length];
  return cuts.slice(1).map((end, i) => part.slice(cuts[i], end));
}

const within = (...long: readonly Bytes[]): Bytes => {
  const [first, last] = framesOf() as [Bytes, Bytes];
  return framed({ frames: [first, ...long, last] });
};
const atTheEnd = (...long: readonly Bytes[]): Bytes =>
  framed({ frames: [...framesOf().slice(0, 1), archive(file("t/a")), ...long] });

const file = (name: string, body = name, more: Partial<Entry> = {}): Entry => ({ name, body, ...more });

describe.if(canUseThreads)("a long entry of an archive", () => {
  test.each<[string, readonly Entry[]]>([
    ["plain", [file("t/long", BODY)]],
    ["that ends with a block", [file("t/long", BODY.slice(0, 7680))]],
    ["with a mode and a time", [file("t/long", BODY, { mode: 0o755, mtime: 1_000_000 })]],
    ["that its owner may not write", [file("t/long", BODY, { mode: 0o400 })]],
    ["with an extended header", [{ name: "x", type: "x", body: paxRecord("path", "t/ö") }, file("x", BODY)]],
    ["behind others", [file("t/b"), { name: "t/link", type: "2", linkName: "b" }, file("t/long", BODY)]],
  ])("%s", async (_, entries) => {
    expect(await unpackBoth(within(...cut(archive(...entries))))).toEqual(BY_THREADS);
    expect(await unpackBoth(atTheEnd(...cut(concat([archive(...entries), END]))))).toEqual(BY_THREADS);
    const padded = concat([archive(...entries), END, new Uint8Array(8192)]);
    expect(await unpackBoth(atTheEnd(...cut(padded)))).toEqual(BY_THREADS);
  });

  test.each<[string, readonly Entry[]]>([
    ["before another", [file("t/long", BODY), file("t/b")]],
    ["that is over in the first frame", [file("t/long", BODY.slice(0, 1000)), file("t/b", BODY)]],
  ])("that is none: %s", async (_, entries) => {
    expect(await unpackBoth(within(...cut(archive(...entries))))).toEqual(BY_THREADS);
  });

  test.each<[string, Bytes]>([
    [
      "before another at the end",
      atTheEnd(...cut(concat([archive(file("t/long", BODY), file("t/b")), END]))),
    ],
    ["twice", within(...cut(archive(file("t/long", BODY))), ...cut(archive(file("t/long", BODY))))],
    [
      "that ends with one block of zeros",
      atTheEnd(...cut(concat([archive(file("t/long", BODY)), END.slice(512)]))),
    ],
    ["without an end", atTheEnd(...cut(archive(file("t/long", BODY))))],
    ["that breaks off", atTheEnd(...cut(archive(file("t/long", BODY)).slice(0, -1024)))],
    [
      "with something behind the end",
      atTheEnd(...cut(concat([archive(file("t/long", BODY)), END, Uint8Array.of(1)]))),
    ],
    ["that leads out", within(...cut(archive(file("t/../../long", BODY))))],
  ])("is for one thread where something could be wrong: %s", async (_, stored) => {
    expect(await unpackBoth(stored, { ...ARCHIVE, isChecked: false })).toEqual(AGAIN);
  });

  test("with something where padding should be", async () => {
    const part = archive(file("t/long", BODY.slice(1)));
    part[part.length - 1] = 1;
    expect(await unpackBoth(within(...cut(part)))).toEqual(AGAIN);
  });
});

describe.if(canUseThreads)("a slot that is one file", () => {
  const frames = ["one", "two", "three"].map((name) =>
    new TextEncoder().encode(name.repeat((6 * MIB) / name.length)),
  );
  const facts = { target: "dir/name", operations: ["ZSTD"] } as const;

  test.each([[0o644], [0o755], [0o444]])("with the mode %i", async (permissions) => {
    expect(await unpackBoth(framed({ frames }), { ...facts, permissions })).toEqual(BY_THREADS);
  });

  test("of frames that are empty, or do not fill a block", async () => {
    const some = [new Uint8Array(), new Uint8Array([1, 2, 3]), ...frames, new Uint8Array()];
    expect(await unpackBoth(framed({ frames: some }), facts)).toEqual(BY_THREADS);
  });

  test("without a seek table is for one thread", async () => {
    expect(await unpackBoth(concat(frames.map(compress)), facts)).toEqual([]);
  });

  test("whose seek table lies", async () => {
    const lie = [
      { frame: 0, content: 1 },
      { frame: 1, content: -1 },
    ];
    expect(await unpackBoth(framed({ frames, lie }), facts)).toEqual(AGAIN);
  });

  test("that is sound, but not what was signed, is refused", async () => {
    expect(await unpackUnsigned(framed({ frames }), facts)).toEqual(["slot-checksum-mismatch", AGAIN]);
  });
});

test.each<[string, Bytes, Facts]>([
  ["a long entry", within(...cut(archive(file("t/long", BODY)))), ARCHIVE],
  [
    "a file",
    framed({ frames: Array.from({ length: 9 }, (_, i) => new Uint8Array(1000).fill(i)) }),
    { target: "t", operations: ["ZSTD"] },
  ],
])("who has no job of its own helps with %s", async (_, stored, facts) => {
  await withPackage(
    stored,
    async ({ source, slots }, root) => {
      const jobs = (await jobsOf(source, groupSlots(slots))).filter(isLong);
      const blocks = blocksOf(jobs, 2);
      const [shared, files] = [new SharedArrayBuffer(boardSize(2)), sharedFiles(jobs.length)];
      const { fd = -1, name, size } = source;
      const task = { fd, name, size, root: join(root, "out"), jobs, blocks, shared, files };
      let told = [0, 0];
      const both = [0, 1].map((own) => {
        const onProgress = () => {
          told = told.with(own, (told[own] as number) + boardOf(shared).takeUnpacked());
        };
        return work(
          { ...task, own },
          { turn: () => new Promise((resume) => setImmediate(resume)), onProgress },
        );
      });
      for (const report of await Promise.all(both)) expect(report).not.toHaveProperty("failure");
      const content = jobs.reduce((sum, { frame }) => sum + frame.content, 0);
      expect(told.every((count) => count > 0)).toBe(true);
      expect(told).toEqual([content - (told[1] as number), content - (told[0] as number)]);
    },
    facts,
  );
});

test("several threads have something to do where there is one file only", async () => {
  const stored = framed({ frames: [new Uint8Array(9), new Uint8Array(9), new Uint8Array(9)] });
  const jobs = async ({ source, slots }: Pick<Package, "source" | "slots">) =>
    expect(piecesOf(await jobsOf(source, groupSlots(slots)))).toBe(1 + 3);
  await withPackage(stored, jobs, { target: "t", operations: ["ZSTD"] });
});

describe("which file is written together", () => {
  const part = (contents: readonly number[], isLast = false): SlotFrame => ({
    offset: 0,
    size: 10,
    content: contents.reduce((sum, content) => sum + content, 0),
    isLast,
    pieces: contents.map((content) => ({ offset: 0, size: 1, content })),
  });

  test.each<[string, SlotFrame, number, number, boolean]>([
    ["the only one", part([2000, 560]), 512, 2048, true],
    ["one that does not fill its last block", part([2000, 560]), 512, 1537, true],
    ["one behind which a block is left", part([2000, 560]), 512, 1536, false],
    ["one that goes on behind the part", part([2000, 560]), 512, 2049, false],
    ["one that is over in the first frame", part([2600, 1024]), 512, 2088, false],
    ["one at the end", part([2000, 1584], true), 512, 2048, true],
    ["one before half an end", part([2000, 1072], true), 512, 2048, false],
    ["one before a long end", part([2000, 1584 + MIB - 2000], true), 512, 2048, true],
    ["one before more than any end", part([2000, 1584 + MIB], true), 512, 2048, false],
    ["one behind more than any header", part([3 * MIB, 3 * MIB]), MIB + 512, 5 * MIB - 512, false],
  ])("%s", (_, frame, before, size, isShared) => {
    const expected = isShared ? { frame, first: 1, before, size } : undefined;
    expect(longFileIn(frame, before, size)).toEqual(expected);
  });
});
