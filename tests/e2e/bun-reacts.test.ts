import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { REACTIONS } from "../../scripts/bun-environment.ts";
import { cleanEnv, oneFolder, packApp, runPackage, startPackage, writeFiles } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

// What Bun does on its own accord and a comparison of two starts does not show: tests/e2e/bun-environment.test.ts has
// the rest of the table.

let dir: ReturnType<typeof tempDir>;
const packages = { native: "", script: "" };
beforeAll(async () => {
  dir = tempDir();
  packages.native = await packApp(dir.path, oneFolder("native", "sh {workenv}/app/main.sh"), {
    "app/main.sh": `case "$1" in
sleep) echo $$; exec sleep 600 ;;
crash) kill -SEGV $PPID; cat ;;
*) echo "started BE_BUN=$BUN_BE_BUN" ;;
esac
`,
    "app/main.ts": `
if (process.argv[2] === "leave") {
  const child = Bun.spawn(["sleep", "600"], { stdio: ["ignore", "ignore", "ignore"] });
  child.unref();
  console.log(child.pid);
} else console.log("started BE_BUN=" + (process.env.BUN_BE_BUN ?? ""));
`,
  });
  packages.script = await packApp(dir.path, oneFolder("script", "{bun} {workenv}/app/main.ts"), {});
  // Warm from here on.
  for (const path of Object.values(packages)) expect((await runPackage(path)).exitCode).toBe(0);
}, 60_000);
afterAll(() => dir[Symbol.dispose]());

const KINDS = ["native", "script"] as const;
const isLinux = process.platform === "linux";
if (!isLinux) process.stdout.write("parents that go and crashes are looked at on Linux only\n");
const stays = { FLAVOR_EXEC_MODE: "spawn" } as const;

test("each row that is tried apart is tried here", () => {
  const apart = REACTIONS.filter((row) => row.apart).flatMap(({ variables = {} }) => Object.keys(variables));
  const source =
    readFileSync(import.meta.path, "utf8") +
    readFileSync(join(import.meta.dir, "environment.test.ts"), "utf8");
  expect(apart.length).toBeGreaterThan(5);
  expect(apart.filter((name) => !source.includes(name))).toEqual([]);
});

describe.each(KINDS)("the inspector, %s", (kind) => {
  test("BUN_INSPECT opens it, and the application starts when somebody has come", async () => {
    const socket = join(dir.path, `${kind}.sock`);
    const child = startPackage(packages[kind], [], { env: { BUN_INSPECT: `ws+unix://${socket}?wait=1` } });
    while (!existsSync(socket) && child.exitCode === null) await Bun.sleep(5);
    expect(existsSync(socket)).toBe(true);
    expect(child.exitCode).toBeNull();
    child.kill("SIGKILL");
    expect(await child.stdout.text()).toBe("");
  });

  test("BUN_INSPECT_CONNECT_TO calls it", async () => {
    const path = join(dir.path, `${kind}-called.sock`);
    let calls = 0;
    using called = Bun.listen({ unix: path, socket: { open: () => void calls++, data() {} } });
    expect(called.unix).toBe(path);
    // A thread of Bun's calls, and a start may be over before it has: a launcher that stays gives it some time.
    const env = { ...stays, BUN_INSPECT_CONNECT_TO: path };
    for (let starts = 0; calls === 0 && starts < 50; starts++) await runPackage(packages[kind], [], { env });
    expect(calls).toBeGreaterThan(0);
  });
});

test("BUN_OPTIONS opens it for a script, and launchers stay out of it", async () => {
  const socket = join(dir.path, "options.sock");
  const env = { BUN_OPTIONS: `--inspect-wait=ws+unix://${socket}` };
  expect(await runPackage(packages.native, [], { env })).toMatchObject({
    stdout: "started BE_BUN=\n",
    stderr: "",
  });
  expect(existsSync(socket)).toBe(false);
  const child = startPackage(packages.script, [], { env });
  while (!existsSync(socket) && child.exitCode === null) await Bun.sleep(5);
  expect(child.exitCode).toBeNull();
  child.kill("SIGKILL");
  expect(await child.stdout.text()).toBe("");
});

test("BUN_INSPECT_NOTIFY tells of it", async () => {
  const path = join(dir.path, "told.sock");
  const { promise, resolve } = Promise.withResolvers<string>();
  using told = Bun.listen({ unix: path, socket: { data: (_, text) => resolve(text.toString()) } });
  expect(told.unix).toBe(path);
  const env = { BUN_INSPECT: `ws+unix://${dir.path}/i.sock?wait=1`, BUN_INSPECT_NOTIFY: `unix://${path}` };
  const child = startPackage(packages.native, [], { env });
  expect(await promise).toBe("1");
  child.kill("SIGKILL");
  await child.exited;
});

const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !(isLinux && readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z "));
  } catch {
    return false;
  }
};

describe("BUN_FEATURE_FLAG_NO_ORPHANS", () => {
  test("takes along what a script has left", async () => {
    const leave = async (env: Readonly<Record<string, string>>): Promise<number> => {
      const { stdout, exitCode } = await runPackage(packages.script, ["leave"], { env });
      expect(exitCode).toBe(0);
      return Number(stdout);
    };
    const left = await leave({});
    expect(isThere(left)).toBe(true);
    process.kill(left, "SIGKILL");
    const taken = await leave({ BUN_FEATURE_FLAG_NO_ORPHANS: "1" });
    while (isThere(taken)) await Bun.sleep(5);
  });

  // Elsewhere a thread of Bun watches the parent, and is gone when the launcher has become the application.
  test.skipIf(!isLinux)("ends an application whose parent has gone", async () => {
    const start = async (env: Readonly<Record<string, string>>): Promise<number> => {
      const home = join(dir.path, "dist", "home");
      const parent = Bun.spawn(["sh", "-c", '"$1" sleep & wait', "sh", packages.native], {
        env: { ...cleanEnv(home), ...env },
        stdio: ["ignore", "pipe", "ignore"],
      });
      // The application says who it is when it is there.
      const { value } = await parent.stdout.getReader().read();
      parent.kill("SIGKILL");
      await parent.exited;
      return Number(new TextDecoder().decode(value));
    };
    const left = await start({});
    expect(isThere(left)).toBe(true);
    process.kill(left, "SIGKILL");
    const taken = await start({ BUN_FEATURE_FLAG_NO_ORPHANS: "1" });
    while (isThere(taken)) await Bun.sleep(5);
  });
});

test.skipIf(!isLinux)("a report of a crash goes nowhere unless asked", async () => {
  // Bun sends with curl, from PATH: this one only notes where to.
  const bin = join(dir.path, "bin");
  const note = join(dir.path, "called");
  writeFiles(bin, { curl: `#!/bin/sh\necho "$*" >> ${note}\n` });
  const crash = async (env: Readonly<Record<string, string>>) => {
    const PATH = `${bin}:${cleanEnv("")["PATH"]}`;
    const { signal, stderr } = await runPackage(packages.native, ["crash"], {
      env: { PATH, ...stays, ...env },
    });
    expect(signal).toBe("SIGSEGV");
    expect(stderr).toContain("Bun has crashed");
  };
  await crash({});
  await crash({ DO_NOT_TRACK: "1" });
  await crash({ BUN_ENABLE_CRASH_REPORTING: "1", BUN_CRASH_REPORT_URL: "http://127.0.0.1:9" });
  while (!existsSync(note) || !readFileSync(note, "utf8").endsWith("\n")) await Bun.sleep(5);
  expect(readFileSync(note, "utf8")).toMatch(/^.* http:\/\/127\.0\.0\.1:9\/.*\n$/);
});

describe.each(KINDS)("%s", (kind) => {
  test("NODE_CHANNEL_FD without a channel is warned of; NODE_CHANNEL_SERIALIZATION_MODE alone is not", async () => {
    const env = { NODE_CHANNEL_FD: "nonsense", NODE_CHANNEL_SERIALIZATION_MODE: "json" };
    const { stdout, stderr } = await runPackage(packages[kind], [], { env });
    expect(stdout).toBe("started BE_BUN=\n");
    expect(stderr).toContain("Failed to parse IPC channel number 'nonsense'");
    const { stderr: silent } = await runPackage(packages[kind], [], {
      env: { NODE_CHANNEL_SERIALIZATION_MODE: "json" },
    });
    expect(silent).toBe("");
  });

  test.each(["0", "", "false"])("BUN_BE_BUN=%j does nothing, and is not handed on", async (value) => {
    const { stdout, stderr } = await runPackage(packages[kind], [], { env: { BUN_BE_BUN: value } });
    expect({ stdout, stderr }).toEqual({ stdout: "started BE_BUN=\n", stderr: "" });
  });
});

/** Notes the name of each variable that the program asks the C library for. */
const ASKED = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>
static char *(*real)(const char *);
static char *(*real_secure)(const char *);
static void note(const char *name) {
  static int file = -2;
  if (file == -2) {
    char exe[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (!real) real = dlsym(RTLD_NEXT, "getenv");
    const char *to = real("ASKED_TO"), *of = real("ASKED_OF");
    exe[length < 0 ? 0 : length] = 0;
    file = to && of && strcmp(exe, of) == 0 ? open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
  }
  if (file < 0) return;
  char line[512];
  size_t length = strlen(name);
  if (length > 500) return;
  memcpy(line, name, length);
  line[length] = '\\n';
  if (write(file, line, length + 1)) {}
}
char *getenv(const char *name) {
  if (!real) real = dlsym(RTLD_NEXT, "getenv");
  note(name);
  return real(name);
}
char *secure_getenv(const char *name) {
  if (!real_secure) real_secure = dlsym(RTLD_NEXT, "secure_getenv");
  note(name);
  return real_secure(name);
}
`;

/** Asked for on macOS only, by what is in every build; and by the test itself. */
const KNOWN = [
  "DYLD_INSERT_LIBRARIES",
  "DYLD_ROOT_PATH",
  "TMPDIR",
  "HOME",
  "PATH",
  "USER",
  "SHELL",
  "ASKED_TO",
  "ASKED_OF",
];

const compiler = Bun.which("cc") ?? Bun.which("gcc");
const cannotAsk = !isLinux ? "not Linux" : compiler === null ? "no C compiler" : undefined;
if (cannotAsk !== undefined)
  process.stdout.write(`the table is not compared with what is asked for: ${cannotAsk}\n`);

test.skipIf(cannotAsk !== undefined)("all that launchers and scripts ask for is in the table", async () => {
  const library = join(dir.path, "asked.so");
  writeFiles(dir.path, { "asked.c": ASKED });
  const compiled = Bun.spawnSync([
    compiler as string,
    "-shared",
    "-fPIC",
    "-o",
    library,
    join(dir.path, "asked.c"),
    "-ldl",
  ]);
  expect(compiled.stderr.toString()).toBe("");
  const names = new Set<string>();
  let starts = 0;
  for (const kind of KINDS)
    for (const more of [{}, stays, { FLAVOR_CACHE: join(dir.path, `asked-${kind}`) }]) {
      const note = join(dir.path, `asked-${starts++}.txt`);
      const env = { LD_PRELOAD: library, ASKED_TO: note, ASKED_OF: packages[kind], ...more };
      expect((await runPackage(packages[kind], [], { env })).exitCode).toBe(0);
      for (const name of readFileSync(note, "utf8").trim().split("\n")) names.add(name);
    }
  const listed = new Set(REACTIONS.flatMap(({ variables = {} }) => Object.keys(variables)));
  expect(names.size).toBeGreaterThan(40);
  expect([...names].filter((name) => !listed.has(name) && !KNOWN.includes(name)).sort()).toEqual([]);
  process.stdout.write(
    `${names.size} names were asked for, all of them are among the ${listed.size} of the table\n`,
  );
});
