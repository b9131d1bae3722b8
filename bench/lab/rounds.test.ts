import { expect, test } from "bun:test";
import { inTurn } from "./rounds.ts";
import { Skip } from "./skip.ts";

test("contestants run in turn, another one first each time, and warm-ups do not count", () => {
  const order: string[] = [];
  const contestant = (name: string) => ({
    name,
    run: (round: number) => order.push(`${name}${round}`) && round,
  });
  const series = inTurn({ rounds: 2, warmUp: 1 }, [contestant("a"), contestant("b"), contestant("c")]);
  expect(order.join(" ")).toBe("a0 b0 c0 b1 c1 a1 c2 a2 b2");
  expect(series).toEqual(["a", "b", "c"].map((name) => ({ name, samples: [1, 2] })));
});

test("one that fails is out, with its reason and without what it had; the others go on", () => {
  let tidied = 0;
  const closed: string[] = [];
  const broken = {
    name: "broken",
    run: (round: number) => {
      if (round === 1) throw new Error("it broke\n  in two");
      return round;
    },
    after: () => void tidied++,
    close: () => closed.push("broken"),
  };
  const absent = {
    name: "absent",
    before: () => {
      throw new Skip("it is not here");
    },
    run: () => 1,
  };
  const series = inTurn({ rounds: 3, warmUp: 0 }, [
    broken,
    absent,
    { name: "sound", run: (round) => round, close: () => closed.push("sound") },
  ]);
  expect(series).toEqual([
    { name: "broken", samples: [], missing: { why: "failed", reason: "it broke in two" } },
    { name: "absent", samples: [], missing: { why: "skipped", reason: "it is not here" } },
    { name: "sound", samples: [0, 1, 2] },
  ]);
  expect(tidied).toBe(2);
  expect(closed).toEqual(["broken", "sound"]);
});
