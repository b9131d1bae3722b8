import { describe, expect, test } from "bun:test";
import { type CacheStrategy, STRATEGIES } from "../format/cache/cleaning/budget.ts";
import { failureOf } from "../tests/support/failure.ts";
import { VALIDATION_LEVELS } from "../format/trust/levels.ts";
import { LOG_LEVELS, readLauncherEnv } from "./env.ts";

const DEFAULTS = {
  validation: "standard",
  isLevelAsked: false,
  trustedKeys: undefined,
  logLevel: "silent",
  keepTemp: false,
  strategy: "balanced",
  execMode: "exec",
  ownCommands: false,
};

test("an environment that says nothing", () => {
  expect(readLauncherEnv({})).toMatchObject(DEFAULTS);
  expect(readLauncherEnv({ PATH: "/bin", FLAVOR: "x", FLAVOR_VALIDATIONS: "none" })).toMatchObject(DEFAULTS);
});

test("empty values say nothing", () => {
  const env = {
    FLAVOR_VALIDATION: "",
    FLAVOR_TRUSTED_KEYS: "",
    FLAVOR_LOG_LEVEL: "",
    FLAVOR_KEEP_TEMP: "",
    FLAVOR_CACHE_STRATEGY: "",
    FLAVOR_EXEC_MODE: "",
    FLAVOR_LAUNCHER_CLI: "",
  };
  expect(readLauncherEnv(env)).toMatchObject(DEFAULTS);
});

test.each(VALIDATION_LEVELS.map((level) => [level]))("FLAVOR_VALIDATION=%s, in any case", (level) => {
  for (const text of [level, level.toUpperCase()])
    expect(readLauncherEnv({ FLAVOR_VALIDATION: text })).toMatchObject({
      validation: level,
      isLevelAsked: true,
    });
});

test.each(LOG_LEVELS.map((level) => [level]))("FLAVOR_LOG_LEVEL=%s, in any case", (level) => {
  for (const text of [level, level.toUpperCase()])
    expect(readLauncherEnv({ FLAVOR_LOG_LEVEL: text }).logLevel).toBe(level);
});

test("FLAVOR_TRUSTED_KEYS is passed on as it is: what it lists is read when it is needed", () => {
  expect(readLauncherEnv({ FLAVOR_TRUSTED_KEYS: " a,b" }).trustedKeys).toBe(" a,b");
});

describe("a misspelt word is refused, with those that there are", () => {
  test.each([
    ["FLAVOR_VALIDATION", "nonce", VALIDATION_LEVELS],
    ["FLAVOR_VALIDATION", " strict", VALIDATION_LEVELS],
    ["FLAVOR_VALIDATION", "0", VALIDATION_LEVELS],
    ["FLAVOR_VALIDATION", "constructor", VALIDATION_LEVELS],
    ["FLAVOR_LOG_LEVEL", "verbose", LOG_LEVELS],
    ["FLAVOR_LOG_LEVEL", "\u001b[31m", LOG_LEVELS],
  ] as const)("%s=%j", async (name, value, levels) => {
    expect(await failureOf(() => readLauncherEnv({ [name]: value }))).toMatchObject({
      code: "bad-arguments",
      exitCode: 105,
      message: `Cannot use ${name}=${JSON.stringify(value)}: it is not a ${name.endsWith("MODE") ? "mode" : "level"}`,
      hint: `use one of: ${levels.join(", ")}`,
    });
  });
});

test.each(Object.keys(STRATEGIES) as CacheStrategy[])("FLAVOR_CACHE_STRATEGY=%s, in any case", (strategy) => {
  for (const text of [strategy, strategy.toUpperCase()])
    expect(readLauncherEnv({ FLAVOR_CACHE_STRATEGY: text }).strategy).toBe(strategy);
});

test("a strategy that there is not is refused, with those that there are", async () => {
  expect(await failureOf(() => readLauncherEnv({ FLAVOR_CACHE_STRATEGY: "none" }))).toMatchObject({
    code: "bad-arguments",
    message: 'Cannot use FLAVOR_CACHE_STRATEGY="none": it is not a strategy',
    hint: "use one of: aggressive, balanced, conservative, minimal",
  });
});

describe.each([
  ["FLAVOR_KEEP_TEMP", "keepTemp"],
  ["FLAVOR_LAUNCHER_CLI", "ownCommands"],
] as const)("%s", (name, option) => {
  test.each(["1", "t", "T", "true", "TRUE", "True", "on", "yes", "YES"])("is on with %j", (value) => {
    expect(readLauncherEnv({ [name]: value })[option]).toBe(true);
  });
  test.each(["0", "false", "off", "no", "2", "truthy", " 1"])("is off with %j", (value) => {
    expect(readLauncherEnv({ [name]: value })[option]).toBe(false);
  });
});

test.each([
  ["spawn", "spawn"],
  ["SPAWN", "spawn"],
  ["exec", "exec"],
] as const)("FLAVOR_EXEC_MODE=%s is %s", (value, mode) => {
  expect(readLauncherEnv({ FLAVOR_EXEC_MODE: value }).execMode).toBe(mode);
});
