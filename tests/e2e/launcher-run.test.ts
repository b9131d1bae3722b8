import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, linkSync, mkdirSync, renameSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { cacheOf, cleanEnv, oneFolder, packApp, type RunOptions, runPackage } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

// What a program sees of its caller, and the caller of it: as if there were no launcher between them.

const PROBE = `#!/bin/sh
case "$1" in
  args) shift; for a in "$@"; do printf '<%s>' "$a"; done ;;
  exit) exit "$2" ;;
  env) env ;;
  var) eval "printf '%s' \\"\\$$2\\"" ;;
  cat) cat ;;
  both) echo out; echo err >&2 ;;
  cwd) pwd -P ;;
  self) printf '%s' "$0" ;;
  kill) kill "-$2" $$ ;;
  many) while echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; do :; done ;;
  pid) echo $$ ;;
  limit) echo "$(ulimit -Sn) $(ulimit -Hn)" ;;
esac
`;

let dir: ReturnType<typeof tempDir>;
let app: string;
beforeAll(async () => {
  dir = tempDir();
  app = await packApp(
    dir.path,
    oneFolder(
      "probe",
      "{workenv}/app/probe.sh",
      '[execution.env]\nGREETING = "from {package_name} {version}"',
    ),
    { "app/probe.sh": PROBE },
  );
});
afterAll(() => dir[Symbol.dispose]());

const run = (...args: string[]) => runPackage(app, args);

test("the first start and the later ones look the same", async () => {
  const home = join(dir.path, "fresh");
  const runs = [];
  for (let i = 0; i < 3; i++) runs.push(await runPackage(app, ["both"], { home }));
  expect(runs).toEqual(Array(3).fill({ stdout: "out\n", stderr: "err\n", exitCode: 0, signal: null }));
});

test.each([
  [["plain"]],
  [["two words", " leading", "trailing "]],
  [["", "", "x", ""]],
  [[`'single'`, `"double"`, "back\\slash", "$HOME", "`date`", "*", "a;b&c|d"]],
  [["ünïcödé", "日本語", "😀", "e\u0301"]],
  [["line\nbreak", "tab\there"]],
  [["--version", "--help", "-h", "--package", "info", "--"]],
  [["{workenv}", "{slot:0}", "{bun}"]],
])("arguments arrive as they were given: %j", async (args) => {
  const { stdout, exitCode } = await run("args", ...args);
  expect(stdout).toBe(args.map((arg) => `<${arg}>`).join(""));
  expect(exitCode).toBe(0);
});

test("an argument of 100 kB arrives whole", async () => {
  const long = "x".repeat(100_000);
  expect((await run("args", long)).stdout).toBe(`<${long}>`);
});

test.each([0, 1, 2, 42, 101, 127, 255])("exit code %d is the program's", async (code) => {
  expect(await run("exit", String(code))).toEqual({ stdout: "", stderr: "", exitCode: code, signal: null });
});

test.each(["TERM", "KILL", "INT", "HUP", "ABRT"])("a death by SIG%s is seen as one", async (signal) => {
  expect(await run("kill", signal)).toMatchObject({ signal: `SIG${signal}`, stderr: "" });
});

test("standard input goes through, also many megabytes", async () => {
  const stdin = "0123456789abcde\n".repeat(200_000);
  const { stdout } = await runPackage(app, ["cat"], { stdin });
  expect(stdout.length).toBe(stdin.length);
  expect(stdout === stdin).toBe(true);
});

const shell = (script: string, cwd = dir.path) =>
  Bun.spawnSync(["/bin/sh", "-c", script, "sh", app], {
    cwd,
    env: { ...cleanEnv(join(dirname(app), "home")) },
  });

test("a program that writes into a closed pipe ends by SIGPIPE, as it does without a launcher", () => {
  const { stdout, stderr } = shell('( "$1" many; echo "status $?" >&2 ) | head -n 1');
  expect(stdout.toString()).toStartWith("yyy");
  expect(stderr.toString()).toBe(`status ${128 + 13}\n`);
});

test("the program has the process id that was started", () => {
  const { stdout } = shell('"$1" pid & started=$!; wait; echo "$started"');
  const [seen, started] = stdout.toString().trim().split("\n");
  expect(seen).toMatch(/^\d+$/);
  expect(seen).toBe(started as string);
});

const NAMES = ["FLAVOR_COMMAND_NAME", "FLAVOR_ORIGINAL_COMMAND"] as const;
async function namesSeen(command: string, options: RunOptions) {
  const values = [];
  for (const name of NAMES) values.push((await runPackage(command, ["var", name], options)).stdout);
  return values;
}

test("started by its path, a relative path, a link, a hard link, or found on PATH", async () => {
  const home = join(dirname(app), "home");
  const folder = dirname(app);
  symlinkSync(app, join(folder, "link"));
  linkSync(app, join(folder, "hard"));
  expect(await namesSeen(app, { home })).toEqual(["probe.psp", app]);
  expect(await namesSeen(join(folder, "link"), { home })).toEqual(["link", join(folder, "link")]);
  expect(await namesSeen(join(folder, "hard"), { home })).toEqual(["hard", join(folder, "hard")]);
  const typed = (command: string) =>
    shell(`PATH=${folder}:$PATH; ${command} var FLAVOR_ORIGINAL_COMMAND`, folder);
  expect(typed("./probe.psp").stdout.toString()).toBe("./probe.psp");
  expect(typed(`../${basename(folder)}/link`).stdout.toString()).toBe(`../${basename(folder)}/link`);
  expect(basename(typed("link").stdout.toString())).toBe("link");
  expect(typed("link").exitCode).toBe(0);
});

test("a chain of links leads to the package", async () => {
  symlinkSync("two", join(dir.path, "one"));
  symlinkSync(app, join(dir.path, "two"));
  expect(await runPackage(join(dir.path, "one"), ["both"])).toMatchObject({ stdout: "out\n", exitCode: 0 });
});

test("the program works in the caller's folder", async () => {
  const cwd = join(dir.path, "some where");
  mkdirSync(cwd);
  expect((await runPackage(app, ["cwd"], { cwd })).stdout.trim()).toBe(cwd);
});

// Bun 1.4.5 ends before the first line of a compiled program when its current folder is gone, but not of one that has
// options of its own (--compile-exec-argv in builder/launchers/compile-flags.ts). Smallest case: `mkdir d; cd d; rmdir
// ../d; ./compiled`.
test("a warm start tells its phases at the level debug, each with its milliseconds since the process began", async () => {
  await run("args");
  const { stderr } = await runPackage(app, ["args"], { env: { FLAVOR_LOG_LEVEL: "debug" } });
  const phases = stderr
    .trim()
    .split("\n")
    .map((line) => /^probe\.psp: debug (\d+\.\d) ms: (.*)$/.exec(line));
  expect(phases.map((phase) => phase?.[2]?.replace(/: .*/, "").replace(/^starting .*/, "starting"))).toEqual([
    "arguments and environment are read",
    "the index is read",
    "the workenv is ready",
    "starting",
  ]);
  const times = phases.map((phase) => Number(phase?.[1]));
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

test.each(["cold", "warm"])("in a folder that has been deleted the application starts, %s", () => {
  const script = 'mkdir -p gone; cd gone; rmdir ../gone; FLAVOR_CACHE="$0" exec "$1" args fine';
  const { stdout, exitCode } = Bun.spawnSync(["/bin/sh", "-c", script, join(dir.path, "gone-cache"), app], {
    cwd: dir.path,
    env: cleanEnv(dir.path),
  });
  expect(stdout.toString()).toBe("<fine>");
  expect(exitCode).toBe(0);
});

test.each([
  "with blank",
  "it's",
  'double"quote',
  "dollar$HOME",
  "back\\slash",
  "brace{workenv}",
  "ümläut 😀",
  "new\nline",
  "-dash",
  "per%cent",
  "#hash",
])("a home and a package in a folder called %j", async (name) => {
  const folder = join(dir.path, name);
  mkdirSync(folder);
  const moved = join(folder, `${name}.psp`);
  linkSync(app, moved);
  const home = join(folder, "home");
  for (let i = 0; i < 2; i++)
    expect(await runPackage(moved, ["args", "a b"], { home })).toEqual({
      stdout: "<a b>",
      stderr: "",
      exitCode: 0,
      signal: null,
    });
  expect((await runPackage(moved, ["self"], { home })).stdout).toStartWith(`${home}/cache/`);
});

test("a package that was moved, renamed and made read-only still runs", async () => {
  const home = join(dir.path, "home-of-moved");
  const first = join(dir.path, "first.psp");
  const second = join(dir.path, "renamed without extension");
  // A copy, not a link: the mode is about to change.
  expect(Bun.spawnSync(["cp", app, first]).exitCode).toBe(0);
  expect((await runPackage(first, ["both"], { home })).stdout).toBe("out\n");
  renameSync(first, second);
  chmodSync(second, 0o555);
  expect(await runPackage(second, ["var", "FLAVOR_COMMAND_NAME"], { home })).toMatchObject({
    stdout: "renamed without extension",
    exitCode: 0,
  });
});

test("the program gets the variables that it was promised, and its own path as argv[0]", async () => {
  const cache = cacheOf(app);
  const { stdout } = await run("env");
  const env = Object.fromEntries(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.split(/=(.*)/s).slice(0, 2)),
  );
  const workenv = env["FLAVOR_WORKENV"] as string;
  expect(workenv).toMatch(/\/[0-9a-f]{16}$/);
  expect(dirname(workenv)).toBe(cache);
  expect(env).toMatchObject({
    GREETING: "from probe 1.0",
    PATH: `${workenv}/bin:/usr/local/bin:/usr/bin:/bin`,
    HOME: dirname(cache),
    FLAVOR_CACHE: cache,
    FLAVOR_COMMAND_NAME: "probe.psp",
    FLAVOR_ORIGINAL_COMMAND: app,
  });
  expect(Object.keys(env).filter((name) => name.startsWith("BUN"))).toEqual([]);
  expect((await run("self")).stdout).toBe(`${workenv}/app/probe.sh`);
});

test("FLAVOR_CACHE of the caller decides, also when relative; else XDG_CACHE_HOME, else HOME", async () => {
  const cwd = join(dir.path, "places");
  mkdirSync(cwd);
  const cacheWith = async (env: Record<string, string | undefined>) =>
    dirname((await runPackage(app, ["var", "FLAVOR_WORKENV"], { cwd, home: cwd, env })).stdout);
  expect(await cacheWith({ FLAVOR_CACHE: "here" })).toBe(join(cwd, "here"));
  const unset = { FLAVOR_CACHE: undefined };
  const standard = join(cwd, ".cache/flavor/workenv");
  expect(await cacheWith({ ...unset, XDG_CACHE_HOME: join(cwd, "xdg") })).toBe(
    join(cwd, "xdg/flavor/workenv"),
  );
  expect(await cacheWith({ ...unset, XDG_CACHE_HOME: "not/absolute" })).toBe(standard);
  expect(await cacheWith(unset)).toBe(standard);
});

test("without any home the workenv lies in the temporary folder", async () => {
  const env = { HOME: undefined, FLAVOR_CACHE: undefined, TMPDIR: dir.path };
  const { stdout, stderr } = await runPackage(app, ["var", "FLAVOR_WORKENV"], { env });
  expect(stderr).toBe("");
  expect(dirname(stdout)).toBe(join(dir.path, `flavor-${process.getuid?.()}`, "workenv"));
});

test.each([
  ["is empty", ""],
  ["does not exist", undefined],
])("a PATH that %s is enough", async (_, PATH) => {
  const { stdout, stderr } = await runPackage(app, ["args", "x"], { env: { PATH } });
  expect(stderr).toBe("");
  expect(stdout).toBe("<x>");
});

test.skipIf(process.platform !== "linux").each(["exec", "spawn"])(
  "a script of {bun} may open as many files as Bun would let it, a program as many as its caller (%s)",
  async (mode) => {
    const show =
      'console.log(/open files +(\\d+) +(\\d+)/.exec(await Bun.file("/proc/self/limits").text()).slice(1).join());';
    const command = "{bun} {workenv}/app/limit.ts";
    const script = await packApp(join(dir.path, `limit-${mode}`), oneFolder("limit", command), {
      "app/limit.ts": show,
      "app/probe.sh": PROBE,
    });
    const limited = async (path: string, ...args: readonly string[]) => {
      const env = { ...cleanEnv(join(dir.path, "limits")), FLAVOR_EXEC_MODE: mode };
      const start = 'ulimit -n 3000; ulimit -Sn 300; exec "$0" "$@"';
      const child = Bun.spawn(["/bin/sh", "-c", start, path, ...args], { env, stdout: "pipe" });
      return child.stdout.text();
    };
    expect(await limited(script)).toBe("3000,3000\n");
    expect(await limited(app, "limit")).toBe("300 3000\n");
  },
);
