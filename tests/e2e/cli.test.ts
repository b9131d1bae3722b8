import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { FORMAT_VERSION } from "../../format/spec.ts";
import { INDEX_BLOCK, indexChecksum } from "../../format/wire/index-block.ts";
import type { Bytes } from "../../format/types.ts";
import { compiledLauncher } from "../support/compiled.ts";
import { fileSlot, packageBytes, treeSlot } from "../support/packages.ts";

const MAIN = join(import.meta.dir, "..", "..", "builder", "cli", "main.ts");

let dir: string;
let launchers: string;
beforeAll(async () => {
  launchers = dirname((await compiledLauncher()).path);
});
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "flavor-cli-"));
  mkdirSync(join(dir, "home"));
  mkdirSync(join(dir, "work"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Nothing of the user who runs the tests: neither cache nor settings. */
const environment = () => ({
  PATH: process.env["PATH"] ?? "",
  HOME: join(dir, "home"),
  USERPROFILE: join(dir, "home"),
  XDG_CACHE_HOME: join(dir, "home", "cache"),
  TMPDIR: dir,
  FLAVOR_LAUNCHERS: launchers,
});

type Env = Readonly<Record<string, string>>;
const start = (args: readonly string[], env: Env = {}) =>
  Bun.spawn([process.execPath, MAIN, ...args], {
    cwd: join(dir, "work"),
    env: { ...environment(), ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });

async function flavor(args: readonly string[], env: Env = {}) {
  const child = start(args, env);
  const [out, err, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, exitCode };
}

/** Writes into the folder that flavor runs in. */
const put = (name: string, content: string | Uint8Array) => {
  const path = join(dir, "work", name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
};
const names = () => readdirSync(join(dir, "work"), { recursive: true }).map(String).sort();

test("init, pack, run: the three lines of the first minute", async () => {
  expect(await flavor(["init"])).toMatchObject({ err: "", exitCode: 0 });
  expect((await flavor(["pack"])).out).toMatch(/^dist\/work\.psp {2}\d+\.\d MB {2}\S+\n$/);
  const app = Bun.spawn([join(dir, "work", "dist", "work.psp"), "you"], {
    env: environment(),
    stdout: "pipe",
  });
  expect(await app.stdout.text()).toBe("Hello, you, from work\n");
  expect(await flavor(["run", "dist/work.psp", "--help"])).toEqual({
    out: "Hello, --help, from work\n",
    err: "",
    exitCode: 0,
  });
  const warmed = (await flavor(["extract", "dist/work.psp"])).out.trim();
  expect(warmed).toStartWith(join(dir, "home", "cache"));
  expect(readdirSync(warmed)).toEqual(["app"]);
});

test("run gives the application's output and exit code", async () => {
  const command = "sh {workenv}/share/app";
  const app = await packageBytes({
    slots: [fileSlot("app", "echo $1; exit 7")],
    about: { execution: { primarySlot: 0, command, env: {} } },
  });
  put("a.psp", app);
  expect(await flavor(["run", "a.psp", "--json"])).toEqual({ out: "--json\n", err: "", exitCode: 7 });
});

interface BadInput {
  readonly name: string;
  readonly args: readonly string[];
  readonly files?: () => Promise<Readonly<Record<string, string | Uint8Array>>>;
  readonly env?: () => Env;
  readonly error: string;
  readonly hint: string;
  readonly exitCode: number;
}

const MANIFEST = (slots: string) => `
[package]
name = "app"
version = "1.0"
[execution]
command = "true"
${slots}`;
const packing =
  (slots: string, more: Readonly<Record<string, string>> = {}) =>
  async () => ({
    "flavor.toml": MANIFEST(slots),
    "a.txt": "a",
    stub: "#!/bin/sh\n",
    ...more,
  });
const PACK = ["pack", "--launcher", "stub"];
const small = () => packageBytes({ slots: [fileSlot("a", "text")] });

function withVersion(bytes: Bytes, version: number): Bytes {
  const block = bytes.slice(-8196, -4);
  const view = new DataView(block.buffer);
  view.setUint32(INDEX_BLOCK.offsets.formatVersion, version, true);
  view.setUint32(INDEX_BLOCK.offsets.indexChecksum, indexChecksum(block), true);
  const changed = bytes.slice();
  changed.set(block, bytes.length - 8196);
  return changed;
}

const BAD: readonly BadInput[] = [
  {
    name: "not a package",
    args: ["inspect", "x.psp"],
    files: async () => ({ "x.psp": "text ".repeat(4000) }),
    error: "Cannot read x.psp as a package: it does not end with a PSPF trailer [not-a-package]",
    hint: "was the download complete? nothing may be cut off or appended",
    exitCode: 102,
  },
  {
    name: "a truncated package",
    args: ["run", "x.psp"],
    files: async () => ({ "x.psp": (await small()).slice(0, 5000) }),
    error: "Cannot read x.psp as a package: it has only 5000 bytes [not-a-package]",
    hint: "was the download complete? nothing may be cut off or appended",
    exitCode: 102,
  },
  {
    name: "appended bytes",
    args: ["extract", "x.psp", "0", "out"],
    files: async () => ({ "x.psp": new Uint8Array([...(await small()), 1, 2, 3]) }),
    error: "Cannot read x.psp as a package: 3 bytes follow its PSPF trailer [not-a-package]",
    hint: "was the download complete? nothing may be cut off or appended",
    exitCode: 102,
  },
  {
    name: "another format version",
    args: ["extract-all", "x.psp", "out"],
    files: async () => ({ "x.psp": withVersion(await small(), FORMAT_VERSION + 1) }),
    error: "Cannot read format version 0x20250002: this program reads 0x20250001 [unsupported-version]",
    hint: "a newer version of flavor may read it",
    exitCode: 102,
  },
  {
    name: "a package that is not there",
    args: ["inspect", "missing.psp"],
    error: "Cannot open missing.psp [io-failed]",
    hint: "check the spelling; relative paths are relative to the current folder",
    exitCode: 106,
  },
  {
    name: "a missing source",
    args: PACK,
    files: packing('[[slots]]\nsource = "nope"'),
    error: "Cannot use the manifest DIR/flavor.toml [manifest-invalid]",
    hint: "paths are relative to the manifest's folder",
    exitCode: 109,
  },
  {
    name: "no manifest",
    args: ["pack"],
    error: "Cannot find a manifest: DIR has no flavor.toml and no manifest.json [bad-arguments]",
    hint: '"flavor init" writes one to start from',
    exitCode: 105,
  },
  {
    name: "a key file that is no key",
    args: [...PACK, "--private-key", "a.txt"],
    files: packing('[[slots]]\nsource = "a.txt"'),
    error: "Cannot use a.txt as a private key: it is neither PEM nor 32 raw bytes [key-invalid]",
    hint: 'a private key is an Ed25519 key in PEM, as "flavor keygen" writes it, or 32 raw bytes',
    exitCode: 107,
  },
  {
    name: "an output below a file",
    args: [...PACK, "-o", "a.txt/app.psp"],
    files: packing('[[slots]]\nsource = "a.txt"'),
    error: "Cannot create DIR/a.txt [io-failed]",
    hint: "",
    exitCode: 106,
  },
  {
    name: "a bad SOURCE_DATE_EPOCH",
    args: PACK,
    files: packing('[[slots]]\nsource = "a.txt"'),
    env: () => ({ SOURCE_DATE_EPOCH: "now" }),
    error: 'Cannot use SOURCE_DATE_EPOCH="now": it is no time [bad-arguments]',
    hint: "it is a count of seconds since 1970, for example of: git log -1 --pretty=%ct",
    exitCode: 105,
  },
  {
    name: "an option that does not exist",
    args: ["verify", "x.psp", "--kye", "k"],
    error: "Cannot understand the command line: unknown option '--kye' (did you mean --key?) [bad-arguments]",
    hint: 'see "flavor verify --help"',
    exitCode: 105,
  },
];

test.each(BAD)("$name: one line, a hint, the exit code, nothing left behind", async (bad) => {
  for (const [name, content] of Object.entries((await bad.files?.()) ?? {})) put(name, content);
  const before = names();
  const { out, err, exitCode } = await flavor(bad.args, bad.env?.());
  const lines = err.replaceAll(join(dir, "work"), "DIR").trimEnd().split("\n");
  expect(lines[0]).toBe(`error: ${bad.error}`);
  if (bad.hint !== "") expect(lines.at(-1)).toBe(`  hint: ${bad.hint}`);
  expect({ out, exitCode }).toEqual({ out: "", exitCode: bad.exitCode });
  expect(names()).toEqual(before);
});

test.each([
  ["a target outside the workenv", '[[slots]]\nsource = "a.txt"\ntarget = "../x"', "slots[0].target: "],
  [
    "two slots with one id",
    '[[slots]]\nid = "a"\nsource = "a.txt"\n[[slots]]\nid = "a"\nsource = "a.txt"\ntarget = "b"',
    "slots[1].id: ",
  ],
  ["an unknown operation", '[[slots]]\nsource = "a.txt"\noperations = "tar|zstdd"', "slots[0].operations: "],
])("%s is a problem of the manifest with its place", async (_, slots, place) => {
  for (const [name, content] of Object.entries(await packing(slots)())) put(name, content);
  const before = names();
  const { out, err, exitCode } = await flavor(PACK);
  const [first, ...rest] = err.trimEnd().split("\n");
  expect(first).toBe(`error: Cannot use the manifest ${join(dir, "work", "flavor.toml")} [manifest-invalid]`);
  expect(rest.some((line) => line.startsWith(`  ${place}`))).toBe(true);
  expect({ out, exitCode }).toEqual({ out: "", exitCode: 109 });
  expect(names()).toEqual(before);
});

test("five mistakes are five lines, as text and as a document", async () => {
  put(
    "flavor.toml",
    '[package]\nname = "a/b"\nversion = ""\ncolour = "red"\n[execution]\n[[slots]]\nsource = "nope"\n',
  );
  const { err, exitCode } = await flavor(["pack"]);
  const problems = err.split("\n").filter((line) => /^ {2}(?!hint: )/.test(line));
  expect(problems.map((line) => line.trim().split(":")[0]).sort()).toEqual([
    "execution.command",
    "package.colour",
    "package.name",
    "package.version",
    "slots[0].source",
  ]);
  const document = JSON.parse((await flavor(["pack", "--json"])).out) as Record<string, unknown>;
  expect(document).toMatchObject({ schema: "flavor.error/1", code: "manifest-invalid", exitCode: 109 });
  expect(document["problems"]).toHaveLength(5);
  expect(exitCode).toBe(109);
});

test("without a network, another platform's launcher is an error with advice, and nothing is left", async () => {
  for (const [name, content] of Object.entries(await packing('[[slots]]\nsource = "a.txt"')()))
    put(name, content);
  using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const closed = server.url.href;
  await server.stop(true);
  const target = process.arch === "arm64" ? "linux-x64" : "linux-arm64";
  const empty = join(dir, "home", "launchers");
  const { out, err, exitCode } = await flavor(["pack", "-p", target], {
    FLAVOR_LAUNCHERS: empty,
    NPM_CONFIG_REGISTRY: closed,
    BUN_INSTALL_CACHE_DIR: join(dir, "home", "bun"),
  });
  expect(err).toStartWith(
    `error: Cannot make a launcher for ${target}: Bun ended with 1 [launcher-unavailable]\n`,
  );
  expect(err).toContain(`\n  hint: run "flavor launchers build ${target}" once while there is a network`);
  expect({ out, exitCode }).toEqual({ out: "", exitCode: 110 });
  expect(names()).toEqual(["a.txt", "flavor.toml", "stub"]);
  expect(readdirSync(empty)).toEqual([]);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s while packing leaves nothing", async (signal, exitCode) => {
  const slots = '[[slots]]\nsource = "large"\noperations = "xz"';
  for (const [name, content] of Object.entries(await packing(slots)())) put(name, content);
  put("large", crypto.getRandomValues(new Uint8Array(65536)).toHex().repeat(200));
  const child = start(PACK);
  const dist = join(dir, "work", "dist");
  while (child.exitCode === null && !names().some((name) => name.endsWith(".part"))) await Bun.sleep(5);
  expect(readdirSync(dist)).toEqual([expect.stringMatching(/^\.app\.psp\..*\.part$/)]);
  child.kill(signal);
  expect(await child.exited).toBe(exitCode);
  expect(child.signalCode).toBeNull();
  // The folder goes as well, if the build notices that its file has gone before the process has ended.
  expect(names().filter((name) => name.startsWith("dist/"))).toEqual([]);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s while threads extract leaves nothing", async (signal, exitCode) => {
  const tree = join(dir, "tree");
  mkdirSync(tree);
  for (let i = 0; i < 4000; i++) writeFileSync(join(tree, `${i}`), `${i}`.padEnd(5000));
  put("x.psp", await packageBytes({ slots: [treeSlot("tree", tree)] }));
  const child = start(["extract-all", "x.psp", "out/all"]);
  const out = join(dir, "work", "out");
  const isAtWork = () =>
    existsSync(out) && readdirSync(out).some((name) => existsSync(join(out, name, "00_tree", "tree")));
  while (child.exitCode === null && !isAtWork()) await Bun.sleep(1);
  child.kill(signal);
  expect(await child.exited).toBe(exitCode);
  expect(names()).toEqual(["out", "x.psp"]);
});

test("a reader that has seen enough is a normal end", async () => {
  put(
    "x.psp",
    await packageBytes({ slots: Array.from({ length: 1500 }, (_, i) => fileSlot(`slot-${i}`, "x")) }),
  );
  const script = '"$@" inspect x.psp --json 2>err | head -1; echo "$PIPESTATUS"';
  expect(inShell(script).said).toBe("{\n0\n");
  expect(readFileSync(join(dir, "work", "err"), "utf8")).toBe("");
});

/** What a shell makes of `script`, in which "$@" is flavor. */
function inShell(script: string) {
  const { stdout, exitCode } = Bun.spawnSync(["bash", "-c", script, "bash", process.execPath, MAIN], {
    cwd: join(dir, "work"),
    env: environment(),
  });
  return { said: stdout.toString(), exitCode };
}

const linux = test.skipIf(process.platform !== "linux");

// Others write into the same pipe, and do not expect it to refuse: `{ flavor pack; make; } 2>&1 | tee log`.
linux.each(["--help", "inspect none.psp", "inspect x.psp"])(
  "flavor %s leaves the pipes that it writes to as they were",
  async (args) => {
    put("x.psp", await packageBytes());
    const flags = `{ "$@" ${args}; cat /proc/self/fdinfo/1 /proc/self/fdinfo/2 >&3; } 3>&1 > >(cat >out) 2> >(cat >err)`;
    const found = inShell(flags).said.match(/(?<=flags:\s+)\d+/g);
    expect(found?.map((text) => Number.parseInt(text, 8) & 0o4000)).toEqual([0, 0]);
  },
);

linux.each(["inspect x.psp", "inspect x.psp --json", "extract x.psp"])(
  "an answer of flavor %s that cannot be written is an error",
  async (args) => {
    put("x.psp", await packageBytes());
    expect(inShell(`"$@" ${args} >/dev/full 2>err`)).toEqual({ said: "", exitCode: 106 });
    expect(readFileSync(join(dir, "work", "err"), "utf8")).toMatch(
      /^(error|x\.psp): Cannot write to stdout \[io-failed\]\n.*ENOSPC.*\n {2}hint: .*\n$/,
    );
  },
);

linux.each(["pack", "workenv info", 'run "$PACKAGE"', 'extract "$PACKAGE" 0 out'])(
  "in a folder that was removed, flavor %s says so",
  async (args) => {
    put("x.psp", await packageBytes({ slots: [fileSlot("a", "x")] }));
    const script = `PACKAGE=$PWD/x.psp; mkdir gone; cd gone; rmdir ../gone; FLAVOR_CACHE=here "$@" ${args} 2>&1`;
    expect(inShell(script)).toEqual({
      said: expect.stringMatching(
        /^\S+: Cannot find the current folder: it was removed \[io-failed\]\n {2}hint: .*\n$/,
      ),
      exitCode: 106,
    });
  },
);

linux.each(["inspect", "verify", "run"])("flavor %s of a fifo does not wait for a writer", (command) => {
  const script = `mkfifo fifo; timeout -s KILL 20 "$@" ${command} fifo 2>&1`;
  expect(inShell(script)).toEqual({
    said: "error: Cannot measure fifo [io-failed]\n  caused by: it is not a regular file\n",
    exitCode: 106,
  });
});

linux("signals that the caller ignores end nothing, as with nohup", async () => {
  const slots = '[[slots]]\nsource = "large"\noperations = "xz"';
  for (const [name, content] of Object.entries(await packing(slots)())) put(name, content);
  put("large", crypto.getRandomValues(new Uint8Array(65536)).toHex().repeat(40));
  const script = `trap "" HUP INT; "$@" ${PACK.join(" ")} & while ! ls dist/.*.part; do sleep 0.01; done >/dev/null 2>&1
    kill -HUP $!; kill -INT $!; wait $!`;
  expect(inShell(script).exitCode).toBe(0);
  expect(names().filter((name) => name.startsWith("dist/"))).toEqual(["dist/app.psp"]);
});

linux("talk that cannot be written stops nothing", () => {
  expect(inShell('"$@" keygen --out-dir keys 2>/dev/full').exitCode).toBe(0);
});

/** What flavor shows on a terminal of its own, where somebody types `typed` when asked. */
async function onTerminal(args: readonly string[], env: Env, typed = "") {
  const decoder = new TextDecoder();
  let shown = "";
  const child = Bun.spawn([process.execPath, MAIN, ...args], {
    cwd: join(dir, "work"),
    env: { ...environment(), TERM: "xterm-256color", ...env },
    terminal: {
      data(terminal, bytes) {
        const before = shown.includes("[y/N]");
        shown += decoder.decode(bytes, { stream: true });
        if (!before && shown.includes("[y/N]")) terminal.write(typed);
      },
    },
  });
  const exitCode = await child.exited;
  child.terminal?.close();
  return { shown, exitCode };
}

const noTerminals = process.platform === "win32";
if (noTerminals) process.stderr.write("skipped: flavor on a terminal, Windows has no such thing\n");

test.skipIf(noTerminals).each([
  [{}, true],
  [{ NO_COLOR: "1" }, false],
  [{ TERM: "dumb" }, false],
])("colours on a terminal with %p: %p", async (env, expected) => {
  put("x.psp", await small());
  const { shown } = await onTerminal(["verify", "x.psp"], env);
  expect(shown).toContain("valid");
  expect(shown.includes("\u001b[3")).toBe(expected);
});

test("a pipe gets no colours, unless they are forced", async () => {
  put("x.psp", await small());
  expect((await flavor(["verify", "x.psp"])).out).not.toContain("\u001b[");
  expect((await flavor(["verify", "x.psp"], { FORCE_COLOR: "1" })).out).toContain("\u001b[");
});

test.skipIf(noTerminals).each([
  ["y\r", []],
  ["n\r", ["kept"]],
])("on a terminal, %j answers the question", async (typed, left) => {
  put("x.psp", await packageBytes());
  const id = basename((await flavor(["extract", "x.psp"])).out.trim());
  const { shown, exitCode } = await onTerminal(["workenv", "remove", id], {}, typed);
  expect(shown).toContain(`remove ${id}? [y/N] `);
  const listed = JSON.parse((await flavor(["workenv", "list", "--json"])).out) as {
    packages: readonly unknown[];
  };
  expect(listed.packages).toHaveLength(left.length);
  expect(exitCode).toBe(0);
});

const DISK = mkdtempSync(join(tmpdir(), "flavor-full-"));
const mounted =
  process.platform === "linux" &&
  Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=1m", "flavor", DISK]).exitCode === 0;
if (!mounted) process.stderr.write("skipped: packing to a full disk, only root may mount one\n");
afterAll(() => {
  if (mounted) Bun.spawnSync(["umount", DISK]);
  rmSync(DISK, { recursive: true, force: true });
});

test.skipIf(!mounted)("a full disk is said, and left as it was", async () => {
  for (const [name, content] of Object.entries(await packing('[[slots]]\nsource = "large"')()))
    put(name, content);
  put("large", randomBytes(3 * 1024 * 1024));
  const { out, err, exitCode } = await flavor([...PACK, "-o", `${DISK}/app.psp`]);
  const lines = err.trimEnd().split("\n");
  expect(lines[0]).toBe(`error: Cannot write ${DISK}/app.psp [io-failed]`);
  expect(lines[1]).toContain("ENOSPC");
  expect(lines.at(-1)).toBe("  hint: free some space on that disk, or choose another place");
  expect({ out, exitCode }).toEqual({ out: "", exitCode: 106 });
  expect(readdirSync(DISK)).toEqual([]);
});
