import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Command } from "commander";
import { FLAVOR_VERSION } from "../../format/spec.ts";
import { packageBytes } from "../../tests/support/packages.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import type { Io } from "./io.ts";
import { buildProgram } from "./program.ts";
import { documentOf, runCli } from "./testing.ts";

const mute: Io["out"] = {
  write: () => {},
  paint: (_, text) => text,
  isTerminal: false,
  columns: () => undefined,
};
const io: Io = {
  out: mute,
  err: mute,
  env: {},
  cwd: () => "/",
  confirm: undefined,
  askSecret: undefined,
  openBar: undefined,
  become: async () => 0,
  exitCode: 0,
};
const program = buildProgram(io);

const pathsOf = (command: Command, path: readonly string[] = []): readonly (readonly string[])[] =>
  command.commands.flatMap((child) => [[...path, child.name()], ...pathsOf(child, [...path, child.name()])]);

test("the commands are those of the documentation", () => {
  expect(pathsOf(program).map((path) => path.join(" "))).toEqual([
    "init",
    "pack",
    "keygen",
    "launchers",
    "launchers list",
    "launchers build",
    "run",
    "inspect",
    "verify",
    "extract",
    "extract-all",
    "trust",
    "trust list",
    "trust add",
    "trust remove",
    "trust show",
    "trust forget",
    "trust revoke",
    "trust statement",
    "trust statement rotate",
    "trust statement revoke",
    "workenv",
    "workenv list",
    "workenv info",
    "workenv clean",
    "workenv remove",
    "workenv inspect",
    "workenv verify",
    "workenv repair",
    "cache",
    "cache list",
    "cache clean",
    "completion",
  ]);
});

test.each(program.commands.map((command) => [command.name(), command] as const))(
  "%s is the same when nothing else of the tree is there",
  (name, command) => {
    const { commands } = buildProgram(io, name);
    expect(commands.map((each) => each.name())).toEqual([name]);
    expect(pathsOf(commands[0] as Command)).toEqual(pathsOf(command));
    expect(commands[0]?.helpInformation()).toBe(command.helpInformation());
  },
);

test("help lists commands by groups and ends with where errors are explained", async () => {
  const { out, err, exitCode } = await runCli(["--help"]);
  const headings = ["Make:", "Look into:", "Trust:", "Cache:", "Other:"];
  expect(headings.map((heading) => out.indexOf(`\n${heading}`))).toEqual(
    headings.map((heading) => out.indexOf(`\n${heading}`)).toSorted((a, b) => a - b),
  );
  for (const heading of headings) expect(out).toContain(`\n${heading}\n`);
  expect(out).not.toContain("\nCommands:");
  expect(out.trimEnd().split("\n").at(-1)).toBe(
    "Errors: docs/errors.md says what each code in brackets means",
  );
  expect({ err, exitCode }).toEqual({ err: "", exitCode: 0 });
});

const GROUPS = ["launchers", "trust", "trust statement", "workenv", "cache"];
test.each(pathsOf(program).map((path) => path.join(" ")))(
  "%s has help, with examples of itself",
  async (path) => {
    const { out, exitCode } = await runCli([...path.split(" "), "--help"]);
    const examples = out.split("\nExamples:\n")[1]?.trim().split("\n") ?? [];
    if (!GROUPS.includes(path)) {
      expect(examples.length).toBeGreaterThanOrEqual(2);
      expect(examples.length).toBeLessThanOrEqual(3);
      for (const example of examples) expect(example).toContain(`flavor ${path}`);
    }
    expect(exitCode).toBe(0);
  },
);

test("the version is one line that a bug report needs", async () => {
  const { out, exitCode } = await runCli(["--version"]);
  expect(out).toMatch(/^flavor \S+ \(Bun \S+, [a-z0-9-]+\)\n$/);
  expect(out).toContain(`flavor ${FLAVOR_VERSION} (Bun ${Bun.version}, `);
  expect(exitCode).toBe(0);
});

test.each([
  [["pak"], "unknown command 'pak' (did you mean pack?)", "flavor --help"],
  [["pack", "--jsn"], "unknown option '--jsn' (did you mean --json?)", "flavor pack --help"],
  [["inspect"], "missing required argument 'package'", "flavor inspect --help"],
  [
    ["verify", "a", "b"],
    "too many arguments for 'verify'. Expected 1 argument but got 2",
    "flavor verify --help",
  ],
  [["pack", "-o"], "option '-o, --output <path>' argument missing", "flavor pack --help"],
  [["workenv", "lst"], "unknown command 'lst' (did you mean list?)", "flavor workenv --help"],
  [
    ["completion", "tcsh"],
    "command-argument value 'tcsh' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish",
    "flavor completion --help",
  ],
  [
    ["pack", "--compat", "x"],
    "option '--compat <system>' argument 'x' is invalid. Allowed choices are flavorpack",
    "flavor pack --help",
  ],
])("%p is a usage error with a hint", async (args, state, help) => {
  expect(await runCli(args)).toMatchObject({
    out: "",
    err: `error: Cannot understand the command line: ${state} [bad-arguments]\n  hint: see "${help}"\n`,
    exitCode: 105,
  });
});

test.each([[], ["workenv"], ["launchers"], ["trust"], ["trust", "statement"]])(
  "%p alone is no order: its help goes to stderr",
  async (...args) => {
    const { out, err, exitCode } = await runCli(args);
    expect(err).toStartWith(`Usage: ${["flavor", ...args].join(" ")}`);
    expect({ out, exitCode }).toEqual({ out: "", exitCode: 105 });
  },
);

test.each(["help", "help pack", "workenv help", "workenv help list"])(
  "flavor %s is an order: help was asked for",
  async (line) => {
    const { out, err, exitCode } = await runCli(line.split(" "));
    expect(out).toStartWith("Usage: flavor ");
    expect({ err, exitCode }).toEqual({ err: "", exitCode: 0 });
  },
);

test("with --json a failure is one document on stdout and nothing on stderr", async () => {
  using dir = tempDir();
  const path = join(dir.path, "missing.psp");
  const run = await runCli(["inspect", path, "--json"]);
  expect(documentOf(run)).toEqual({
    schema: "flavor.error/1",
    code: "io-failed",
    message: `Cannot open ${path}`,
    problems: [],
    causes: [expect.stringContaining("ENOENT")],
    hint: expect.any(String),
    exitCode: 106,
  });
  expect(run).toMatchObject({ err: "", exitCode: 106 });
});

test("a usage error with --json is a document, too", async () => {
  expect(documentOf(await runCli(["pack", "--jsn", "--json"]))).toMatchObject({
    code: "bad-arguments",
    exitCode: 105,
  });
});

test("the application's --json, and what stands behind --, is not ours", async () => {
  using dir = tempDir();
  const path = join(dir.path, "missing.psp");
  expect((await runCli(["run", path, "--json"])).err).toStartWith(`error: Cannot open ${path} [io-failed]\n`);
  expect((await runCli(["inspect", "--", "--json"])).err).toStartWith(
    "error: Cannot open --json [io-failed]\n",
  );
});

test("a message cannot steer the terminal", async () => {
  const { err } = await runCli(["inspect", "/nowhere/\u001b[2J.psp"]);
  expect(err).toContain("Cannot open /nowhere/\\u001b[2J.psp");
  expect(err).not.toContain("\u001b");
});

test.skipIf(process.platform === "win32").each(["inspect", "verify"])(
  "nor can the name of a file, for flavor %s",
  async (command) => {
    using dir = tempDir();
    const path = join(dir.path, "\u001b[2J\n.psp");
    await Bun.write(path, await packageBytes());
    const { out } = await runCli([command, path]);
    expect(out).toContain(join(dir.path, "\\u001b[2J\\u000a.psp"));
    expect(out).not.toContain("\u001b");
  },
);
