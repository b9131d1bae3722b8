import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Scope } from "../command/template.ts";
import { PspfError } from "../errors.ts";
import type { SetupCommand } from "../wire/metadata-types.ts";
import { runSetup } from "./setup.ts";

let root: string;
let scope: Scope;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "setup-")));
  // A home like this one must not change what commands mean.
  useWorkenv(join(root, "it's {version} $HOME", "work env"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function useWorkenv(workenv: string): void {
  mkdirSync(workenv, { recursive: true });
  scope = {
    workenv,
    packageName: "app",
    version: "1.0",
    slots: [join(workenv, "a")],
    primarySlot: 0,
    os: "linux",
    arch: "amd64",
    bun: "/bun",
  };
}

const ENV = { PATH: "/usr/bin:/bin", COLOR: "blue" };
const run = (...commands: SetupCommand[]) => runSetup(commands, { scope, env: ENV });
const execute = (command: string): SetupCommand => ({ type: "execute", command });
const inside = (path: string) => join(scope.workenv, path);
const read = (path: string) => readFileSync(inside(path), "utf8");
const modeOf = (path: string) => lstatSync(inside(path)).mode & 0o777;

function put(path: string, content = "", mode = 0o644): void {
  mkdirSync(dirname(inside(path)), { recursive: true });
  writeFileSync(inside(path), content, { mode });
}

async function failureOf(...commands: SetupCommand[]): Promise<PspfError> {
  try {
    await run(...commands);
  } catch (error) {
    if (error instanceof PspfError) return error;
    throw error;
  }
  throw new Error("the setup succeeded");
}

describe("execute", () => {
  test("runs in the workenv, with the application's environment, in order", async () => {
    await run(
      execute("sh -c 'pwd -P > where; printf %s \"$COLOR\" > color'"),
      execute("sh -c 'cat color >> where'"),
    );
    expect(read("where")).toBe(`${scope.workenv}\nblue`);
  });

  test("fills in placeholders word by word", async () => {
    await run(
      execute("sh -c 'printf \"<%s>\" \"$@\" > out' sh {workenv}/x {package_name}-{version} 'a b' {slot:0}"),
    );
    expect(read("out")).toBe(`<${scope.workenv}/x><app-1.0><a b><${scope.workenv}/a>`);
  });

  test("has no input, and its output is not shown", async () => {
    await run(execute("sh -c 'cat > input; echo talk; echo talk >&2'"));
    expect(read("input")).toBe("");
  });

  test("that fails ends the setup, with its code and what it said", async () => {
    const failure = await failureOf(
      execute("sh -c 'echo one; echo; echo two >&2; exit 3'"),
      execute("sh -c 'touch later'"),
    );
    expect(failure).toMatchObject({
      code: "setup-failed",
      exitCode: 103,
      problems: ["one", "two"],
      hint: "the next start tries again",
    });
    expect(failure.message).toContain("it ended with 3");
    expect(existsSync(inside("later"))).toBe(false);
  });

  test("that fails after much talk shows the end of it", async () => {
    const { problems } = await failureOf(
      execute("sh -c 'i=0; while [ $i -lt 50 ]; do i=$((i+1)); echo line $i; done; exit 1'"),
    );
    expect(problems).toEqual(Array.from({ length: 20 }, (_, i) => `line ${i + 31}`));
  });

  test("that leaves something running is not waited for, whether it fails or not", async () => {
    // The one in the background holds both pipes until the end of the test.
    const background = (code: number) =>
      execute(`sh -c 'sleep 30 & echo $! > pid${code}; echo said; exit ${code}'`);
    const isAlive = (code: number) => process.kill(Number(read(`pid${code}`)), 0);
    await run(background(0));
    expect(isAlive(0)).toBe(true);
    expect(await failureOf(background(4))).toMatchObject({ code: "setup-failed", problems: ["said"] });
    expect(isAlive(4)).toBe(true);
    for (const code of [0, 4]) process.kill(Number(read(`pid${code}`)), "SIGKILL");
  });

  test("is ended by the signal that interrupts us, and nothing follows", async () => {
    const controller = new AbortController();
    const commands = [
      execute(
        "sh -c 'trap \"echo stopped > stopped; exit 1\" INT; touch ready; while :; do sleep 0.01; done'",
      ),
      execute("touch later"),
    ];
    const done = runSetup(commands, { scope, env: ENV, interrupted: controller.signal });
    while (!existsSync(inside("ready"))) await Bun.sleep(1);
    controller.abort("SIGINT");
    expect(await done.catch((reason) => reason)).toBe("SIGINT");
    expect(read("stopped")).toBe("stopped\n");
    expect(existsSync(inside("later"))).toBe(false);
  });

  test("that is killed says by what", async () => {
    expect((await failureOf(execute("sh -c 'kill -TERM $$'"))).message).toContain("it was ended by SIGTERM");
  });

  test("of a program that is not there, or is none, is a failed setup", async () => {
    expect((await failureOf(execute("no-such-program-anywhere"))).code).toBe("program-not-found");
    put("data", "\0\0\0 no program");
    expect(await failureOf(execute("{workenv}/data"))).toMatchObject({ code: "setup-failed", exitCode: 103 });
    chmodSync(inside("data"), 0o755);
    expect(await failureOf(execute("{workenv}/data"))).toMatchObject({ code: "setup-failed", exitCode: 103 });
  });
});

describe("enumerate_and_execute", () => {
  const each = (command: string, path = "{workenv}/wheels", pattern = "*.whl"): SetupCommand => ({
    type: "enumerate_and_execute",
    command,
    enumerate: { path, pattern },
  });
  const log = 'sh -c \'printf "<%s>" "$@" >> log; echo >> log\' sh';

  test("runs once for each match, sorted, with the match as last argument", async () => {
    for (const name of ["b.whl", "a.whl", "c.txt", "sub/d.whl"]) put(`wheels/${name}`);
    await run(each(`${log} first`));
    expect(read("log")).toBe(`<first><${inside("wheels/a.whl")}>\n<first><${inside("wheels/b.whl")}>\n`);
  });

  test("puts the match where {file} is, also inside a word and more than once", async () => {
    put("wheels/a.whl");
    await run(each(`${log} --in={file} end {file}`));
    const file = inside("wheels/a.whl");
    expect(read("log")).toBe(`<--in=${file}><end><${file}>\n`);
  });

  test.each([
    "with blank.whl",
    "it's.whl",
    '"q".whl',
    "$HOME.whl",
    "`x`.whl",
    "back\\slash.whl",
    "{version}{file}.whl",
    "-x.whl",
    "ü.whl",
    "a\nb.whl",
  ])("takes %j as it is", async (name) => {
    put(`wheels/${name}`);
    await run(each(`${log} {file}`), each(log));
    const file = inside(`wheels/${name}`);
    expect(read("log")).toBe(`<${file}>\n<${file}>\n`);
  });

  test("leaves out hidden files, folders and links", async () => {
    put("wheels/.hidden.whl");
    put("wheels/folder.whl/x");
    put("elsewhere");
    symlinkSync("../elsewhere", inside("wheels/link.whl"));
    await run(each("false"));
    put("wheels/.shown");
    await run(each(log, "wheels", ".s*"));
    expect(read("log")).toBe(`<${inside("wheels/.shown")}>\n`);
  });

  test("without a match, or without the folder, does nothing", async () => {
    put("wheels/a.txt");
    await run(each("false"), each("false", "{workenv}/nowhere"));
  });

  test("of what is no folder is an error with its path", async () => {
    put("wheels");
    expect(await failureOf(each("false"))).toMatchObject({
      code: "io-failed",
      message: expect.stringContaining(inside("wheels")),
    });
  });

  test("ends at the first failure", async () => {
    for (const name of ["a", "b"]) put(`wheels/${name}.whl`);
    expect((await failureOf(each("sh -c 'echo ran >> log; exit 1' sh"))).code).toBe("setup-failed");
    expect(read("log")).toBe("ran\n");
  });
});

describe("write_file", () => {
  const write = (path: string, content: string, mode?: number): SetupCommand =>
    mode === undefined ? { type: "write_file", path, content } : { type: "write_file", path, content, mode };

  test("writes the content as it is, with placeholders filled in, and makes folders", async () => {
    await run(write("{workenv}/meta/deep/installed", "{package_name}-{version} {json} {}"));
    expect(read("meta/deep/installed")).toBe("app-1.0 {json} {}");
    expect(modeOf("meta/deep/installed")).toBe(0o644);
  });

  test("takes a path relative to the workenv, and gives the mode", async () => {
    await run(write("script", "#!/bin/sh\n", 0o750));
    expect(modeOf("script")).toBe(0o750);
  });

  test("replaces what is there, a link itself and not what it leads to", async () => {
    put("old", "old");
    symlinkSync("old", inside("link"));
    await run(write("old", "new"), write("link", "not a link"));
    expect(read("old")).toBe("new");
    expect(lstatSync(inside("link")).isSymbolicLink()).toBe(false);
  });
});

describe("chmod", () => {
  const chmod = (path: string, mode: number): SetupCommand => ({ type: "chmod", path, mode });

  test("changes one file, or all that match in the last part", async () => {
    for (const name of ["bin/a", "bin/b", "other"]) put(name);
    await run(chmod("{workenv}/bin/*", 0o700), chmod("other", 0o600));
    expect(["bin/a", "bin/b", "other"].map(modeOf)).toEqual([0o700, 0o700, 0o600]);
  });

  test("gives no set-user-id bit", async () => {
    put("tool");
    await run(chmod("tool", 0o4755));
    expect(lstatSync(inside("tool")).mode & 0o7777).toBe(0o755);
  });

  test("never follows a link", async () => {
    writeFileSync(join(root, "outside"), "", { mode: 0o600 });
    mkdirSync(inside("bin"));
    symlinkSync(join(root, "outside"), inside("bin/link"));
    await run(chmod("{workenv}/bin/*", 0o777));
    expect(lstatSync(join(root, "outside")).mode & 0o777).toBe(0o600);
  });

  test("of nothing does nothing", async () => {
    await run(chmod("{workenv}/bin/*", 0o700), chmod("missing", 0o700));
  });
});

describe("nothing leads outside", () => {
  const OUTSIDE = [
    "../x",
    "{workenv}/../x",
    "{workenv}/a/../../x",
    "/etc/x",
    "..",
    "{workenv}-beside/x",
    "a/../../x",
  ];
  test.each(OUTSIDE)("%s", async (path) => {
    for (const command of [
      { type: "write_file", path, content: "evil" },
      { type: "chmod", path, mode: 0o777 },
      { type: "enumerate_and_execute", command: "sh -c 'touch evil'", enumerate: { path, pattern: "*" } },
    ] satisfies SetupCommand[])
      expect(await failureOf(command)).toMatchObject({ code: "path-escapes", exitCode: 103 });
    expect(existsSync(inside("evil"))).toBe(false);
  });

  test("a name that only begins with dots stays inside", async () => {
    await run(
      { type: "write_file", path: "..x", content: "fine" },
      { type: "write_file", path: "a/../b", content: "fine" },
    );
    expect(read("..x") + read("b")).toBe("finefine");
  });
});
