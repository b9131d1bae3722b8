import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { cleanEnv, type Files, oneFolder, packApp, runPackage, writeFiles } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

// What lies in the caller's folder must not reach launcher or application, and what makes the launcher act as Bun must
// not reach what the application starts.

/** Everything that a Bun in this folder would read without being asked. */
const HOSTILE: Files = {
  ".env": "PLANTED=env\nFLAVOR_VALIDATION=nonsense\nFLAVOR_LAUNCHER_CLI=1\n",
  ".env.local": "PLANTED=env.local\n",
  ".env.production": "PLANTED=env.production\n",
  "bunfig.toml": 'preload = ["./evil.ts"]\n[define]\n"process.env.DEFINED" = "\'planted\'"\n',
  "package.json": '{ "name": "evil", "scripts": { "main.ts": "echo EVIL" }, "type": "commonjs" }',
  "tsconfig.json": '{ "compilerOptions": { "baseUrl": ".", "paths": { "*": ["./evil.ts"] } } }',
  // Not a star: that would also lead from the script's own path to the file.
  "asked.json": '{ "compilerOptions": { "baseUrl": ".", "paths": { "~/*": ["./evil.ts"] } } }',
  "jsconfig.json": '{ "compilerOptions": { "baseUrl": ".", "paths": { "*": ["./evil.ts"] } } }',
  "evil.ts": 'process.stdout.write("EVIL"); export const name = "evil"; export default name;',
  "node_modules/dependency/index.js": 'export const name = "evil";',
  "bun.lock": "{ not json",
};

const APP: Files = {
  "app/main.ts": `
import { name as byPath } from "~/library";
import { name as byPackage } from "dependency";
console.log(JSON.stringify({
  byPath, byPackage,
  main: import.meta.main,
  args: process.argv.slice(2),
  planted: process.env.PLANTED ?? null,
  defined: process.env.DEFINED ?? null,
}));
`,
  "app/exit.ts": "console.error('to stderr'); process.exit(Number(process.argv[2]));",
  "app/setup.ts":
    'await Bun.write("result", String([process.env.PLANTED, process.env.BUN_BE_BUN, Bun.version]));',
  "app/asks.ts": 'import { name } from "~/anything"; console.log("", process.env.PLANTED, name);',
  "app/missing.ts": 'import { x } from "surely-not-there"; console.log(x);',
  "app/tsconfig.json": '{ "compilerOptions": { "paths": { "~/*": ["./lib/*"] } } }',
  "app/lib/library.ts": 'export const name: string = "own library";',
  "app/node_modules/dependency/package.json":
    '{ "name": "dependency", "main": "index.js", "type": "module" }',
  "app/node_modules/dependency/index.js": 'export const name = "own dependency";',
  "app/show.sh": '#!/bin/sh\necho "planted=$PLANTED args=$*"\n',
};

let dir: ReturnType<typeof tempDir>;
let hostile: string;
let native: string;
let script: string;
beforeAll(async () => {
  dir = tempDir();
  hostile = join(dir.path, "hostile");
  mkdirSync(hostile);
  writeFiles(hostile, HOSTILE);
  native = await packApp(dir.path, oneFolder("native", "{workenv}/app/show.sh"), APP);
  script = await packApp(dir.path, oneFolder("script", "{bun} {workenv}/app/main.ts"), APP);
});
afterAll(() => dir[Symbol.dispose]());

const pack = (name: string, command: string, more?: string) =>
  packApp(dir.path, oneFolder(name, command, more), {});

test("the hostile folder works: a plain Bun falls for it", () => {
  const { stdout } = Bun.spawnSync([process.execPath, "-e", "console.log(process.env.PLANTED)"], {
    cwd: hostile,
    env: cleanEnv(dir.path),
  });
  expect(stdout.toString()).toBe("EVILenv.local\n");
});

describe.each(["cold", "warm"])("in a hostile folder, %s", () => {
  test("a native command sees nothing of it", async () => {
    expect(await runPackage(native, ["x"], { cwd: hostile })).toEqual({
      stdout: "planted= args=x\n",
      stderr: "",
      exitCode: 0,
      signal: null,
    });
  });

  test("a script of {bun} has its own tsconfig.json and packages, and sees nothing of it", async () => {
    const { stdout, stderr, exitCode } = await runPackage(script, ["", "a b"], { cwd: hostile });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      byPath: "own library",
      byPackage: "own dependency",
      main: true,
      args: ["", "a b"],
      planted: null,
      defined: null,
    });
    expect(exitCode).toBe(0);
  });

  test("the launcher's own commands see nothing of it", async () => {
    const { stdout } = await runPackage(native, [], { cwd: hostile, env: { FLAVOR_LAUNCHER_CLI: "1" } });
    expect(stdout).toStartWith("native 1.0");
  });
});

test("nothing is left in the folder", () => {
  const planted = new Set(Object.keys(HOSTILE).map((path) => path.split("/")[0] as string));
  expect(readdirSync(hostile).sort()).toEqual([...planted].sort());
});

test("an application that asks for the folder's settings gets them", async () => {
  const asking = await pack(
    "asking",
    "{bun} --env-file=.env --config=./bunfig.toml --tsconfig-override=./asked.json {workenv}/app/asks.ts",
  );
  const { stdout, stderr } = await runPackage(asking, [], { cwd: hostile });
  expect(stderr).toBe("");
  expect(stdout).toBe("EVIL env evil\n");
});

test("a package that is not there is not installed", async () => {
  const missing = await pack("missing", "{bun} {workenv}/app/missing.ts");
  const { stderr, exitCode } = await runPackage(missing, [], { cwd: dirname(hostile) });
  expect(stderr).toContain("Cannot find package 'surely-not-there'");
  expect(exitCode).toBe(1);
});

test("a script's exit code and streams are its own", async () => {
  const exits = await pack("exits", "{bun} {workenv}/app/exit.ts");
  for (const code of [0, 1, 42, 255])
    expect(await runPackage(exits, [String(code)])).toEqual({
      stdout: "",
      stderr: "to stderr\n",
      exitCode: code,
      signal: null,
    });
});

test("setup commands may use {bun}, and see nothing of the folder either", async () => {
  const sets = await pack(
    "sets",
    "cat {workenv}/result",
    '[[setup_commands]]\ntype = "execute"\ncommand = "{bun} {workenv}/app/setup.ts"',
  );
  const { stdout, stderr } = await runPackage(sets, [], { cwd: hostile });
  expect(stderr).toBe("");
  expect(stdout).toBe(`,,${Bun.version}`);
});

test("a package that a script starts is a package, not Bun", async () => {
  const nests = await packApp(dir.path, oneFolder("nests", "{bun} {workenv}/app/nests.ts"), {
    "app/nests.ts":
      "const { stdout } = Bun.spawnSync([process.argv[2], 'inner']); console.log(stdout.toString());",
  });
  expect((await runPackage(nests, [native])).stdout).toContain("planted= args=inner");
});

/** Prints what a child sees of the variable. */
const PRINT = ['printf %s "$', '{BUN_BE_BUN-unset}"'].join("");

/** Each way to see the variable, or to start something that could. All must give "unset". */
const PROBES = `
import * as cp from "node:child_process";
import { readFileSync } from "node:fs";
import { $, env, spawn, spawnSync } from "bun";
import { dlopen } from "bun:ffi";
const here = import.meta.dir;
const sh = ["sh", here + "/print.sh"];
const text = (stream) => new Response(stream).text();
const ended = (child) => new Promise((done) => {
  let all = "";
  child.stdout.on("data", (piece) => (all += piece));
  child.on("close", () => done(all));
});
const probes = {
  "process.env": () => process.env.BUN_BE_BUN ?? "unset",
  "Bun.env": () => Bun.env.BUN_BE_BUN ?? "unset",
  "import { env }": () => env.BUN_BE_BUN ?? "unset",
  "import.meta.env": () => import.meta.env.BUN_BE_BUN ?? "unset",
  "in process.env": () => ("BUN_BE_BUN" in process.env ? "there" : "unset"),
  "keys of process.env": () => (Object.keys(process.env).includes("BUN_BE_BUN") ? "there" : "unset"),
  "child_process.spawn": () => ended(cp.spawn(sh[0], sh.slice(1))),
  "child_process.spawn with env": () => ended(cp.spawn(sh[0], sh.slice(1), { env: { ...process.env, MORE: "1" } })),
  "child_process.spawn with undefined env": () => ended(cp.spawn(sh[0], sh.slice(1), { env: undefined })),
  "child_process.spawn in a shell": () => ended(cp.spawn("sh " + here + "/print.sh", { shell: true })),
  "child_process.spawnSync": () => cp.spawnSync(sh[0], sh.slice(1)).stdout.toString(),
  "child_process.exec": () => new Promise((done) => cp.exec(sh.join(" "), (_, out) => done(out))),
  "child_process.execFile": () => new Promise((done) => cp.execFile(sh[0], sh.slice(1), (_, out) => done(out))),
  "child_process.execSync": () => cp.execSync(sh.join(" ")).toString(),
  "child_process.execFileSync": () => cp.execFileSync(sh[0], sh.slice(1)).toString(),
  "Bun.spawn": () => text(Bun.spawn(sh).stdout),
  "Bun.spawn of an object": () => text(Bun.spawn({ cmd: sh }).stdout),
  "Bun.spawn with undefined env": () => text(Bun.spawn(sh, { env: undefined }).stdout),
  "Bun.spawn with options": () => text(Bun.spawn(sh, { cwd: here, stderr: "ignore" }).stdout),
  "Bun.spawnSync": () => Bun.spawnSync(sh).stdout.toString(),
  "Bun.spawnSync of an object": () => Bun.spawnSync({ cmd: sh }).stdout.toString(),
  "import { spawn }": () => text(spawn(sh).stdout),
  "import { spawnSync }": () => spawnSync(sh).stdout.toString(),
  "Bun.$": () => Bun.$\`sh \${here}/print.sh\`.text(),
  "import { $ }": () => $\`sh \${here}/print.sh\`.text(),
  "new Bun.$.Shell": () => new Bun.$.Shell()\`sh \${here}/print.sh\`.text(),
  "a variable in Bun.$": async () => (await Bun.$\`echo -n "[$BUN_BE_BUN]"\`.text()).replace("[]", "unset"),
  "process.execPath": () => cp.execFileSync(process.execPath, [here + "/child.ts"]).toString(),
  "process.execPath by Bun.spawn": () => text(Bun.spawn([process.execPath, here + "/child.ts"]).stdout),
  "process.execPath -e": () =>
    cp.execFileSync(process.execPath, ["-e", 'process.stdout.write(process.env.BUN_BE_BUN ?? "unset")']).toString(),
  "process.argv[0]": () => cp.execFileSync(process.argv[0], [here + "/child.ts"]).toString(),
  "Bun.argv[0]": () => cp.execFileSync(Bun.argv[0], [here + "/child.ts"]).toString(),
  "a grandchild": () => cp.execFileSync(process.execPath, [here + "/parent.ts"]).toString(),
  "getenv of the C library": () => libc().getenv(cText("BUN_BE_BUN"))?.toString() ?? "unset",
  "system of the C library": () => {
    const seen = here + "/seen-" + crypto.randomUUID();
    libc().system(cText("sh " + here + "/print.sh > '" + seen + "'"));
    return readFileSync(seen, "utf8");
  },
  "/proc/self/environ": () =>
    process.platform === "linux" && readFileSync("/proc/self/environ", "latin1").includes("BUN_BE_BUN") ? "there" : "unset",
};
const cText = (text) => new TextEncoder().encode(text + "\\0");
const libc = () => {
  for (const name of ["libc.so.6", "libSystem.B.dylib", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"])
    try {
      return dlopen(name, {
        getenv: { args: ["buffer"], returns: "cstring" },
        system: { args: ["buffer"], returns: "i32" },
      }).symbols;
    } catch {}
};
export async function runAll() {
  const seen = {};
  for (const [name, probe] of Object.entries(probes)) {
    try { seen[name] = await probe(); } catch (error) { seen[name] = String(error); }
  }
  return seen;
}
`;

const BE_BUN: Files = {
  "be-bun/print.sh": PRINT,
  "be-bun/probes.ts": PROBES,
  "be-bun/child.ts":
    'process.stdout.write(import.meta.main ? (process.env.BUN_BE_BUN ?? "unset") : "not main");',
  "be-bun/parent.ts":
    'const { stdout } = Bun.spawnSync([process.execPath, import.meta.dir + "/child.ts"]); process.stdout.write(stdout);',
  "be-bun/worker.ts": `
import { parentPort } from "node:worker_threads";
import { runAll } from "./probes.ts";
const seen = await runAll();
if (parentPort) parentPort.postMessage({ seen });
else self.postMessage({ seen });
`,
  "be-bun/forked.ts": `
import { runAll } from "./probes.ts";
process.on("message", async (message) => {
  const main = import.meta.main;
  process.send({ seen: await runAll(), message, main, args: process.argv.slice(2), channel: process.env.NODE_CHANNEL_FD ?? null });
  process.disconnect();
});
`,
  "be-bun/main.ts": `
import { fork } from "node:child_process";
import * as threads from "node:worker_threads";
import { runAll } from "./probes.ts";
const here = import.meta.dir;
const fromWeb = (worker) => new Promise((done, failed) => {
  worker.addEventListener("message", (event) => done(event.data));
  worker.addEventListener("error", (event) => failed(new Error(event.message)));
}).finally(() => worker.terminate());
const fromThread = (worker) => new Promise((done, failed) => {
  worker.on("message", done);
  worker.on("error", failed);
}).finally(() => worker.terminate());
const ways = {
  "the script": async () => ({ seen: await runAll() }),
  "a worker": () => fromWeb(new Worker(new URL("./worker.ts", import.meta.url))),
  "a worker with an environment": () => fromWeb(new Worker(here + "/worker.ts", { env: { PATH: process.env.PATH } })),
  "a worker with a preload": () => fromWeb(new Worker(here + "/worker.ts", { preload: here + "/print-nothing.ts" })),
  "a thread": () => fromThread(new threads.Worker(here + "/worker.ts")),
  "a thread that shares": () => fromThread(new threads.Worker(new URL("./worker.ts", import.meta.url), { env: threads.SHARE_ENV })),
  "a fork": () => new Promise((done, failed) => {
    const child = fork(here + "/forked.ts", ["a b", ""]);
    child.on("message", done);
    child.on("exit", (code) => failed(new Error("exit " + code)));
    child.send({ hello: "child" });
  }),
  "a child with a channel": () => new Promise((done, failed) => {
    const child = Bun.spawn([process.execPath, here + "/forked.ts"], { ipc: done, onExit: (_, code) => failed(new Error("exit " + code)) });
    child.send("hello");
  }),
};
console.log(JSON.stringify(await ways[process.argv[2]]()));
`,
  "be-bun/print-nothing.ts": "globalThis.preloaded = true;",
};

describe("what makes the launcher act as Bun is hidden", () => {
  let app: string;
  beforeAll(async () => {
    const manifest = oneFolder("hides", "{bun} {workenv}/be-bun/main.ts").replaceAll('"app"', '"be-bun"');
    app = await packApp(dir.path, manifest, BE_BUN);
  });

  const WAYS = [
    "the script",
    "a worker",
    "a worker with an environment",
    "a worker with a preload",
    "a thread",
    "a thread that shares",
    "a fork",
    "a child with a channel",
  ];
  test.each(WAYS)(
    "from %s and from everything that it starts",
    async (way) => {
      const { stdout, stderr } = await runPackage(app, [way]);
      expect(stderr).toBe("");
      const { seen }: { seen: Record<string, string> } = JSON.parse(stdout);
      expect(Object.keys(seen)).toHaveLength(PROBES.match(/^ {2}"/gm)?.length as number);
      expect(Object.entries(seen).filter(([, value]) => value !== "unset")).toEqual([]);
    },
    30_000,
  );

  test("a fork has its channel, its arguments, and is a main module", async () => {
    const { stdout } = await runPackage(app, ["a fork"]);
    expect(JSON.parse(stdout)).toMatchObject({
      message: { hello: "child" },
      main: true,
      args: ["a b", ""],
      channel: null,
    });
  });

  test("process.execPath follows a package that has moved", async () => {
    const moved = join(dir.path, "moved.psp");
    const home = join(dirname(app), "home");
    expect(Bun.spawnSync(["mv", app, moved]).exitCode).toBe(0);
    const { stdout, stderr } = await runPackage(moved, ["the script"], { home });
    expect(Bun.spawnSync(["mv", moved, app]).exitCode).toBe(0);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout).seen).toMatchObject({ "process.execPath": "unset", "a grandchild": "unset" });
  });

  test("the caller's own BUN_BE_BUN does make the package a Bun: the environment is trusted", async () => {
    const { stdout } = await runPackage(app, ["--version"], { env: { BUN_BE_BUN: "1" } });
    expect(stdout).toBe(`${Bun.version}\n`);
  });
});

describe("an application that was forked has the channel to its parent", () => {
  let app: string;
  let scripted: string;
  beforeAll(async () => {
    app = await packApp(
      dir.path,
      oneFolder(
        "forked",
        "{workenv}/app/says.sh",
        '[[setup_commands]]\ntype = "execute"\ncommand = "sh {workenv}/app/sets.sh"',
      ),
      {
        // Braces with a dollar in front would be filled in, were they in a manifest.
        "app/says.sh": `#!/bin/sh
read -r asked <&$NODE_CHANNEL_FD
printf '{"asked":%s,"language":"%s","setup":"%s"}\\n' "$asked" "$NODE_CHANNEL_SERIALIZATION_MODE" "$(cat "$FLAVOR_WORKENV/seen")" >&$NODE_CHANNEL_FD
`,
        "app/sets.sh": ['printf %s "$', '{NODE_CHANNEL_FD-unset}" > seen'].join(""),
      },
    );
    scripted = await packApp(dir.path, oneFolder("forked-script", "{bun} {workenv}/app/forked.ts"), {
      "app/forked.ts": `
process.on("message", (asked) => {
  process.send({ asked, channel: process.env.NODE_CHANNEL_FD ?? null });
  process.disconnect();
});
`,
    });
  });

  /** What the application answers to a message that was sent before it could read. */
  async function fork(path: string, env: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const child = Bun.spawn([path], {
      env: { ...cleanEnv(join(dir.path, "home")), ...env },
      ipc: resolve,
      serialization: "json",
      stdio: ["ignore", "ignore", "inherit"],
      onExit: (_, code) => resolve(`it ended with ${code}`),
    });
    child.send("hello");
    const answer = await promise;
    await child.exited;
    return answer;
  }

  test.each([
    ["cold", "exec"],
    ["warm", "exec"],
    ["cold", "spawn"],
    ["warm", "spawn"],
  ])("%s, by %s; a setup command has none", async (temperature, mode) => {
    const more = { FLAVOR_CACHE: join(dir.path, `cache-of-${mode}`), FLAVOR_EXEC_MODE: mode };
    if (temperature === "warm") await fork(app, more);
    expect(await fork(app, more)).toEqual({ asked: "hello", language: "json", setup: "unset" });
    expect(await fork(scripted, more)).toEqual({ asked: "hello", channel: null });
  });
});
