import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fillTemplate, type Scope } from "../format/command/template.ts";
import { matchesTarget } from "../format/platform.ts";
import { failureOf } from "../tests/support/failure.ts";
import type { ManifestSlot } from "./manifest/manifest.ts";
import { type Templates, templatesFor } from "./slot-references.ts";

const slot = (id: string, platform?: string): ManifestSlot => ({
  id,
  source: `/src/${id}`,
  sourceText: id,
  include: [],
  exclude: [],
  target: id,
  purpose: "payload",
  lifecycle: "runtime",
  mtimes: false,
  ...(platform === undefined ? {} : { platform }),
});

const MAC = slot("mac", "darwin");
const TOOL = slot("tool", "linux");
const APP = slot("app");
const SLOTS = [MAC, TOOL, APP];

const templates = (more: Partial<Templates> = {}): Templates => ({
  execution: { primarySlot: 0, command: "true", env: {} },
  workenv: { directories: [], env: {} },
  setupCommands: [],
  ...more,
});
const forLinux = (more: Partial<Templates>, slots: readonly ManifestSlot[] = SLOTS) => {
  const included = slots.filter(({ platform = "any" }) => matchesTarget(platform, "linux-x64"));
  return templatesFor({ ...templates(more), slots }, included, "linux-x64");
};
const command = (text: string, primarySlot = 2): Partial<Templates> => ({
  execution: { primarySlot, command: text, env: {} },
});

test("numbers of the manifest become those of the package, everywhere", () => {
  const before = templates({
    execution: { primarySlot: 2, command: "{slot:1} '{slot:2}' {primary}", env: { A: "{slot:2}:{slot:1}" } },
    workenv: { directories: [{ path: "x" }], env: { B: "<{slot:1}>" } },
    setupCommands: [
      { type: "execute", command: "run {slot:1}" },
      {
        type: "enumerate_and_execute",
        command: "see {slot:2} {file}",
        enumerate: { path: "{slot:1}", pattern: "*.{slot:1}" },
      },
      { type: "write_file", path: "{slot:1}/f", content: "{slot:2}", mode: 0o600 },
      { type: "chmod", path: "{slot:1}/bin/*", mode: 0o755 },
    ],
  });
  expect(forLinux(before)).toEqual({
    execution: { primarySlot: 1, command: "{slot:0} '{slot:1}' {primary}", env: { A: "{slot:1}:{slot:0}" } },
    workenv: { directories: [{ path: "x" }], env: { B: "<{slot:0}>" } },
    setupCommands: [
      { type: "execute", command: "run {slot:0}" },
      {
        type: "enumerate_and_execute",
        command: "see {slot:1} {file}",
        enumerate: { path: "{slot:0}", pattern: "*.{slot:1}" },
      },
      { type: "write_file", path: "{slot:0}/f", content: "{slot:1}", mode: 0o600 },
      { type: "chmod", path: "{slot:0}/bin/*", mode: 0o755 },
    ],
  });
});

test.each([
  ["{slot:02}", "{slot:1}"],
  ["{{slot:2}}", "{{slot:1}}"],
  ["$& {slot:2} $1", "$& {slot:1} $1"],
  ["{slot:} {slot:x} {slot:-1} {slot: 2} {workenv}", "{slot:} {slot:x} {slot:-1} {slot: 2} {workenv}"],
])("%j becomes %j", (before, after) => {
  expect(forLinux(command(before)).execution.command).toBe(after);
});

test("nothing changes where no slot is left out", () => {
  const before = command("{slot:01} {slot:0} {primary}", 1);
  expect(forLinux(before, [TOOL, APP])).toEqual(templates(before));
});

test("every slot that is missing is named, with its place", async () => {
  const error = await failureOf(() =>
    forLinux({
      execution: { primarySlot: 0, command: "{slot:0} {primary} {slot:2}", env: { "A B": "{slot:3}" } },
      workenv: { directories: [], env: { C: "{slot:0}" } },
      setupCommands: [
        { type: "execute", command: "ok" },
        { type: "write_file", path: "x", content: "{slot:99999999999999999999}" },
      ],
    }),
  );
  expect(error).toMatchObject({
    code: "build-failed",
    message: "Cannot build the package for linux-x64: it lacks slots that it uses",
    problems: [
      'execution.command: {slot:0} is "mac", a slot for darwin and not for linux-x64',
      'execution.command: {primary} is "mac", a slot for darwin and not for linux-x64',
      'execution.env["A B"]: {slot:3} is no slot, the manifest has 3',
      'workenv.env.C: {slot:0} is "mac", a slot for darwin and not for linux-x64',
      "setup_commands[1].content: {slot:99999999999999999999} is no slot, the manifest has 3",
    ],
  });
});

describe("a primary slot", () => {
  test("that is missing and not used is nobody's business", () => {
    expect(forLinux(command("true", 0)).execution.primarySlot).toBe(0);
    expect(forLinux(command("true", 0), []).execution.primarySlot).toBe(0);
  });

  test("of a package without slots is missing, too", async () => {
    expect((await failureOf(() => forLinux(command("{primary}", 0), []))).problems).toEqual([
      "execution.command: {primary} is no slot, the manifest has 0",
    ]);
  });
});

test("a package's command means what the manifest's means with all slots", async () => {
  const scope = (slots: readonly ManifestSlot[], primarySlot: number): Scope => ({
    workenv: "/w",
    packageName: "p",
    version: "1",
    slots: slots.map(({ target }) => `/w/${target}`),
    primarySlot,
    os: "linux",
    arch: "amd64",
    bun: "/bun",
  });
  const platforms = fc.array(fc.constantFrom("linux", "darwin", "any", undefined), {
    minLength: 1,
    maxLength: 6,
  });
  const words = fc.array(
    fc.constantFrom("{slot:0}", "{slot:1}", "{slot:5}", "{primary}", "{", "}", "x", "{os}"),
  );
  await fc.assert(
    fc.asyncProperty(platforms, words, fc.nat(5), async (list, parts, primary) => {
      const slots = list.map((platform, i) => slot(`s${i}`, platform));
      const included = slots.filter(({ platform = "any" }) => matchesTarget(platform, "linux-x64"));
      const text = parts.join("");
      const primarySlot = primary % slots.length;
      const isIncluded = (number: number) => included.includes(slots[number] as ManifestSlot);
      const used = [...text.matchAll(/\{(?:slot:(\d)|primary)\}/g)];
      const isSound = used.every(([, digit]) =>
        isIncluded(digit === undefined ? primarySlot : Number(digit)),
      );
      const make = () =>
        templatesFor({ ...templates(command(text, primarySlot)), slots }, included, "linux-x64");
      if (!isSound) return void expect((await failureOf(make)).code).toBe("build-failed");
      const { execution } = make();
      expect(fillTemplate(execution.command, scope(included, execution.primarySlot))).toBe(
        fillTemplate(text, scope(slots, primarySlot)),
      );
    }),
    { numRuns: 300 },
  );
});
