import { expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { bunEnvironment, runBun } from "./run-bun.ts";

const run = (code: string, aborted = new AbortController().signal) =>
  runBun(["-e", code], { cwd: tmpdir(), env: process.env, aborted });

test("success is nothing to speak of", async () => {
  expect(await run("process.stdout.write('talk')")).toBeUndefined();
});

test("a failure says how it ended and what was said last, without colours", async () => {
  const failure = await run(
    "for (let i = 0; i < 5; i++) console.error('\\x1b[31mline ' + i + '\\x1b[0m'); process.exit(3)",
  );
  expect(failure).toEqual({ state: "Bun ended with 3", said: ["line 2", "line 3", "line 4"] });
});

test("it can be stopped, whatever it does about signals", async () => {
  const controller = new AbortController();
  const failure = run("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)", controller.signal);
  controller.abort();
  expect(await failure).toEqual({ state: "Bun was ended by SIGKILL", said: [] });
});

test("the child acts as Bun, gets our variables and no options meant for others", () => {
  expect(
    bunEnvironment({
      HOME: "/h",
      FLAVOR_KEY_SEED: "s",
      FLAVOR_PRIVATE_KEY: "k",
      FLAVOR_KEY_PASSPHRASE: "p",
      BUN_OPTIONS: "--preload ./x.ts",
      GONE: undefined,
    }),
  ).toEqual({
    HOME: "/h",
    BUN_BE_BUN: "1",
  });
});
