import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ensureLauncher } from "../../builder/launchers/cache.ts";
import { hostTarget } from "../../builder/launchers/host.ts";
import { cacheOf, cleanEnv, oneFolder, packApp, runPackage } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

// What a warm start costs the system: the look into the cache, and all of it beside a program that Bun compiled and
// that does nothing. Threads and memory are the runtime's own business and differ from run to run.

const strace = Bun.which("strace");
if (strace === null) process.stderr.write("not tested: system calls of a warm start (there is no strace)\n");

const NOT_RUNTIME =
  /^(?!(?:futex|mmap|munmap|mprotect|mremap|madvise|brk|clone3?|rt_sig\w*|sigaltstack|rseq|set_robust_list|set_tid_address|sched_\w+|prctl|gettid|getrandom|exit\w*|restart_syscall)\()\w+\(/;

/** The calls of a program and all its threads: lines such as `openat(AT_FDCWD, "/path", O_RDONLY) = 3</path>`. */
function traced(program: string, env: Readonly<Record<string, string>>, trace: string): readonly string[] {
  const { exitCode } = Bun.spawnSync(["strace", "-f", "-y", "-s", "500", "-o", trace, program], { env });
  expect(exitCode).toBe(0);
  return readFileSync(trace, "utf8")
    .split("\n")
    .map((line) => line.replace(/^\d+ +/, ""));
}

/** Those until it becomes another one. */
function callsOf(
  program: string,
  env: Readonly<Record<string, string>>,
  trace: string,
  wanted = NOT_RUNTIME,
): readonly string[] {
  const lines = traced(program, env, trace);
  const calls = lines.filter((line) => line.startsWith("execve(") || wanted.test(line));
  return calls.slice(
    0,
    calls.findLastIndex((line) => line.startsWith("execve(")),
  );
}

test.skipIf(strace === null)(
  "a warm start looks into the cache with at most thirteen system calls, however many files there are",
  async () => {
    using dir = tempDir();
    const entry = join(import.meta.dir, "..", "..", "bench", "bare.ts");
    const bare = (await ensureLauncher(hostTarget(), { entry, cacheDir: dir.path })).path;
    const files = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`app/${i}`, `file ${i}`]));
    const more = { ...files, "app/run": "#!/bin/true\n" };
    const app = await packApp(dir.path, oneFolder("calls", "{workenv}/app/run"), more);
    expect((await runPackage(app)).exitCode).toBe(0);
    expect(existsSync(cacheOf(app))).toBe(true);
    const env = { ...cleanEnv(join(app, "..", "home")) };
    const [ours, floor] = [
      callsOf(app, env, join(dir.path, "ours")),
      callsOf(bare, env, join(dir.path, "bare")),
    ];
    const cache = cacheOf(app);
    // Finding the program, keeping the lease for it and becoming it is what comes after.
    const looks = ours.filter((line) => line.includes(cache) && !/^(execve|dup2)\(|\/environ>/.test(line));
    const program = looks.filter((line) => line.startsWith("statx") && !line.includes("NOFOLLOW")).at(-1);
    expect(program).toContain("/app/run");
    const count = looks.length - 1;
    expect(count).toBeGreaterThanOrEqual(9);
    // One of them reads the end of the marker: a decoder, with which it would not, costs more.
    expect(count).toBeLessThanOrEqual(13);
    // Whom to trust was asked when it was unpacked.
    expect(ours.filter((line) => /trust\.json|policy\.json|\/known|\/etc\/flavor/.test(line))).toEqual([]);
    expect(floor.length).toBeGreaterThan(20);
    // Five of them ask the system for what Bun does not tell: open files, and the bytes of the environment.
    expect(ours.length - floor.length).toBeLessThanOrEqual(25);
  },
);

// JavaScriptCore starts a thread that prepares memory as soon as its heap has asked for 64 blocks, one for each kind and
// size of object; that thread and what it does cost a start more than all of ours. Bare Bun asks for 39.
test.skipIf(strace === null)(
  "a warm start asks for so few blocks of memory that no thread prepares more",
  async () => {
    using dir = tempDir();
    const app = await packApp(dir.path, oneFolder("blocks", "{workenv}/app/run"), {
      "app/run": "#!/bin/true\n",
    });
    expect((await runPackage(app)).exitCode).toBe(0);
    const variables = Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [`VARIABLE_${i}`, `its value ${i}`]),
    );
    const threads = (options: Readonly<Record<string, string>>) => {
      // The compilers' threads are another matter.
      const env = {
        ...cleanEnv(join(app, "..", "home")),
        ...variables,
        ...options,
        BUN_JSC_useConcurrentJIT: "0",
      };
      const calls = callsOf(app, env, join(dir.path, "trace"), /^clone/);
      return calls.filter((line) => line.startsWith("clone")).length;
    };
    expect(threads({})).toBe(0);
    expect(threads({ BUN_JSC_warmUpMarkedBlockStartAfterBlocks: "50" })).toBeGreaterThan(0);
  },
);

// What runs more often than fifty times is compiled, by a thread that is started for that: a thirtieth of a start.
const isCompiler = (line: string): boolean => line.startsWith('prctl(PR_SET_NAME, "JITWorker"');

test.skipIf(strace === null)(
  "a warm start compiles nothing, however many files there are and variables around it",
  async () => {
    using dir = tempDir();
    const files = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`app/${i}`, `file ${i}`]));
    const rules = '\n[runtime.env]\nunset = ["PYTHONHOME", "SECRET_*"]\npass = ["LANG", "LC_*"]';
    const app = await packApp(dir.path, oneFolder("jit", "{workenv}/app/run", rules), {
      ...files,
      "app/run": "#!/bin/true\n",
    });
    expect((await runPackage(app)).exitCode).toBe(0);
    const variables = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`VARIABLE_${i}`, `its value ${i}`]));
    const compilers = (count: number) => {
      const env = { ...cleanEnv(join(app, "..", "home")), ...variables(count) };
      const calls = callsOf(app, env, join(dir.path, "trace"), /^prctl/);
      return calls.filter(isCompiler).length;
    };
    expect(compilers(80)).toBe(0);
    // so that it would be seen
    expect(compilers(3000)).toBeGreaterThan(0);
  },
);

// `node:fs` alone is enough for it.
test.skipIf(strace === null)(
  "a warm start that goes on as a script compiles nothing on the way",
  async () => {
    using dir = tempDir();
    const compilers = async (name: string, script: string) => {
      const app = await packApp(join(dir.path, name), oneFolder(name, "{bun} {workenv}/app/main.js"), {
        "app/main.js": script,
      });
      expect((await runPackage(app)).stdout).toBe("hello\n");
      const lines = traced(app, cleanEnv(join(app, "..", "home")), join(dir.path, name, "trace"));
      expect(lines.filter((line) => line.startsWith("execve("))).toHaveLength(1);
      return lines.filter(isCompiler).length;
    };
    expect(await compilers("hello", 'console.log("hello");')).toBe(0);
    // so that it would be seen
    const script = 'let n = 0; for (let i = 0; i < 1e6; i++) n += i; console.log(n > 0 ? "hello" : n);';
    expect(await compilers("loop", script)).toBeGreaterThan(0);
  },
);
