import { describe, expect, test } from "bun:test";
import type { SetupCommand, SlotEntry } from "../../wire/metadata-types.ts";
import { LIFECYCLE_WORDS, lifecycleOf } from "./lifecycle.ts";
import { planSlots, type SlotPlan } from "./slot-plan.ts";

const HOST = { os: "linux", arch: "amd64" };

type Given = Partial<SlotEntry> & { readonly lifecycle: string };

function plan(
  slots: readonly Given[],
  {
    command = "true",
    primarySlot = 0,
    setupCommands = [] as readonly SetupCommand[],
    dev = false,
    demanded = [] as readonly number[],
  } = {},
): SlotPlan {
  const entries = slots.map(
    (slot, index) =>
      ({
        index,
        id: `s${index}`,
        target: `t${index}`,
        operations: [],
        selfRef: false,
        ...slot,
      }) as unknown as SlotEntry,
  );
  const metadata = { slots: entries, execution: { command, primarySlot, env: {} }, setupCommands };
  return planSlots(metadata, { host: HOST, dev, demanded });
}

const NOTHING: SlotPlan = {
  withWorkenv: [],
  afterSetup: [],
  beforeStart: [],
  atEnd: [],
  forEnd: [],
  forDev: [],
};

describe("every lifecycle has its place in the plan", () => {
  const WITH = { ...NOTHING, withWorkenv: [0] };
  const EXPECTED: Readonly<Record<string, SlotPlan>> = {
    runtime: WITH,
    eager: WITH,
    platform: WITH,
    cache: WITH,
    cached: WITH,
    config: WITH,
    persistent: WITH,
    init: { ...WITH, afterSetup: [0] },
    initialization: { ...WITH, afterSetup: [0] },
    "init-only": { ...WITH, afterSetup: [0] },
    startup: { ...WITH, beforeStart: [0] },
    volatile: { ...WITH, beforeStart: [0] },
    temporary: { ...WITH, beforeStart: [0], atEnd: [0] },
    temp: { ...WITH, beforeStart: [0], atEnd: [0] },
    shutdown: { ...NOTHING, forEnd: [0], atEnd: [0] },
    lazy: NOTHING,
    dev: { ...NOTHING, forDev: [0] },
    development: { ...NOTHING, forDev: [0] },
  };

  test("and no word is forgotten here", () => {
    expect(Object.keys(EXPECTED).sort()).toEqual([...LIFECYCLE_WORDS].sort());
  });

  test.each(Object.entries(EXPECTED))("%s", (lifecycle, expected) => {
    expect(plan([{ lifecycle }])).toEqual(expected);
  });

  test.each(["", "always", "constructor", "__proto__", "RUNTIME"])("%j is a runtime slot", (lifecycle) => {
    expect(plan([{ lifecycle }])).toEqual(WITH);
    expect(lifecycleOf(lifecycle)).toEqual(lifecycleOf("runtime"));
  });
});

describe("a slot on demand is unpacked", () => {
  const isThere = (options: Parameters<typeof plan>[1], target = "tool") =>
    plan([{ lifecycle: "runtime" }, { lifecycle: "lazy", target }], options).withWorkenv.includes(1);

  test.each([
    "{slot:1}/run",
    "{workenv}/tool",
    "{workenv}/tool/bin/x --y",
    "tool/bin/x",
    "./tool/bin/x",
    "sh -c 'exec {workenv}/tool/x'",
    "env A={workenv}/tool:{workenv}/x y",
    'sh -c "cat {workenv}/tool"',
  ])("when the command is %s", (command) => {
    expect(isThere({ command })).toBe(true);
  });

  test.each([
    "{slot:0}/run",
    "{workenv}/tools",
    "{workenv}/tool-2/x",
    "{workenv}/tool.x",
    "{workenv}/x/tool",
    "{workenv}",
    "{primary}",
    "toolbox/x",
    "'open",
  ])("not when it is %s", (command) => {
    expect(isThere({ command })).toBe(false);
  });

  test("when it is the primary one that is named", () => {
    expect(isThere({ command: "{primary}", primarySlot: 1 })).toBe(true);
  });

  test("with the workenv itself for a target only by its number", () => {
    expect(isThere({ command: "{workenv}/x tool" }, "")).toBe(false);
    expect(isThere({ command: "{slot:1}/x" }, "")).toBe(true);
  });

  test.each<SetupCommand>([
    { type: "execute", command: "sh {workenv}/tool/x" },
    { type: "enumerate_and_execute", command: "x", enumerate: { path: "{workenv}/tool", pattern: "*" } },
    { type: "enumerate_and_execute", command: "{slot:1}/x", enumerate: { path: "y", pattern: "*" } },
    { type: "chmod", path: "{workenv}/tool/x", mode: 0o700 },
    { type: "write_file", path: "x", content: "path = {slot:1}" },
  ])("when a setup command names it: %j", (setup) => {
    expect(isThere({ setupCommands: [setup] })).toBe(true);
  });

  test("when it is asked for", () => {
    expect(isThere({ demanded: [1] })).toBe(true);
    expect(isThere({ demanded: [0] })).toBe(false);
  });
});

test("slots for development come with the wish for them, or one by one", () => {
  const slots = [{ lifecycle: "dev" }, { lifecycle: "development" }];
  expect(plan(slots, { dev: true }).withWorkenv).toEqual([0, 1]);
  expect(plan(slots, { demanded: [1] }).withWorkenv).toEqual([1]);
});

test("slots for other machines, and the package itself, are in no list", () => {
  for (const lifecycle of LIFECYCLE_WORDS) {
    for (const platform of ["windows", "linux-arm64", "darwin-x64"])
      expect(plan([{ lifecycle, platform }], { dev: true, demanded: [0] })).toEqual(NOTHING);
    expect(plan([{ lifecycle, selfRef: true }], { dev: true, demanded: [0] })).toEqual(NOTHING);
  }
});

test.each(["any", "linux", "linux-x64", "linux-x64-musl", "linux_amd64", "something else"])(
  "a slot for %j is for this machine",
  (platform) => {
    expect(plan([{ lifecycle: "runtime", platform }]).withWorkenv).toEqual([0]);
  },
);
