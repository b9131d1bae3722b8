import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import {
  cacheOf,
  cleanEnv,
  oneFolder,
  packApp,
  type RunOptions,
  runPackage,
  writeFiles,
} from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

// A script runs in the launcher's own process only where it cannot tell that from Bun started for it: the same scripts,
// both ways, byte for byte; and what each way is taken for.

const isLinux = process.platform === "linux";
if (!isLinux) process.stderr.write("not tested: scripts in the launcher's own process (only on Linux)\n");

let dir: ReturnType<typeof tempDir>;
let app: string;
let folder: string;
beforeAll(async () => {
  if (!isLinux) return;
  dir = tempDir();
  app = await packScript("scripts", "{bun} {workenv}/app/main.ts");
  folder = await appFolderOf(app);
}, 60_000);
afterAll(() => dir?.[Symbol.dispose]());

const BESIDE = {
  "app/main.ts": ";\n",
  "app/page.html": "<html><script src='./front.ts'></script></html>",
  "app/front.ts": "console.log(process.env.NODE_ENV, process.env.HOME)\n",
  "app/view.tsx": "export const view = <b a={1}>x</b>;\n",
  "app/data.json": '{ "a": 1 }',
  "app/data.toml": "a = 1\n",
  "app/data.txt": "text\n",
  "app/macro.ts": "export const m = () => 6 * 7;\n",
  "app/src/x.ts": "export default 'x';\n",
  "app/package.json": '{ "name": "app", "type": "module", "imports": { "#x": "./src/x.ts" } }',
  "app/node_modules/one/package.json":
    '{ "name": "one", "type": "module", "exports": { ".": { "bun": "./bun.js", "import": "./other.js" } } }',
  "app/node_modules/one/bun.js": "export default 'for bun';\n",
  "app/node_modules/one/other.js": "export default 'for others';\n",
  "app/node_modules/two/package.json": '{ "name": "two", "main": "lib/m.js" }',
  "app/node_modules/two/lib/m.js": "module.exports = 'main';\n",
  "app/bin/tool": "#!/bin/sh\nexit 42\n",
} as const;

const BIN = '[[slots]]\nid = "bin"\nsource = "app/bin"\ntarget = "bin"\n';

/** A package of its own home, so that the next start is a warm one. */
async function packScript(name: string, command: string, more = BIN, files = {}): Promise<string> {
  const own = join(dir.path, name);
  return packApp(own, oneFolder(name, command, more), { ...BESIDE, ...files });
}

/** After a first start: where the application's files lie. */
async function appFolderOf(path: string): Promise<string> {
  expect(await runPackage(path)).toMatchObject({ stderr: "", exitCode: 0 });
  const id = readdirSync(cacheOf(path)).find((name) => /^[0-9a-f]{16}$/.test(name)) as string;
  return join(cacheOf(path), id, "app");
}

/** What a start says of the way that it takes. */
const wayOf = (stderr: string): string | undefined =>
  /debug [\d.]+ ms: (going on as|Bun is started once more, because of .*)/.exec(stderr)?.[1];

const debug = { FLAVOR_LOG_LEVEL: "debug" };

/** A launcher that is no Bun, where one was expected, would start the script again, and that the next one. */
const NO_CHAIN = 'if (process.argv.some((arg) => arg === "-e" || arg === "-p")) process.exit(99); ';

/** The same script both ways; a variable that means nothing to Bun decides. */
async function bothWays(script: string, options: RunOptions = {}, args: readonly string[] = []) {
  writeFileSync(join(folder, "main.ts"), `${NO_CHAIN}${script}\n`);
  const run = async (name: string) => {
    const { stdout, stderr, ...end } = await runPackage(app, args, {
      ...options,
      env: { ...options.env, [name]: "1" },
    });
    const plain = (text: string) =>
      text.replaceAll(name, "THE_NAME").replace(/\(node:\d+\)|localhost:\d+|in \d+(\.\d+)?ms/g, "…");
    return { stdout: plain(stdout), stderr: plain(stderr), ...end };
  };
  return { inside: await run("AUN_NO_WORD"), again: await run("BUN_NO_WORD") };
}

const WORKER = `
const o = [process.execPath, process.argv, process.argv0, Bun.argv, process.execArgv, Bun.main, Bun.which("tool"),
  Object.entries(process.env).map(String).sort(), Bun.spawnSync(["env"]).stdout.toString().split("\\n").sort(),
  Bun.spawnSync([process.execPath, "-e", "console.log(process.execPath)"]).stdout.toString()];`;

const SCRIPTS: Readonly<Record<string, string>> = {
  "names and arguments": `
    console.log(Bun.main, import.meta, process.argv, Bun.argv, process.argv0, process.execPath, process.title,
      process.execArgv, Bun.embeddedFiles.length, require.main?.filename, process.mainModule?.filename);`,
  "globals, modules and their properties": `
    const all = (o) => Object.entries(Object.getOwnPropertyDescriptors(o)).map(([k, d]) => [k, typeof d.value, d.writable, d.enumerable, d.configurable].join()).sort();
    console.log(JSON.stringify([all(globalThis), all(process), all(Bun), Object.keys(require.cache), process.versions, process.eventNames()], null, 1));`,
  "variables, also those of children and of C": `
    const lines = (text) => String(text).split("\\n").filter((line) => !/^(_|SHLVL|PWD|OLDPWD)=/.test(line)).sort();
    const { dlopen } = require("bun:ffi");
    const names = Object.entries(process.env).map(String).sort();
    const all = async () => [lines(Bun.spawnSync(["env"]).stdout), lines(await Bun.$\`env\`.text()), lines(require("node:child_process").execSync("env")),
      Bun.which("tool"), Bun.which("tool", { PATH: "/bin" }), Bun.which("tool", { cwd: "/" }), Bun.spawnSync(["tool"]).exitCode, (await Bun.$\`tool\`.nothrow().quiet()).exitCode];
    console.log(names, await all());
    process.env.ADDED = "1"; delete process.env.HOME; process.env.PATH += ":/x";
    console.log(await all());
    const { symbols } = dlopen("libc.so.6", { getenv: { args: ["cstring"], returns: "cstring" } });
    for (const name of ["PATH", "HOME", "BUN_BE_BUN", ...Object.keys(process.env).filter((n) => n.startsWith("FLAVOR_")).sort()])
      console.log(name, String(symbols.getenv(Buffer.from(name + "\\0"))));`,
  "the process: limits, signals, files": `
    const { readFileSync, readdirSync, readlinkSync } = require("node:fs");
    console.log(readFileSync("/proc/self/limits", "utf8"), readFileSync("/proc/self/status", "utf8").match(/^(Name|Umask|Sig\\w+):.*/gm), process.cwd());
    console.log(readdirSync("/proc/self/fd").map((fd) => { try { return fd + " " + readlinkSync("/proc/self/fd/" + fd).replace(/\\d{3,}/, ""); } catch {} }));`,
  "workers of the web": `${WORKER.replaceAll("\n", " ").replace("const o", "void 0; const unused")}
    await Bun.write("w.js", ${JSON.stringify(`${WORKER}postMessage(o);`)});
    process.env.CHANGED = "1";
    for (const options of [undefined, { env: { X: "1" } }, { argv: ["a"], execArgv: ["--smol"] }])
      await new Promise((done) => { const w = new Worker("./w.js", options); w.onmessage = (e) => { console.log(e.data); w.terminate(); done(); }; });`,
  "workers of Node, made at once": `
    const { Worker } = require("worker_threads");
    const code = ${JSON.stringify(`${WORKER}o[5] = 0; require("node:worker_threads").parentPort.postMessage(o);`)};
    new Worker(code, { eval: true }).on("message", (o) => {
      console.log(o, "preload" in {});
      new Worker(code, { eval: true, env: { X: "1" }, argv: ["a"] }).on("message", (o) => console.log(o, "preload" in {}));
    });`,
  "workers of Node, by a name made at run time": `
    const { Worker } = await import(["node:worker", "threads"].join("_"));
    console.log("preload" in {}, Object.getOwnPropertyNames(Worker), new MessageChannel().port1.on.name);
    await new Promise((done) => new Worker(${JSON.stringify(`${WORKER}o[5] = 0; require("worker_threads").parentPort.postMessage(o);`)}, { eval: true }).on("message", (o) => { console.log(o); done(); }));
    console.log("preload" in {});`,
  "children through the names of the executable": `
    import { fork, spawnSync } from "node:child_process";
    if (process.send) { process.send([process.argv, process.execArgv, process.execPath]); process.disconnect(); }
    else fork(import.meta.filename, ["child"]).on("message", (m) => console.log(m)).on("exit", (code) =>
      console.log(code, spawnSync(process.execPath, ["-p", "process.execPath"]).stdout.toString()));`,
  "an error": `interface A { x: number }\n\nfunction f(a: A): never { throw new TypeError("boom " + a.x) }\nf({ x: 1 });`,
  "an error later": `interface A { x: number }\nawait Bun.sleep(1);\nconst g = async () => { await 1; throw new Error("late") };\nawait g();`,
  "an error in a timer": `setTimeout(() => { throw new Error("timer") }, 1);`,
  "thrown text": `throw "a string";`,
  "an unhandled rejection": `Promise.reject(new Error("unhandled")); setTimeout(() => console.log("never"), 50);`,
  "errors that are caught": `
    process.on("uncaughtException", (e, origin) => console.log("caught", e.message, origin));
    process.on("unhandledRejection", (e) => console.log("rejected", e.message));
    process.on("exit", (c) => console.log("exit", c)); process.on("beforeExit", (c) => console.log("before", c));
    setTimeout(() => { throw new Error("timer") }, 1); Promise.reject(new Error("promise")); throw new Error("main");`,
  "a mistake of syntax": "const x: number = ;",
  "a missing package": `import x from "surely-not-there"; console.log(x);`,
  "a missing file": `import x from "./nothing"; console.log(x);`,
  "a missing export": `import { nope } from "node:fs"; console.log(nope);`,
  stacks: `
    type Y = 1 |
      2;
    console.log(new Error("e").stack); const f = async () => { await 1; return new Error("z").stack }; console.log(await f());
    console.error(new Error("shown")); console.trace("trace");`,
  "the end": `process.on("exit", (c) => console.log("exit", c)); let n = 0;
    process.on("beforeExit", (c) => { console.log("before", c); if (n++ < 2) setTimeout(() => {}, 1); }); process.exitCode = 7;`,
  "process.exit": `process.on("exit", () => console.log("bye")); process.exit(3);`,
  "the order of what is put off": `
    process.nextTick(() => console.log("tick")); Promise.resolve().then(() => console.log("promise"));
    setTimeout(() => console.log("timeout")); setImmediate(() => console.log("immediate")); console.log("now");`,
  "a server by default export": `export default { port: 0, fetch: () => new Response("hi") }; setTimeout(() => process.exit(0), 30);`,
  "a server that cannot be": `export default { port: -5, fetch: () => new Response("hi") };`,
  "an export called then": `export function then(done) { console.log("then"); done({}); }`,
  CommonJS: `
    console.log(require.main === module, __filename, module.id, module.loaded, module.paths, module.parent, Object.keys(require.cache), this === module.exports);
    require("two"); const child = require.cache[require.resolve("two")]; console.log(child.parent === module, module.children.includes(child), child.id);
    module.exports = { fetch() {} }; setTimeout(() => process.exit(0), 30);`,
  "packages, and imports by package.json": `
    const tried = (f) => { try { return f() } catch (e) { return [e.name, e.message, e.code] } };
    for (const path of ["one", "two", "#x", "one/none", "app"]) console.log(path, await import(path).then((m) => m.default, (e) => e.message));
    console.log(tried(() => require("two")), tried(() => require("none")), tried(() => import.meta.resolve("one")), tried(() => Bun.resolveSync("one", import.meta.dir)));`,
  "files of other kinds": `
    import json from "./data.json"; import toml from "./data.toml"; import text from "./data.txt"; import html from "./page.html";
    import { Database } from "bun:sqlite"; import { m } from "./macro.ts" with { type: "macro" };
    console.log(json, toml, text, html, new Database(":memory:").query("select 1 as a").all(), m());
    enum E { A, B } function d(...a: any[]) { console.log(a.length) } class C { @d x = 1 } console.log(E[1], new C());
    const { view } = await import("./view.tsx");`,
  "NODE_ENV, and what is made with it": `
    console.log(process.env.NODE_ENV, process.env["NODE_ENV"], typeof process.env.NODE_ENV);
    console.log(await (await Bun.build({ entrypoints: [import.meta.dir + "/front.ts"], env: "inline" })).outputs[0].text());
    console.log(new Bun.Transpiler({ loader: "tsx" }).transformSync("console.log(process.env.NODE_ENV, <b/>)"));
    process.env.NODE_ENV = "set"; console.log(process.env.NODE_ENV); delete process.env.NODE_ENV; console.log(process.env.NODE_ENV);`,
  "standard input": `for await (const line of console) console.log("line", line);`,
  signals: `process.on("SIGTERM", () => console.log("term")); process.kill(process.pid, "SIGTERM"); setTimeout(() => process.kill(process.pid, "SIGUSR2"), 20);`,
  "what is printed": `console.log({ a: { b: { c: { d: 1 } } } }, process.stdout.isTTY, Bun.enableANSIColors); console.table([{ a: 1 }]); process.emitWarning("careful");`,
};

describe.skipIf(!isLinux)("the same both ways:", () => {
  test.each(Object.entries(SCRIPTS))("%s", async (_, script) => {
    const { inside, again } = await bothWays(script, { stdin: "a\nb\n" }, ["a b", "", "ü"]);
    expect(inside).toEqual(again);
    expect(inside.stdout + inside.stderr).not.toBe("");
  });

  test.each(["production", "test", ""])("with NODE_ENV=%j", async (NODE_ENV) => {
    const scripts = [
      "NODE_ENV, and what is made with it",
      "files of other kinds",
      "a server by default export",
    ];
    for (const name of scripts) {
      const { inside, again } = await bothWays(SCRIPTS[name] as string, { env: { NODE_ENV } });
      expect(inside).toEqual(again);
    }
  });

  test("from a shell: by a relative path, with fewer open files, a file that stays open and an ignored signal", async () => {
    const script = `
      const { readFileSync, readlinkSync, fstatSync } = require("node:fs");
      console.log(process.argv0, process.argv, process.execPath, readlinkSync("/proc/self/fd/7"), process.umask());
      console.log(readFileSync("/proc/self/limits", "utf8"), readFileSync("/proc/self/status", "utf8").match(/^Sig.*/gm));
      console.log(readFileSync("/proc/self/fdinfo/7", "utf8").match(/^flags.*/m));
      console.log(Bun.spawnSync(["/bin/sh", "-c", "ulimit -Sn; ls /proc/self/fd"]).stdout.toString());`;
    writeFileSync(join(folder, "main.ts"), script);
    const shell = 'cd "$1"; ulimit -Sn 500; umask 027; trap "" HUP; exec 7</dev/zero; exec "./$2" a';
    const run = (name: string) =>
      Bun.spawnSync(["/bin/sh", "-c", shell, "sh", dirname(app), basename(app)], {
        env: { ...cleanEnv(join(dirname(app), "home")), [name]: "1" },
      });
    const [inside, again] = [run("AUN_NO_WORD"), run("BUN_NO_WORD")];
    expect(inside.stdout.toString()).toBe(again.stdout.toString());
    expect(inside.stdout.toString()).toContain("/dev/zero");
  });

  test("workers have this Bun as their executable, also those made before the module that makes them is changed", async () => {
    const { inside, again } = await bothWays(`
      const { Worker: NodeWorker } = require("node:worker_threads");
      const say = "console.log(process.execPath)";
      const node = (options) => new Promise((done) => new NodeWorker(say, { eval: true, ...options }).on("exit", done));
      (async () => {
        await Promise.all([node(), node()]);
        await node({ env: {} });
        await Bun.write("w.js", say + "; postMessage(1)");
        await new Promise((done) => { const w = new Worker("./w.js"); w.onmessage = () => { w.terminate(); done(); }; });
      })();`);
    const link = join(dirname(dirname(folder)), `.${basename(dirname(folder))}.pspf`, "bun", "bun");
    expect(inside).toEqual({ stdout: `${link}\n`.repeat(4), stderr: "", exitCode: 0, signal: null });
    expect(again).toEqual(inside);
  });

  test("workers of Node start also where nothing can be added to objects", async () => {
    const { inside, again } = await bothWays(`
      const { Worker } = require("node:worker_threads");
      await 1;
      Object.freeze(Object.prototype);
      const worker = () => new Worker("console.log('in a worker')", { eval: true });
      worker().on("exit", () => worker());`);
    expect(inside).toEqual({ stdout: "in a worker\n".repeat(2), stderr: "", exitCode: 0, signal: null });
    expect(again).toEqual(inside);
  });

  test("the variable that these tests decide by decides", async () => {
    writeFileSync(join(folder, "main.ts"), "console.log('here')\n");
    const ways = [];
    for (const name of ["AUN_NO_WORD", "BUN_NO_WORD"])
      ways.push(wayOf((await runPackage(app, [], { env: { ...debug, [name]: "1" } })).stderr));
    expect(ways).toEqual(["going on as", "Bun is started once more, because of BUN_NO_WORD"]);
  });
});

describe.skipIf(!isLinux)("Bun is started once more", () => {
  const way = async (path: string, options: RunOptions = {}, args: readonly string[] = []) =>
    wayOf((await runPackage(path, args, { ...options, env: { ...debug, ...options.env } })).stderr);
  const because = (reason: string) => `Bun is started once more, because of ${reason}`;

  test("at a first start, and where the launcher stays as parent, without a word", async () => {
    expect(await way(app, { env: { FLAVOR_CACHE: join(dir.path, "first") } })).toBeUndefined();
    expect(await way(app, { env: { FLAVOR_EXEC_MODE: "spawn" } })).toBeUndefined();
    expect(await way(app, { env: { FLAVOR_CACHE_STRATEGY: "conservative" } })).toBeUndefined();
    // That one has taken the workenv with it.
    await runPackage(app);
  });

  test.each(["NODE_PATH", "NODE_CHANNEL_FD", "BUN_RUNTIME_TRANSPILER_CACHE_PATH", "NODE_COMPILE_CACHE"])(
    "with %s",
    async (name) => expect(await way(app, { env: { [name]: "3" } })).toBe(because(name)),
  );

  test.each(["BUN_INSTALL", "NODE_OPTIONS", "HOSTNAME"])("but not with %s", async (name) => {
    expect(await way(app, { env: { [name]: "x" } })).toBe("going on as");
  });

  test.each([
    ["its options", "{bun} --smol {workenv}/app/main.ts", ""],
    ["its options", "{bun} run {workenv}/app/main.ts", ""],
    ["the kind of the file", "{bun} {workenv}/app/data.json", ""],
    ["OWN", "{bun} {workenv}/app/main.ts", '[execution.env]\nOWN = "1"\n'],
    ["tsconfig.json", "{bun} {workenv}/app/with/main.ts", ""],
    [
      "Bun.isStandaloneExecutable",
      "{bun} {workenv}/app/main.ts",
      '[[slots]]\nid = "more"\nsource = "more"\n',
    ],
  ])("because of %s: %s", async (reason, command, more) => {
    const files = {
      "app/with/main.ts": ";\n",
      "app/with/tsconfig.json": "{}",
      "more/deep/asks.js": `${"x".repeat(262_140)}Bun.isStandaloneExecutable\n`,
    };
    const own = await packScript(`one-${packed++}`, command, more, files);
    await runPackage(own);
    expect(await way(own)).toBe(because(reason));
  });
  let packed = 0;

  test("for a link, and for variables that it may not have", async () => {
    const own = await packScript(
      "cleared",
      "{bun} {workenv}/app/main.ts",
      '[runtime.env]\nunset = ["OLD"]\n',
    );
    const app = await appFolderOf(own);
    expect(await way(own)).toBe("going on as");
    expect(await way(own, { env: { OLD: "1" } })).toBe(because("OLD"));
    const linked = await packScript("linked", "{bun} {workenv}/app/linked.ts", "", {
      "app/linked.ts": ";\n",
    });
    const place = await appFolderOf(linked);
    writeFiles(place, { "linked.ts": ";;;\n" });
    expect(await way(linked)).toBe("going on as");
    Bun.spawnSync(["rm", join(place, "linked.ts")]);
    symlinkSync(join(app, "main.ts"), join(place, "linked.ts"));
    expect(await way(linked)).not.toBe("going on as");
  });
});
