import { expect, test } from "bun:test";
import { runAhead } from "./run-ahead.ts";

const turns = async () => {
  for (let i = 0; i < 5; i++) await new Promise((resume) => setImmediate(resume));
};

/** Counts up to an end, and notes what it was asked for. */
function counter(end: number) {
  const asked: number[] = [];
  let isClosed = false;
  const numbers = async function* () {
    try {
      for (let i = 0; i < end; i++) {
        asked.push(i);
        await new Promise((resume) => setImmediate(resume));
        yield i;
      }
    } finally {
      isClosed = true;
    }
  };
  return { asked, source: numbers(), isClosed: () => isClosed };
}

test("what is asked for comes in order, and something with it as long as there is room", async () => {
  const { asked, source } = counter(6);
  let room = 3;
  const ahead = runAhead(source, () => asked.length < room);
  expect(await ahead.next()).toEqual({ done: false, value: 0 });
  await turns();
  expect(asked).toEqual([0, 1, 2]);
  room = 5;
  await turns();
  expect(asked).toEqual([0, 1, 2]);
  ahead.go();
  ahead.go();
  await turns();
  expect(asked).toEqual([0, 1, 2, 3, 4]);
  const rest: unknown[] = [];
  for (let next = await ahead.next(); next.done !== true; next = await ahead.next()) rest.push(next.value);
  expect(rest).toEqual([1, 2, 3, 4, 5]);
});

test("where there is no room, there is still what is asked for", async () => {
  const { asked, source } = counter(3);
  const ahead = runAhead(source, () => false);
  ahead.go();
  await turns();
  expect(asked).toEqual([]);
  expect([(await ahead.next()).value, (await ahead.next()).value]).toEqual([0, 1]);
  await turns();
  expect(asked).toEqual([0, 1]);
});

test("it goes no further than to the end", async () => {
  const { source } = counter(1);
  const ahead = runAhead(source, () => true);
  expect((await ahead.next()).value).toBe(0);
  expect((await ahead.next()).done).toBe(true);
  ahead.go();
  await ahead.close();
});

test("what goes wrong is said to whoever asks next, and to nobody when nobody does", async () => {
  const failing = async function* () {
    yield 1;
    throw new Error("no more");
  };
  const ahead = runAhead(failing(), () => true);
  expect((await ahead.next()).value).toBe(1);
  await turns();
  await expect(ahead.next()).rejects.toThrow("no more");
  const other = runAhead(failing(), () => true);
  await other.next();
  await turns();
  await other.close();
});

test("who gives up waits for what is being taken, and closes the source", async () => {
  const { asked, source, isClosed } = counter(100);
  const ahead = runAhead(source, () => true);
  await ahead.next();
  await ahead.close();
  expect(isClosed()).toBe(true);
  const before = asked.length;
  ahead.go();
  await turns();
  expect(asked).toHaveLength(before);
});
