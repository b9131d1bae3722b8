import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { Bytes } from "../../format/types.ts";
import { tempDir } from "../support/temp-dir.ts";
import { type Campaign, fuzzAside } from "./campaign.ts";
import { corpusOf, keepFind } from "./corpus.ts";
import { minimise } from "./minimise.ts";
import { MUTATIONS, mutate } from "./mutate.ts";
import { TARGETS } from "./planted.ts";
import { randomFrom } from "./random.ts";
import { fuzz } from "./session.ts";

// The fuzzer itself: what it makes, and that it finds what was hidden for it.

setDefaultTimeout(60_000);

const utf8 = (text: string): Bytes => new TextEncoder().encode(text);
const text = (bytes: Bytes): string => new TextDecoder().decode(bytes);

describe("random numbers", () => {
  test("are the same for the same seed, and others for its neighbour", () => {
    const some = (seed: number) => {
      const random = randomFrom(seed);
      return Array.from({ length: 20 }, () => random.below(1000));
    };
    expect(some(7)).toEqual(some(7));
    expect(some(7)).not.toEqual(some(8));
    expect(new Set(some(0)).size).toBeGreaterThan(10);
  });

  test("reach every number below the limit and no other", () => {
    const random = randomFrom(3);
    const seen = new Set(Array.from({ length: 1000 }, () => random.below(10)));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe("mutations", () => {
  const inputs = fc.uint8Array({ minLength: 1, maxLength: 80 }).map((bytes) => new Uint8Array(bytes));
  const material = { tokens: [utf8("TOKEN")], other: () => utf8("another input"), maxSize: 200 };

  test.each(Object.entries(MUTATIONS))("%s leaves the input alone, and makes others", (_, mutation) => {
    let changed = 0;
    fc.assert(
      fc.property(inputs, fc.integer(), (input, seed) => {
        const before = input.slice();
        const result = mutation(input, randomFrom(seed), material);
        expect(input).toEqual(before);
        if (!Bun.deepEquals(result, input)) changed++;
      }),
    );
    expect(changed).toBeGreaterThan(30);
  });

  test("depend on the seed alone, and keep to the size", () => {
    fc.assert(
      fc.property(inputs, fc.integer(), (input, seed) => {
        const result = mutate(input, randomFrom(seed), material);
        expect(mutate(input, randomFrom(seed), material)).toEqual(result);
        expect(result.length).toBeLessThanOrEqual(200);
      }),
    );
  });

  test("also begin with nothing", () => {
    const made = Array.from(
      { length: 50 },
      (_, seed) => mutate(new Uint8Array(0), randomFrom(seed), material).length,
    );
    expect(Math.max(...made)).toBeGreaterThan(0);
  });
});

describe("an input is made as small as it can be", () => {
  test.each([
    ["some text with an X in it and more", "X", "X"],
    ["AxxxxxxxxxxxxxxxxxxxB", "AB", "AB"],
    ["", "", ""],
  ])("%j", async (input, needed, smallest) => {
    const fails = async (candidate: Bytes) => [...needed].every((letter) => text(candidate).includes(letter));
    expect(text(await minimise(utf8(input), fails))).toBe(smallest);
  });

  test("bytes that do not matter become zeros, and a budget is kept", async () => {
    let asked = 0;
    const fails = async (candidate: Bytes) => {
      asked++;
      return candidate.length === 6 && candidate[3] === 0x21;
    };
    expect([...(await minimise(utf8("abc!ef"), fails))]).toEqual([0, 0, 0, 0x21, 0, 0]);
    const before = asked;
    await minimise(utf8("abc!ef".repeat(100)), fails, 5);
    expect(asked - before).toBe(5);
  });
});

const campaign = (target: string, rest: Partial<Campaign> = {}): Campaign => ({
  module: join(import.meta.dir, "planted.ts"),
  targets: [target],
  seed: 1,
  executions: 2000,
  slowest: 60_000,
  patience: 60_000,
  retries: 10,
  ...rest,
});

describe("a planted fault", () => {
  test.each([
    ["throws", /not an error of ours: TypeError/],
    ["other-code", /the code not-a-package is none of this parser's/],
    ["steers", /steers the terminal/],
    ["lies", /two and two are five/],
  ])("%s: is found once, and made small", async (name, detail) => {
    const { tallies, finds } = await fuzzAside(campaign(name));
    expect(finds.map((find) => [find.target, text(find.input)])).toEqual([[name, "BANG"]]);
    expect(finds[0]?.detail).toMatch(detail);
    expect(tallies).toMatchObject([{ target: name, finds: 1 }]);
  });

  test("eats: is found by the growth of the process", async () => {
    const { finds } = await fuzzAside(campaign("eats", { executions: 200 }));
    expect(finds.map(({ feature }) => feature)).toEqual(["too much memory"]);
    expect(text(finds[0]?.input as Bytes)).toContain("BANG");
  });

  test("dawdles: is found by the clock, when it dawdles each time", async () => {
    const { finds } = await fuzzAside(campaign("dawdles", { executions: 60, slowest: 30 }));
    expect(finds.map(({ feature }) => feature)).toEqual(["too slow"]);
    expect(text(finds[0]?.input as Bytes)).toContain("BANG");
  });

  test("hangs: is noticed from outside, and what was tried is known", async () => {
    const { finds } = await fuzzAside(campaign("hangs", { patience: 700, retries: 1 }));
    expect(finds.map(({ target, feature }) => [target, feature])).toEqual([["hangs", "it hangs"]]);
    expect(text(finds[0]?.input as Bytes)).toContain("BANG");
  });

  test("crashes: is noticed from outside, and made small", async () => {
    const { finds } = await fuzzAside(campaign("crashes"));
    expect(finds.map(({ feature }) => feature)).toEqual(["the process ended by SIGABRT"]);
    expect(text(finds[0]?.input as Bytes)).toContain("BANG");
  });

  test.skipIf(process.platform !== "linux")("hangs: not longer than who watches it", async () => {
    using dir = tempDir();
    const order = JSON.stringify(campaign("hangs"));
    const run = `const { fuzzAside } = await import(${JSON.stringify(join(import.meta.dir, "campaign.ts"))}); await fuzzAside(${order});`;
    const env = { ...process.env, TMPDIR: dir.path };
    const watcher = Bun.spawn([process.execPath, "-e", run], { env, stdout: "ignore", stderr: "ignore" });
    const childOf = () => readFileSync(`/proc/${watcher.pid}/task/${watcher.pid}/children`, "utf8").trim();
    while (childOf() === "") await Bun.sleep(10);
    const child = childOf();
    while (!readdirSync(dir.path).some((name) => existsSync(join(dir.path, name, "input"))))
      await Bun.sleep(10);
    watcher.kill("SIGKILL");
    await watcher.exited;
    while (existsSync(`/proc/${child}`)) await Bun.sleep(10);
  });

  test("sound: one that refuses in its words is none", async () => {
    const { tallies, finds } = await fuzzAside(campaign("sound"));
    expect(finds).toEqual([]);
    expect(tallies).toMatchObject([{ target: "sound", executions: 2000, finds: 0 }]);
  });

  test("a target that is not there is no success", async () => {
    await expect(fuzzAside(campaign("nobody"))).rejects.toThrow("there is no such target");
  });
});

test("the same seed tries the same inputs", async () => {
  const target = TARGETS.find(({ name }) => name === "sound") as (typeof TARGETS)[number];
  const tried = async (seed: number): Promise<string> => {
    const hash = new Bun.CryptoHasher("sha256");
    const trying = (input: Bytes) => void hash.update(input);
    const isOver = (executions: number) => executions >= 500;
    await fuzz({ target, seed, corpus: [], isOver, slowest: 60_000, trying, found: () => {} });
    return hash.digest("hex");
  };
  expect(await tried(5)).toBe(await tried(5));
  expect(await tried(5)).not.toBe(await tried(6));
});

test("a find becomes a file of the corpus, once", () => {
  using dir = tempDir();
  const paths = [keepFind("tar", utf8("bad"), dir.path), keepFind("tar", utf8("bad"), dir.path)];
  keepFind("tar", utf8("worse"), dir.path);
  expect(paths[0]).toBe(paths[1] as string);
  expect(readFileSync(paths[0] as string, "utf8")).toBe("bad");
  expect(readdirSync(dir.path)).toEqual(["tar"]);
  expect(
    corpusOf("tar", dir.path)
      .map(({ bytes }) => text(bytes))
      .sort(),
  ).toEqual(["bad", "worse"]);
});
