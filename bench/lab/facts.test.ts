import { expect, test } from "bun:test";
import { debugLines } from "../rows/warm.ts";
import { sizeAt, someOf } from "./content.ts";
import { fileSystemOf } from "./machine.ts";
import { peakIn } from "./peak.ts";
import { reasonOf, shortPaths } from "./skip.ts";

const MOUNTS = "overlay / overlay rw 0 0\ntmpfs /dev/shm tmpfs rw 0 0\n/dev/sda /home ext4 rw 0 0\n";

test.each([
  ["/dev/shm", "tmpfs"],
  ["/dev/shm/x/y", "tmpfs"],
  ["/dev/shmx", "overlay"],
  ["/home/a", "ext4"],
])("%s is on %s", (path, expected) => {
  expect(fileSystemOf(path, MOUNTS)).toBe(expected);
});

test("a system that does not list its mounts has unknown ones", () => {
  expect(fileSystemOf("/home", "")).toBe("unknown");
});

test("a peak is found in a report of GNU time", () => {
  expect(
    peakIn('\tCommand being timed: "x"\n\tMaximum resident set size (kbytes): 344732\n\tPage faults: 1\n'),
  ).toBe(344732);
  expect(peakIn("Maximum resident set size (pages): 12\n")).toBeUndefined();
});

test("what a launcher says of its time is found among what others say", () => {
  const text = [
    "hello from the program",
    "app.psp: debug 4.0 ms: the workenv is ready: /home/me/.cache/flavor/workenv/4f52",
    "app.psp: info 4.1 ms: not of interest",
    "app.psp: debug 4.2 ms: starting /bin/true",
  ].join("\n");
  expect(debugLines(text)).toEqual([
    { ms: 4, text: "the workenv is ready: …/4f52" },
    { ms: 4.2, text: "starting …/true" },
  ]);
});

test("files of a generated tree are as large as those of the real one", () => {
  expect([0, 0.5, 0.9, 0.95].map(sizeAt)).toEqual([0, 2511, 29_039, 55_289]);
  expect(sizeAt(0.9999)).toBeGreaterThan(10e6);
  const sizes = Array.from({ length: 1000 }, (_, i) => sizeAt(i / 1000));
  expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
});

test("content is the same for the same seed, as long as asked, and shrinks as programs do", () => {
  for (const size of [0, 1, 100_000, 17 * 2 ** 20]) expect(someOf(size, 7).length).toBe(size);
  expect(Bun.hash(someOf(1e6, 7))).toBe(Bun.hash(someOf(1e6, 7)));
  expect(Bun.hash(someOf(1e6, 7))).not.toBe(Bun.hash(someOf(1e6, 8)));
  const share = Bun.zstdCompressSync(someOf(8e6, 1), { level: 3 }).length / 8e6;
  expect(share).toBeGreaterThan(0.2);
  expect(share).toBeLessThan(0.35);
});

test.each([
  ["/dev/shm/work/npm/caxa ended with 1", "…/caxa ended with 1"],
  ['"/home/me/a b" is not /there: /tmp/x/y:1', '"…/a b" is not /there: …/y:1'],
  ["3 MB/s and tar|zstd", "3 MB/s and tar|zstd"],
])("of %p stays %p", (text, expected) => {
  expect(shortPaths(text)).toBe(expected);
});

test("a reason is one line without paths of this machine", () => {
  expect(reasonOf(new Error("Cannot read /home/me/x:\n  it broke"))).toBe("Cannot read …/x: it broke");
  expect(reasonOf("text")).toBe("text");
});
