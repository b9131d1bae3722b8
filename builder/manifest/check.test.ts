import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createFixture, errorOf, HEAD, json, jsonSlot, RUN, slot, toml } from "./fixture.ts";
import { parseManifest } from "./manifest.ts";

const { jsonPath, root, tomlPath, remove } = createFixture();
afterAll(remove);

const PURPOSES =
  "payload, runtime, tool, data, code, config, media, library, executable, asset, binary, installer";
const LIFECYCLES =
  "init, initialization, startup, runtime, shutdown, cache, cached, temp, temporary, lazy, eager, dev, development, " +
  "config, platform, persistent, volatile, init-only";
const TARGETS =
  "linux-x64, linux-x64-baseline, linux-x64-musl, linux-arm64, linux-arm64-musl, darwin-x64, darwin-arm64, " +
  "windows-x64, windows-arm64";

/** A manifest, and the one line that it earns. */
type Row = readonly [manifest: string, line: string];
/** The line is the better title. */
const byLine = (rows: readonly Row[]) => rows.map(([text, line]) => [line, text] as const);

describe("each mistake in TOML is one line", () => {
  const rows: readonly Row[] = [
    [`[package]\nname = "a"\n${RUN}`, "package.version: expected a string, got nothing"],
    [`[package]\nname = ""\nversion = "1"\n${RUN}`, 'package.name: expected a name, got ""'],
    [
      `[package]\nname = "a/b"\nversion = "1"\n${RUN}`,
      'package.name: expected a name without "/" and control characters, got "a/b"',
    ],
    [
      `[package]\nname = "a"\nversion = "1\\n2"\n${RUN}`,
      'package.version: expected a version without "/" and control characters, got "1\\n2"',
    ],
    [HEAD, "execution.command: expected a string, got nothing"],
    [`${HEAD}[execution]\ncommand = "  "`, 'execution.command: expected a command, got "  "'],
    [
      `${HEAD}[execution]\ncommand = "echo 'a"`,
      `execution.command: Cannot split the command "echo 'a": a ' is not closed`,
    ],
    [
      `${HEAD}[execution]\ncommand = "cat {slot:3}"`,
      "execution.command: Cannot fill in {slot:3}: the package has 0 slots, numbered from 0",
    ],
    [`${HEAD}${RUN}primary = 1`, "execution.primary: expected none, there are no slots, got 1"],
    [
      `${HEAD}${RUN}primary = "lib"\n[[slots]]\nsource = "app"`,
      'execution.primary: expected one of app or 0 to 0, got "lib"',
    ],
    [
      `${HEAD}${RUN}primary = 1\n[[slots]]\nsource = "app"`,
      "execution.primary: expected one of app or 0 to 0, got 1",
    ],
    [`${HEAD}[execution]\ncommand = "a\\u0000b"`, "execution.command: expected a command without NUL"],
    [toml('[pack]\nlauncher = "app"'), 'pack.launcher: expected bun, shebang or an existing file, got "app"'],
    [
      toml('[[slots]]\nsource = "/dev/null"'),
      'slots[0].source: expected an existing file or folder, got "/dev/null"',
    ],
    [
      toml("[constructor]\nx = 1"),
      "constructor: unknown key, known here are package, execution, slots, runtime, workenv, setup_commands, cache_validation, pack",
    ],
    [`${HEAD}${RUN}primary = true`, "execution.primary: expected a slot's id or position, got true"],
    [`${HEAD}${RUN}env = { PORT = 80 }`, "execution.env.PORT: expected a string, got 80"],
    [
      `${HEAD}${RUN}env = { "A=B" = "x" }`,
      'execution.env["A=B"]: expected the name of a variable, without "=" and NUL, got "A=B"',
    ],
    [`${HEAD}${RUN}env = { A = "x\\u0000y" }`, "execution.env.A: expected a value without NUL"],
    [
      toml('[workenv.env]\n"" = "x"'),
      'workenv.env[""]: expected the name of a variable, without "=" and NUL, got ""',
    ],
    [
      toml('[runtime.env]\nmap = { A = "B=C" }'),
      'runtime.env.map.A: expected the name of a variable, without "=" and NUL, got "B=C"',
    ],
    [
      toml('[runtime.env]\nunset = ["OK_*", ""]'),
      'runtime.env.unset[1]: expected the name of a variable or a glob, got ""',
    ],
    [
      toml('[runtime.env]\npass = ["A=B"]'),
      'runtime.env.pass[0]: expected the name of a variable or a glob, got "A=B"',
    ],
    [
      toml('[runtime.env.set]\n"A=" = "x"'),
      'runtime.env.set["A="]: expected the name of a variable, without "=" and NUL, got "A="',
    ],
    [toml("[[slots]]\nid = 'a'\ntarget = 'a'"), "slots[0].source: expected a string, got nothing"],
    [toml("[[slots]]"), "slots[0].source: expected a string, got nothing"],
    [toml('[[slots]]\nsource = ""'), 'slots[0].source: expected an existing file or folder, got ""'],
    [
      toml('[[slots]]\nsource = "no/such"'),
      'slots[0].source: expected an existing file or folder, got "no/such"',
    ],
    [
      toml('[[slots]]\nsource = "a\\u0000b"\nid = "a"'),
      'slots[0].source: expected an existing file or folder, got "a\\u0000b"',
    ],
    [
      toml('[slots.lib]\nsource = "no/such"'),
      'slots.lib.source: expected an existing file or folder, got "no/such"',
    ],
    [toml('[slots.7]\nsource = "app"'), "slots.7: a number cannot name a slot, its place would be lost"],
    [slot('id = " "\ntarget = "x"'), 'slots[0].id: expected a name without control characters, got " "'],
    [slot('[[slots]]\nsource = "app"\ntarget = "other"'), 'slots[1].id: "app" is already the id of slots[0]'],
    [
      slot('target = "/etc"'),
      'slots[0].target: expected a path inside the workenv (it is absolute), got "/etc"',
    ],
    [slot('target = "/"'), 'slots[0].target: expected a path inside the workenv (it is absolute), got "/"'],
    [
      slot('target = "a/../../b"'),
      "slots[0].target: expected a path inside the workenv (it contains '..'), got \"a/../../b\"",
    ],
    [
      slot('target = "{workenv}/../b"'),
      "slots[0].target: expected a path inside the workenv (it contains '..'), got \"{workenv}/../b\"",
    ],
    [
      slot('target = "x/{workenv}"'),
      'slots[0].target: expected a path inside the workenv ({workenv} may only stand in front), got "x/{workenv}"',
    ],
    [
      slot('target = ""'),
      'slots[0].target: expected a path inside the workenv (the workenv itself is "{workenv}"), got ""',
    ],
    [
      `${slot('target = "a:b"')}\n[pack]\nplatforms = ["windows-x64"]`,
      'slots[0].target: expected a path inside the workenv (it contains a character that Windows does not allow), got "a:b"',
    ],
    [
      slot('permissions = "0799"'),
      'slots[0].permissions: expected octal mode bits such as "0755", got "0799"',
    ],
    [slot("permissions = 755"), 'slots[0].permissions: the number 755 is 01363 in octal, write "0755"'],
    [
      slot('operations = "tar|rot13"'),
      'slots[0].operations: Cannot use this chain of operations: the operation "rot13" is not in the registry',
    ],
    [
      slot('operations = "gzip|tar"'),
      "slots[0].operations: Cannot use this chain of operations: tar is not the first operation",
    ],
    [
      slot('operations = "tar|brotli"'),
      "slots[0].operations: Cannot use this chain of operations: the operation brotli (0x21) is not implemented",
    ],
    [slot('purpose = "toy"'), `slots[0].purpose: expected one of ${PURPOSES}, got "toy"`],
    [slot('lifecycle = "always"'), `slots[0].lifecycle: expected one of ${LIFECYCLES}, got "always"`],
    [slot('resolution = "never"'), 'slots[0].resolution: expected one of build, runtime, lazy, got "never"'],
    [
      slot('platform = "amiga"'),
      'slots[0].platform: expected a platform such as "linux", "darwin-arm64" or "any", got "amiga"',
    ],
    [slot("include = ['a', 1]"), "slots[0].include[1]: expected a string, got 1"],
    [slot("exclude = ['']"), 'slots[0].exclude[0]: expected a glob, got ""'],
    [slot('keep_times = "yes"'), 'slots[0].keep_times: expected true or false, got "yes"'],
    [
      toml('[[slots]]\nsource = "uv"\ninclude = ["*"]'),
      "slots[0]: include and exclude choose from a folder, but the source is a file",
    ],
    [
      toml('[[slots]]\nsource = "uv"\ntarget = "."\noperations = "gzip"'),
      "slots[0].target: expected the path of a file, got the workenv itself",
    ],
    [
      toml('[workenv]\ndirectories = ["../tmp"]'),
      "workenv.directories[0]: expected a path inside the workenv (it contains '..'), got \"../tmp\"",
    ],
    [
      toml('[workenv]\ndirectories = [{ path = "/tmp" }]'),
      'workenv.directories[0].path: expected a path inside the workenv (it is absolute), got "/tmp"',
    ],
    [
      toml('[workenv]\ndirectories = [{ path = "tmp", mode = "rwx" }]'),
      'workenv.directories[0].mode: expected octal mode bits such as "0755", got "rwx"',
    ],
    [toml("[workenv]\ndirectories = [7]"), "workenv.directories[0]: expected an object, got 7"],
    [
      toml('[[setup_commands]]\ntype = "dance"\ncommand = "x"'),
      'setup_commands[0].type: expected one of execute, enumerate_and_execute, write_file, chmod, got "dance"',
    ],
    [
      toml('[[setup_commands]]\ntype = "execute"\ncommand = ""'),
      'setup_commands[0].command: expected a command, got ""',
    ],
    [
      toml(
        '[[setup_commands]]\ntype = "enumerate_and_execute"\ncommand = "x"\nenumerate = { path = "x", pattern = "" }',
      ),
      'setup_commands[0].enumerate.pattern: expected a glob such as "*.whl", got ""',
    ],
    [
      toml(
        '[[setup_commands]]\ntype = "enumerate_and_execute"\ncommand = "x"\nenumerate = { path = "..", pattern = "*" }',
      ),
      "setup_commands[0].enumerate.path: expected a path inside the workenv (it contains '..'), got \"..\"",
    ],
    [
      toml('[[setup_commands]]\ntype = "write_file"\npath = "../x"\ncontent = ""'),
      "setup_commands[0].path: expected a path inside the workenv (it contains '..'), got \"../x\"",
    ],
    [
      toml('[[setup_commands]]\ntype = "write_file"\npath = "{workenv}"\ncontent = ""'),
      'setup_commands[0].path: expected the path of a file, got "{workenv}"',
    ],
    [
      toml('[[setup_commands]]\ntype = "write_file"\npath = "x"'),
      "setup_commands[0].content: expected a string, got nothing",
    ],
    [
      toml('[[setup_commands]]\ntype = "chmod"\npath = "/bin/*"\nmode = "700"'),
      'setup_commands[0].path: expected a path inside the workenv (it is absolute), got "/bin/*"',
    ],
    [
      toml('[[setup_commands]]\ntype = "chmod"\npath = "bin/*"\nmode = 755'),
      'setup_commands[0].mode: the number 755 is 01363 in octal, write "0755"',
    ],
    [
      toml('[cache_validation]\ncheck_file = "x"'),
      "cache_validation.expected_content: expected a string, got nothing",
    ],
    [
      toml('[cache_validation]\ncheck_file = "/x"\nexpected_content = ""'),
      'cache_validation.check_file: expected a path inside the workenv (it is absolute), got "/x"',
    ],
    [toml('[pack]\nplatforms = ["linux"]'), `pack.platforms[0]: expected one of ${TARGETS}, got "linux"`],
    [toml("[pack]\nplatforms = []"), "pack.platforms: expected at least one platform"],
    [
      toml('[pack]\nlauncher = "missing"'),
      'pack.launcher: expected bun, shebang or an existing file, got "missing"',
    ],
    [slot('sorce = "x"'), 'slots[0].sorce: unknown key, did you mean "source"?'],
    [toml('[pakcage]\nname = "x"'), 'pakcage: unknown key, did you mean "package"?'],
    [slot("keep-times = true"), 'slots[0].keep-times: unknown key, did you mean "keep_times"?'],
    [toml('[runtime]\nunset = ["X"]'), "runtime.unset: unknown key, known here are env"],
    [toml("[runtime.env]\nstet = {}"), 'runtime.env.stet: unknown key, did you mean "set"?'],
    [
      toml('[workenv]\ndirectories = [{ path = "x", mod = "0700" }]'),
      'workenv.directories[0].mod: unknown key, did you mean "mode"?',
    ],
    [toml("[pack]\nzzz = 1"), "pack.zzz: unknown key, known here are platforms, launcher"],
  ];
  test.each(byLine(rows))("%s", (line, text) => {
    expect(errorOf(text, tomlPath)).toMatchObject({
      code: "manifest-invalid",
      exitCode: 109,
      problems: [line],
    });
  });
});

describe("each mistake in JSON is one line", () => {
  const rows: readonly Row[] = [
    ["[]", "expected an object, got an array"],
    [json({ format: "PSPF/2024" }), 'format: expected "PSPF/2025", got "PSPF/2024"'],
    [json({ slots: {} }), "slots: expected an array, got an object"],
    [json({ slots: ["app"] }), 'slots[0]: expected an object, got "app"'],
    [jsonSlot({ id: undefined }), "slots[0].id: expected a string, got nothing"],
    [jsonSlot({ id: "" }), 'slots[0].id: expected a name without control characters, got ""'],
    [jsonSlot({ target: null }), "slots[0].target: expected a string, got null"],
    [jsonSlot({ slot: 1 }), "slots[0].slot: expected 0, the slot's position, got 1"],
    [jsonSlot({ slot: "0" }), 'slots[0].slot: expected a whole number from 0, got "0"'],
    [
      jsonSlot({ permissions: 4096 }),
      'slots[0].permissions: expected octal mode bits such as "0755", got 4096',
    ],
    [
      jsonSlot({ source: "{workenv}/no/such" }),
      'slots[0].source: expected an existing file or folder, got "{workenv}/no/such"',
    ],
    [
      json({ execution: { command: "x", primary_slot: 1 } }),
      "execution.primary_slot: expected none, there are no slots, got 1",
    ],
    [
      json({ execution: { command: "x", environment: { A: 1 } } }),
      "execution.environment.A: expected a string, got 1",
    ],
    [
      json({ execution: { command: "x", environment: { "A=": "" } } }),
      'execution.environment["A="]: expected the name of a variable, without "=" and NUL, got "A="',
    ],
    [json({ setup_commands: [""] }), 'setup_commands[0]: expected a command, got ""'],
    [json({ setup_commands: [1] }), "setup_commands[0]: expected an object, got 1"],
    [json({ runtime: { env: { unset: "X" } } }), 'runtime.env.unset: expected an array, got "X"'],
    [json({ cache_validation: 1 }), "cache_validation: expected an object, got 1"],
    [
      json({
        slots: Array.from({ length: 4097 }, (_, n) => ({ id: `s${n}`, source: "app", target: "app" })),
      }),
      "slots: 4097 are too many, at most 4096",
    ],
  ];
  test.each(byLine(rows))("%s", (line, text) => {
    expect(errorOf(text, jsonPath)).toMatchObject({
      code: "manifest-invalid",
      exitCode: 109,
      problems: [line],
    });
  });
});

describe("sources for other platforms", () => {
  const text = slot('[[slots]]\nid = "win"\nsource = "uv.exe"\nplatform = "windows"\n');

  test("need not exist when these are not built", () => {
    const { slots } = parseManifest(text, tomlPath, { platforms: ["linux-x64"] });
    expect(slots[1]?.source).toBe(join(root, "uv.exe"));
  });

  test.skipIf(process.platform === "win32")("need not exist when nothing is said of platforms", () => {
    expect(parseManifest(text, tomlPath).slots[1]?.source).toBe(join(root, "uv.exe"));
  });

  test("must exist when they are built, too", () => {
    const line = 'slots[1].source: expected an existing file or folder, got "uv.exe"';
    const { problems } = errorOf(text, tomlPath, { platforms: ["linux-x64", "windows-x64"] });
    expect(problems).toEqual([line]);
  });
});

test("a missing table names all that it should have", () => {
  const text = toml('[[setup_commands]]\ntype = "enumerate_and_execute"\ncommand = "x"');
  expect(errorOf(text, tomlPath).problems).toEqual([
    "setup_commands[0].enumerate: expected an object, got nothing",
    "setup_commands[0].enumerate.path: expected a string, got nothing",
    "setup_commands[0].enumerate.pattern: expected a string, got nothing",
  ]);
  expect(errorOf("", tomlPath).problems).toEqual([
    "package.name: expected a string, got nothing",
    "package.version: expected a string, got nothing",
    "execution.command: expected a string, got nothing",
  ]);
});

test("five mistakes are five lines", () => {
  const text = `
[package]
name = "a/b"
version = "1"
[execution]
command = "run 'it"
[[slots]]
source = "missing"
target = "../x"
purpos = "tool"
`;
  const error = errorOf(text, tomlPath);
  expect(error.message).toBe(`Cannot use the manifest ${tomlPath}`);
  expect(error.problems.map((line) => line.split(":")[0])).toEqual([
    "slots[0].purpos",
    "package.name",
    "slots[0].source",
    "slots[0].target",
    "execution.command",
  ]);
  expect(error.hint).toBe("paths are relative to the manifest's folder");
});

test("without a missing file there is no hint about folders", () => {
  expect(errorOf(slot('purpose = "toy"'), tomlPath).hint).toBeUndefined();
});
