import { describe, expect, test } from "bun:test";
import { openBar, type Terminal } from "./bar.ts";

const GONE = "\r\u001b[K";

/** A terminal without anybody, and a clock that stands still. */
function fakeTerminal(more: Partial<Terminal> = {}) {
  const written: string[] = [];
  const clock = { at: 0 };
  const bar = openBar({
    write: (text) => written.push(text),
    columns: () => 63,
    now: () => clock.at,
    ...more,
  });
  /** What was written since the last time. */
  const news = () => written.splice(0);
  return { bar, clock, news };
}

const line = (text: string) => `\r${text}\u001b[K`;

describe("a bar", () => {
  test("is not there before a second has passed, and goes at the end", () => {
    const { bar, clock, news } = fakeTerminal();
    bar.begin("it", () => 4_000_000);
    for (clock.at = 0; clock.at < 1000; clock.at += 50) bar.add(50_000);
    expect(news()).toEqual([]);
    bar.add(0);
    expect(news()).toEqual([line("it  [==>       ]   25%      1.0/4.0 MB    1.0 MB/s   0:03 left")]);
    bar.end();
    expect(news()).toEqual([GONE]);
    clock.at += 5000;
    bar.add(1);
    bar.end();
    bar.hide();
    bar[Symbol.dispose]();
    expect(news()).toEqual([]);
  });

  test("is drawn ten times a second at most", () => {
    const { bar, clock, news } = fakeTerminal();
    bar.begin("it");
    for (clock.at = 0; clock.at < 3000; clock.at++) bar.add(1000);
    expect(news()).toHaveLength(20);
  });

  test("of quick work writes nothing at all, and does not ask for its size", () => {
    const { bar, clock, news } = fakeTerminal();
    bar.begin("it", () => {
      throw new Error("nobody wants to know");
    });
    clock.at = 999;
    bar.add(1);
    bar.hide();
    bar.end();
    expect(news()).toEqual([]);
  });

  test("makes way for other text, and comes back", () => {
    const { bar, clock, news } = fakeTerminal();
    bar.begin("it");
    clock.at = 1000;
    bar.add(0);
    bar.hide();
    bar.hide();
    bar.add(0);
    expect(news()).toEqual([line("it  0:01"), GONE]);
    clock.at = 1100;
    bar.add(0);
    expect(news()).toEqual([line("it  0:01")]);
  });

  test("says at once what comes next, once it is there", () => {
    const { bar, clock, news } = fakeTerminal();
    bar.begin("one");
    clock.at = 1050;
    bar.add(1000);
    bar.begin("two");
    expect(news()).toEqual([line("one    1.0 KB     952 B/s  0:01"), line("two")]);
    bar[Symbol.dispose]();
    expect(news()).toEqual([GONE]);
  });

  test("asks for the size of a step once", () => {
    const { bar, clock, news } = fakeTerminal();
    let asked = 0;
    bar.begin("it", () => {
      asked++;
      return undefined;
    });
    for (clock.at = 0; clock.at < 2000; clock.at += 100) bar.add(1);
    expect(news()).toHaveLength(10);
    expect(asked).toBe(1);
  });

  test("waits from the answer on when that has taken long", () => {
    const { bar, clock, news } = fakeTerminal();
    clock.at = 1000;
    bar.begin("it", () => {
      clock.at += 500;
      return undefined;
    });
    clock.at += 50;
    bar.add(1);
    expect(news()).toHaveLength(1);
    bar.end();
  });

  test.each([undefined, 0])("takes a terminal of %p columns for one of 80", (columns) => {
    const { bar, clock, news } = fakeTerminal({ columns: () => columns });
    clock.at = 1000;
    bar.begin("x".repeat(100));
    expect(news()).toEqual([line(`${"x".repeat(76)}...`)]);
    bar.end();
  });

  test("writes nothing where others write, not even to take its line away", () => {
    let isOurs = true;
    const { bar, clock, news } = fakeTerminal({ isOurs: () => isOurs });
    clock.at = 1000;
    bar.begin("it");
    expect(news()).toHaveLength(1);
    isOurs = false;
    bar.hide();
    clock.at = 2000;
    bar.add(1);
    bar.begin("next");
    expect(news()).toEqual([]);
    isOurs = true;
    bar.end();
    expect(news()).toEqual([]);
  });

  test("is drawn by its timer, too, while others work", async () => {
    const { bar, clock, news } = fakeTerminal();
    bar.begin("it");
    clock.at = 1000;
    let lines: readonly string[] = [];
    while (lines.length === 0) {
      await Bun.sleep(1);
      lines = news();
    }
    expect(lines).toEqual([line("it  0:01")]);
    bar.end();
    clock.at = 2000;
    await Bun.sleep(150);
    expect(news()).toEqual([GONE]);
  });
});
