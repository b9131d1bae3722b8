import { expect, test } from "bun:test";
import { LOG_LEVELS, type LogLevel } from "./env.ts";
import { logOf } from "./log.ts";

test.each(LOG_LEVELS.map((level) => [level]))(
  "at %s, that level and those before it are shown",
  (logLevel: LogLevel) => {
    const lines: string[] = [];
    const log = logOf({ argv0: "./bin/app.psp" }, { logLevel }, (line) => void lines.push(line));
    for (const level of LOG_LEVELS) if (level !== "silent") log(level, () => `a line of ${level}`);
    const shown = LOG_LEVELS.slice(1, LOG_LEVELS.indexOf(logLevel) + 1);
    expect(lines.map((line) => line.replace(/[\d.]+ ms/, "T ms"))).toEqual(
      shown.map((level) => `app.psp: ${level} T ms: a line of ${level}\n`),
    );
  },
);

test("a line that is not shown is not made", () => {
  logOf({ argv0: "app" }, { logLevel: "silent" })("error", () => {
    throw new Error("made");
  });
});
