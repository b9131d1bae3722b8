import { expect, spyOn, test } from "bun:test";
import fc from "fast-check";
import { type SharedFile, sharedFile, sharedFiles, type WritePiece } from "./shared-file.ts";

// Threads are played by asynchronous functions, which take turns where threads would wait.

const turn = () => new Promise<void>((resume) => setImmediate(resume));
const PLACE = { fd: 7, before: 512, behind: 3 };

function twoOf(memory = sharedFiles(1), number = 0) {
  let isStopped = false;
  const waiting = { isStopped: () => isStopped, turn };
  const stop = () => {
    isStopped = true;
  };
  return { maker: sharedFile(memory, number, waiting), other: sharedFile(memory, number, waiting), stop };
}

/** Notes pieces when they are written, each after some turns. */
function noting(turns = 1) {
  const written: number[] = [];
  const write: WritePiece = async (piece, place) => {
    expect(place).toEqual(PLACE);
    for (let i = 0; i < turns; i++) await turn();
    written.push(piece);
  };
  return { written, write };
}

test("property: each piece is written once, by whoever comes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(3),
      fc.nat(9),
      fc.array(fc.nat(4), { maxLength: 3 }),
      async (first, more, speeds) => {
        const memory = sharedFiles(1);
        const end = first + more;
        const all: number[] = [];
        const helpers = speeds.map(async (speed) => {
          const { written, write } = noting(speed);
          await twoOf(memory).other.help(end, write);
          all.push(...written);
        });
        const { written, write } = noting(2);
        await twoOf(memory).maker.share(PLACE, { first, end }, write);
        await Promise.all(helpers);
        expect([...all, ...written].toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: more }, (_, i) => first + i),
        );
      },
    ),
    { numRuns: 50 },
  );
});

test("files do not meet", async () => {
  const memory = sharedFiles(2);
  const [one, other] = [0, 1].map((number) => twoOf(memory, number).maker) as [SharedFile, SharedFile];
  const [first, second] = [noting(), noting()];
  await Promise.all([
    one.share(PLACE, { first: 0, end: 2 }, first.write),
    other.share(PLACE, { first: 5, end: 7 }, second.write),
  ]);
  expect([first.written, second.written]).toEqual([
    [0, 1],
    [5, 6],
  ]);
});

test("who has made the file waits until nobody writes to it", async () => {
  const { maker, other } = twoOf();
  const [quick, slow] = [noting(2), noting(20)];
  const help = other.help(2, slow.write);
  await maker.share(PLACE, { first: 0, end: 2 }, quick.write);
  expect([quick.written, slow.written]).toEqual([[0], [1]]);
  await help;
});

test("nobody helps with a file that is kept", async () => {
  const { maker, other } = twoOf();
  const { written, write } = noting();
  const help = other.help(5, write);
  maker.keep();
  await help;
  expect(written).toEqual([]);
});

test("who waits for a file stops when somebody has failed", async () => {
  const { other, stop } = twoOf();
  const { written, write } = noting();
  const help = other.help(5, write);
  stop();
  await help;
  expect(written).toEqual([]);
});

test("when its maker fails, pieces are left, and those that are being written are waited for", async () => {
  const { maker, other } = twoOf();
  const { written, write } = noting(5);
  const help = other.help(9, write);
  const failing: WritePiece = async () => {
    await turn();
    await turn();
    throw new Error("no space");
  };
  const failed = maker.share(PLACE, { first: 0, end: 9 }, failing).catch((error: unknown) => {
    expect(written).toEqual([1]);
    return String(error);
  });
  expect(await failed).toBe("Error: no space");
  await help;
  expect(written).toEqual([1]);
});

test("a thread that is gone is not waited for, but nobody may close what it could still write to", async () => {
  const { maker, other, stop } = twoOf();
  const { write } = noting();
  void other.help(2, () => new Promise(() => {}));
  const late: WritePiece = async (piece, place) => {
    await turn();
    await write(piece, place);
    stop();
  };
  const clock = spyOn(performance, "now");
  try {
    let now = 0;
    clock.mockImplementation(() => (now += 1000));
    await expect(maker.share(PLACE, { first: 0, end: 2 }, late)).rejects.toThrow("lost");
    expect(now).toBeGreaterThan(5000);
  } finally {
    clock.mockRestore();
  }
});
