import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { keyPairFromText } from "../../format/seal/keys.ts";
import { toHex } from "../../format/wire/hashes.ts";
import { type Files, hostLauncher, packApp, runPackage } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

// The environment of an application is the caller's as the metadata changes it, and a handful of documented variables:
// nothing more, nothing less, whoever looks at it and however.

/** What a caller may have: odd names and values, settings of Bun, and secrets that are not a launcher's business. */
const CALLER = {
  EMPTY: "",
  UNICODE: "ümläut 😀",
  LINES: "one\ntwo\n",
  "with.dot and blank": "odd",
  lower: "case",
  EQUALS: "a=b=c",
  QUOTES: `"double" 'single' $HOME {workenv}`,
  LONG: "x".repeat(20_000),
  DROP_THIS: "gone",
  DROP_NOT: "stays",
  OLD_NAME: "moved",
  SET_BY_BOTH: "the caller",
  LC_ALL: "C.UTF-8",
  NODE_OPTIONS: "--no-such-option",
  NODE_ENV: "staging",
  BUN_INSTALL: "/nowhere",
  BUN_CONFIG_VERBOSE_FETCH: "1",
  BUN_BE_BUN: "0",
  FORCE_COLOR: "3",
  FLAVOR_VALIDATION: "standard",
  FLAVOR_DURABLE: "0",
  FLAVOR_KEY_SEED: "a secret seed",
  FLAVOR_PRIVATE_KEY: "a secret key",
  FLAVOR_KEY_PASSPHRASE: "a secret passphrase",
} as const;

const RULES = `
[runtime.env]
unset = ["DROP_*"]
pass = ["DROP_NOT"]
map = { OLD_NAME = "NEW_NAME" }
set = { SET_BY_BOTH = "the package", AS_IT_IS = "{workenv}" }
[workenv]
env = { FROM_WORKENV = "{workenv}/data", TWICE = "workenv" }
[execution.env]
TWICE = "execution"
FILLED_IN = "{package_name} {version}"
`;

interface Started {
  readonly packagePath: string;
  readonly home: string;
  /** Of this start, beyond those of every caller. */
  readonly env?: Readonly<Record<string, string>>;
}

/** By hand, from docs/manifest.md and docs/workenv.md. */
function expected(
  { packagePath, home, env = {} }: Started,
  workenv: string,
): Readonly<Record<string, string>> {
  const { DROP_THIS: _, OLD_NAME: __, BUN_BE_BUN: ___, ...rest } = CALLER;
  return {
    ...rest,
    ...env,
    HOME: home,
    PATH: `${workenv}/bin:/usr/local/bin:/usr/bin:/bin`,
    NEW_NAME: "moved",
    SET_BY_BOTH: "the package",
    AS_IT_IS: "{workenv}",
    FROM_WORKENV: `${workenv}/data`,
    TWICE: "execution",
    FILLED_IN: `${basename(packagePath, ".psp")} 1.0`,
    FLAVOR_CACHE: dirname(workenv),
    FLAVOR_WORKENV: workenv,
    FLAVOR_PACKAGE: packagePath,
    FLAVOR_COMMAND_NAME: basename(packagePath),
    FLAVOR_ORIGINAL_COMMAND: packagePath,
  };
}

const manifest = (name: string, command: string, more = "") => `
[package]
name = "${name}"
version = "1.0"
[execution]
command = ${JSON.stringify(command)}
${RULES}
[[slots]]
id = "app"
source = "app"
target = "app"
${more}`;

/** A program that shows exactly what it was given: a shell adds variables of its own. */
const isLinux = process.platform === "linux";
const SHOW = isLinux ? "cat /proc/self/environ" : "env -0";
if (!isLinux)
  process.stdout.write("what is kept of setup commands and shutdown programs is looked at on Linux only\n");

const pairsIn = (block: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    block
      .split("\0")
      .filter((pair) => pair !== "")
      .map((pair) => pair.split(/=(.*)/s).slice(0, 2)),
  );

const FILES: Files = {
  "finish.sh": "#!/bin/sh\ncat /proc/$$/environ > $FLAVOR_WORKENV/../finished\n",
  "app/other.ts": "process.stdout.write(JSON.stringify(process.env));",
  "app/forked.ts":
    "process.on('message', () => { process.send({ ...process.env }); process.disconnect(); });",
  "app/worker.ts": "postMessage({ ...process.env });",
  "app/thread.ts":
    "import { parentPort } from 'node:worker_threads'; parentPort.postMessage({ ...process.env });",
  "app/setup.ts": "await Bun.write('of-script', JSON.stringify(process.env));",
  "app/main.ts": `
import * as cp from "node:child_process";
import * as threads from "node:worker_threads";
import { readFileSync } from "node:fs";
const here = import.meta.dir;
const show = ${JSON.stringify(SHOW.split(" "))};
const [program, ...args] = show;
const pairs = (block) => Object.fromEntries(String(block).split("\\0").filter((pair) => pair !== "").map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
const text = (stream) => new Response(stream).text();
const seen = {
  "process.env": { ...process.env },
  "Bun.env": { ...Bun.env },
  "import.meta.env": { ...import.meta.env },
  "child_process.spawnSync": pairs(cp.spawnSync(program, args).stdout),
  "child_process.execFileSync": pairs(cp.execFileSync(program, args)),
  "Bun.spawn": pairs(await text(Bun.spawn(show).stdout)),
  "Bun.spawnSync": pairs(Bun.spawnSync(show).stdout),
  "Bun.$": pairs(await Bun.$\`\${show}\`.text()),
  "process.execPath": JSON.parse(cp.execFileSync(process.execPath, [here + "/other.ts"]).toString()),
  "child_process.fork": await new Promise((done) => {
    const child = cp.fork(here + "/forked.ts");
    child.on("message", done);
    child.send("go");
  }),
  "Worker": await new Promise((done) => {
    const worker = new Worker(here + "/worker.ts");
    worker.onmessage = (event) => { done(event.data); worker.terminate(); };
  }),
  "node:worker_threads": await new Promise((done) => {
    const thread = new threads.Worker(here + "/thread.ts");
    thread.on("message", (env) => { done(env); thread.terminate(); });
  }),
};
if (process.platform === "linux") seen["/proc/self/environ"] = pairs(readFileSync("/proc/self/environ", "utf8"));
console.log(JSON.stringify(seen));
`,
};

const SETUP = `[[setup_commands]]
type = "execute"
command = "cp /proc/self/environ {workenv}/of-native"
`;
const SETUP_SCRIPT = `[[setup_commands]]
type = "execute"
command = "{bun} {workenv}/app/setup.ts"
`;
const SHUTDOWN =
  '[[slots]]\nid = "finish"\nsource = "finish.sh"\ntarget = "bin/finish"\nlifecycle = "shutdown"\n';

let dir: ReturnType<typeof tempDir>;
let native: string;
let ending: string;
let script: string;
beforeAll(async () => {
  dir = tempDir();
  native = await packApp(
    dir.path,
    manifest("native", SHOW, isLinux ? SETUP + SETUP_SCRIPT : SETUP_SCRIPT),
    FILES,
  );
  ending = await packApp(dir.path, manifest("ending", SHOW, SHUTDOWN), {});
  script = await packApp(dir.path, manifest("script", "{bun} {workenv}/app/main.ts"), {});
}, 60_000);
afterAll(() => dir[Symbol.dispose]());

/** Starts a package with the caller's variables in a home of its own. */
async function start({ packagePath, home, env = {} }: Started): Promise<string> {
  // `runPackage` names a cache; here the launcher finds it, and tells.
  const { stdout, stderr, exitCode } = await runPackage(packagePath, [], {
    home,
    env: { FLAVOR_CACHE: undefined, XDG_STATE_HOME: undefined, ...CALLER, ...env },
  });
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return stdout;
}

const workenvIn = (env: Readonly<Record<string, string>>): string => env["FLAVOR_WORKENV"] as string;

describe.each(["exec", "spawn"])("by %s", (mode) => {
  const env = { FLAVOR_EXEC_MODE: mode };

  test.each(["cold", "warm"])("a native program, %s", async () => {
    const started = { packagePath: native, home: join(dir.path, `home-${mode}`), env };
    const seen = pairsIn(await start(started));
    expect(seen).toEqual(expected(started, workenvIn(seen)));
  });

  test.each(["cold", "warm"])("a script and everything that it starts, %s", async () => {
    const started = { packagePath: script, home: join(dir.path, `home-${mode}`), env };
    const seen: Record<string, Record<string, string>> = JSON.parse(await start(started));
    expect(Object.keys(seen)).toHaveLength(isLinux ? 13 : 12);
    const wanted = expected(started, workenvIn(seen["process.env"] as Record<string, string>));
    for (const [way, given] of Object.entries(seen)) expect({ [way]: given }).toEqual({ [way]: wanted });
  });
});

test("setup commands have the same, and FLAVOR_LOCKED", async () => {
  const started = { packagePath: native, home: join(dir.path, "home-setup") };
  const workenv = workenvIn(pairsIn(await start(started)));
  const wanted = { ...expected(started, workenv), FLAVOR_LOCKED: basename(workenv) };
  expect(JSON.parse(readFileSync(join(workenv, "of-script"), "utf8"))).toEqual(wanted);
  if (isLinux) expect(pairsIn(readFileSync(join(workenv, "of-native"), "utf8"))).toEqual(wanted);
});

test.skipIf(!isLinux)("a shutdown program has the same, and FLAVOR_LOCKED", async () => {
  const started = { packagePath: ending, home: join(dir.path, "home-ending") };
  const seen = pairsIn(await start(started));
  const wanted = expected(started, workenvIn(seen));
  expect(seen).toEqual(wanted);
  const finished = readFileSync(join(dirname(workenvIn(seen)), "finished"), "utf8");
  expect(pairsIn(finished)).toEqual({ ...wanted, FLAVOR_LOCKED: basename(workenvIn(seen)) });
});

test("a package that a package starts has its own, and the caller's through the first", async () => {
  const outer = await packApp(dir.path, manifest("outer", `env ${native}`), {});
  const started = { packagePath: outer, home: join(dir.path, "home-outer") };
  const { PATH = "", ...seen } = pairsIn(await start(started));
  const workenv = workenvIn(seen);
  const { PATH: _, ...wanted } = expected({ ...started, packagePath: native }, workenv);
  expect(seen).toEqual(wanted);
  // The first one's programs are found behind the second one's.
  const folders = PATH.split(":");
  expect(folders.toSpliced(1, 1).join(":")).toBe(`${workenv}/bin:/usr/local/bin:/usr/bin:/bin`);
  expect(folders[1]).toMatch(/[0-9a-f]{16}\/bin$/);
});

/** What Bun keeps, with another text of the same length and its checksum: at 30 and 38 where the text is, at 46 that. */
function poisoned(pile: Buffer): Buffer {
  const [start, size] = [30, 38].map((at) => Number(pile.readBigUInt64LE(at))) as [number, number];
  const text = pile.subarray(start, start + size);
  expect(pile.readBigUInt64LE(46)).toBe(Bun.hash.wyhash(text, 42n));
  const at = text.indexOf("as signed");
  expect(at).toBeGreaterThan(-1);
  text.write("poisoned!", at, "latin1");
  pile.writeBigUInt64LE(Bun.hash.wyhash(text, 42n), 46);
  return pile;
}

test("what Bun has kept of a script does not run under strict, and nothing is kept", async () => {
  const kept = await packApp(
    dir.path,
    manifest("kept", "{bun} {workenv}/app/kept.ts"),
    {
      "app/kept.ts": `// ${"padding ".repeat(600)}\nconsole.log("as signed " + process.env.BUN_RUNTIME_TRANSPILER_CACHE_PATH);`,
    },
    { keySeed: "kept" },
  );
  const strict = {
    FLAVOR_VALIDATION: "strict",
    FLAVOR_TRUSTED_KEYS: toHex(keyPairFromText("kept").publicKey),
  };
  const run = async (name: string, env: Readonly<Record<string, string>>) =>
    start({ packagePath: kept, home: join(dir.path, name), env });
  const keptIn = (name: string): readonly string[] => [
    ...new Bun.Glob("**/*.pile").scanSync({ cwd: join(dir.path, name), dot: true, absolute: true }),
  ];

  expect(await run("home-kept", {})).toBe("as signed undefined\n");
  const [pile = ""] = keptIn("home-kept");
  writeFileSync(pile, poisoned(readFileSync(pile)));
  // As with any script of Bun: who can write there is the user.
  expect(await run("home-kept", {})).toBe("poisoned! undefined\n");
  expect(await run("home-kept", strict)).toBe("as signed 0\n");

  expect(await run("home-unkept", strict)).toBe("as signed 0\n");
  expect(keptIn("home-unkept")).toEqual([]);
});

test("a launcher does not even know the names of what is secret", async () => {
  const launcher = Buffer.from(await Bun.file(await hostLauncher()).arrayBuffer());
  for (const name of ["FLAVOR_KEY_SEED", "FLAVOR_PRIVATE_KEY", "FLAVOR_KEY_PASSPHRASE"])
    for (const encoding of ["latin1", "utf16le"] as const)
      expect(launcher.indexOf(name, 0, encoding)).toBe(-1);
  expect(launcher.indexOf("FLAVOR_COMMAND_NAME")).toBeGreaterThan(0);
});
