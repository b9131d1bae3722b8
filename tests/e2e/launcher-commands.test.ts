import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { openFileSource } from "../../format/io/byte-source.ts";
import { openPackage } from "../../format/reader.ts";
import { forgePackage } from "../support/forged.ts";
import { cacheOf, hostLauncher, oneFolder, packApp, runPackage } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

// What a package answers for itself under FLAVOR_LAUNCHER_CLI.

let dir: ReturnType<typeof tempDir>;
let app: string;
beforeAll(async () => {
  dir = tempDir();
  const manifest = oneFolder(
    "talker",
    "{workenv}/app/talk.sh first",
    '[[slots]]\nid = "note"\nsource = "note.txt"\ntarget = "share/note.txt"\noperations = "gzip"\npermissions = "0640"',
  );
  app = await packApp(dir.path, manifest, {
    "app/talk.sh": '#!/bin/sh\nprintf "<%s>" "$@"; echo "cli=$FLAVOR_LAUNCHER_CLI"\n',
    "note.txt": "a note\n",
  });
});
afterAll(() => dir[Symbol.dispose]());

const CLI = { FLAVOR_LAUNCHER_CLI: "1" };
const ask = (...args: string[]) => runPackage(app, args, { env: CLI });

test.each(["1", "true", "TRUE", "on", "yes", "t"])("FLAVOR_LAUNCHER_CLI=%s means it", async (value) => {
  const { stdout } = await runPackage(app, [], { env: { FLAVOR_LAUNCHER_CLI: value } });
  expect(stdout).toStartWith("talker 1.0 [PSPF/2025]\n");
});

test.each(["", "0", "false", "off"])("FLAVOR_LAUNCHER_CLI=%j does not", async (value) => {
  const { stdout } = await runPackage(app, ["info"], { env: { FLAVOR_LAUNCHER_CLI: value } });
  expect(stdout).toBe(`<first><info>cli=${value}\n`);
});

test("info says name, version, slots and command", async () => {
  const named = await ask("info");
  expect(named.stdout).toContain("\nSlots: 2 (");
  expect(named.stdout).toContain("gzip");
  expect(named.stdout).toContain("\nRun with: {workenv}/app/talk.sh first\n");
  expect(named).toMatchObject({ stderr: "", exitCode: 0 });
  expect(await ask()).toEqual(named);
});

test("another package cannot steer the terminal with its names", async () => {
  const file = join(dir.path, "hostile.psp");
  const json = {
    format: "PSPF/2025",
    package: { name: "red \u001b[31m", version: "1\n2\u009b" },
    slots: [],
    execution: { command: "true \u202e" },
    build: { tool: "\u0007" },
  };
  writeFileSync(file, await forgePackage({ json: new TextEncoder().encode(JSON.stringify(json)) }));
  const info = await ask("--package", file, "info");
  expect(info.stdout).toStartWith("red \\u001b[31m 1\\u000a2\\u009b [PSPF/2025]\nBuilt with: \\u0007 |");
  expect(info.stdout).toEndWith("\nRun with: true \\u202e\n");
  expect((await ask("--package", file, "verify")).stdout).toContain(
    "ok   metadata: red \\u001b[31m 1\\u000a2",
  );
});

const CHECKS = [
  "trailer",
  "index",
  "metadata",
  "slot table",
  "signature",
  "signer",
  "gaps",
  "launcher",
  "slot 0",
  "slot 1",
];

test("verify reports every check and is 0", async () => {
  const { stdout, exitCode } = await ask("verify");
  const names = stdout.trim().split("\n");
  expect(names.map((line) => line.split(":")[0])).toEqual(CHECKS.map((name) => `ok   ${name}`));
  expect(exitCode).toBe(0);
});

test("verify of a package with a wrong launcher byte, which no start looks at, is 107", async () => {
  const damaged = join(dir.path, "damaged.psp");
  cpSync(app, damaged);
  const bytes = readFileSync(damaged);
  // Inside the text of an error message of Bun, far away from anything that runs.
  const at = bytes.indexOf("The current working directory was deleted");
  expect(at).toBeGreaterThan(0);
  bytes[at + 4] = "C".charCodeAt(0);
  writeFileSync(damaged, bytes);
  const { stdout, exitCode } = await runPackage(damaged, ["verify"], { env: CLI });
  expect(stdout).toContain("FAIL launcher: ");
  expect(stdout.match(/^FAIL/gm)).toHaveLength(1);
  expect(exitCode).toBe(107);
});

test("verify asks about the signer as a start does", async () => {
  const env = { ...CLI, FLAVOR_TRUSTED_KEYS: "ab".repeat(32) };
  const { stdout, exitCode } = await runPackage(app, ["verify"], { env });
  expect(stdout).toContain("FAIL signer: its signer is not one of FLAVOR_TRUSTED_KEYS; ");
  expect(stdout.match(/^FAIL/gm)).toHaveLength(1);
  expect(exitCode).toBe(107);
});

test("metadata prints the signed JSON, byte for byte", async () => {
  using source = openFileSource(app);
  const { json } = await openPackage(source);
  const { stdout, exitCode } = await ask("metadata");
  expect(stdout).toBe(new TextDecoder().decode(json));
  expect(JSON.parse(stdout)).toMatchObject({ package: { name: "talker", version: "1.0" } });
  expect(exitCode).toBe(0);
});

test("extract unpacks one slot into a folder, as it would lie in the workenv", async () => {
  const out = join(dir.path, "out", "deeper");
  expect(await ask("extract", "1", out)).toEqual({
    stdout: `Extracted slot 1 (note) to ${out}\n`,
    stderr: "",
    exitCode: 0,
    signal: null,
  });
  expect(readFileSync(join(out, "share", "note.txt"), "utf8")).toBe("a note\n");
  expect(lstatSync(join(out, "share", "note.txt")).mode & 0o777).toBe(0o640);
  expect(readdirSync(out)).toEqual(["share"]);
  expect((await ask("extract", "0", out)).exitCode).toBe(0);
  expect(readdirSync(out).sort()).toEqual(["app", "share"]);
});

test.each([
  [["extract"], 105, "bad-arguments"],
  [["extract", "0"], 105, "bad-arguments"],
  [["extract", "2", "there"], 103, "slot-not-found"],
  [["extract", "-1", "there"], 103, "slot-not-found"],
  [["extract", "note", "there"], 103, "slot-not-found"],
  [["no-such-command"], 105, "bad-arguments"],
  [["--package"], 105, "bad-arguments"],
  [["--package", "no-such-file", "info"], 106, "io-failed"],
] as const)("%j is %d %s", async (args, code, name) => {
  const [, speaker = "talker.psp"] = args[0] === "--package" ? args : [];
  const { stdout, stderr, exitCode } = await ask(...args);
  expect(stdout).toBe("");
  expect(stderr).toStartWith(`${speaker}: Cannot `);
  expect(stderr).toContain(`[${name}]`);
  expect(exitCode).toBe(code);
});

test.each(["help", "--help"])("%s names the commands", async (word) => {
  const { stdout, exitCode } = await ask(word);
  for (const command of ["info", "verify", "metadata", "extract", "run", "prepare", "help"])
    expect(stdout).toContain(`\n  ${command}`);
  expect(exitCode).toBe(0);
});

test("run starts the application, which does not see the variable", async () => {
  expect(await ask("run", "second", "--package", "")).toMatchObject({
    stdout: "<first><second><--package><>cli=\n",
    exitCode: 0,
  });
});

test("prepare unpacks without running and says where", async () => {
  const home = join(dir.path, "home-of-prepare");
  const { stdout, exitCode } = await runPackage(app, ["prepare"], { home, env: CLI });
  expect(stdout).toStartWith(join(home, "cache"));
  expect(existsSync(join(stdout.trim(), "app", "talk.sh"))).toBe(true);
  expect(exitCode).toBe(0);
});

test("none but run, prepare and extract writes anything", async () => {
  const home = join(dir.path, "home-of-readers");
  for (const command of ["info", "verify", "metadata", "help"])
    expect((await runPackage(app, [command], { home, env: CLI })).exitCode).toBe(0);
  expect(readdirSync(home)).toEqual([]);
});

test("--package is about another file: the program sees that file's name", async () => {
  const launcher = await hostLauncher();
  const home = join(dir.path, "home-of-other");
  const other = (args: readonly string[]) =>
    runPackage(launcher, ["--package", app, ...args], { home, env: CLI });
  expect((await other([])).stdout).toStartWith("talker 1.0");
  expect(await other(["run", "x"])).toMatchObject({ stdout: "<first><x>cli=\n", stderr: "", exitCode: 0 });
});

test("a launcher without a package says that it has none", async () => {
  const launcher = await hostLauncher();
  const home = join(dir.path, "home-of-none");
  const { stdout, stderr, exitCode } = await runPackage(launcher, [], { home });
  expect(stdout).toBe("");
  expect(stderr).toStartWith(`${basename(launcher)}: Cannot read ${launcher} as a package`);
  expect(exitCode).toBe(102);
});

test("the cache of all this has one workenv", () => {
  expect(readdirSync(cacheOf(app)).filter((name) => !name.startsWith("."))).toHaveLength(1);
});

// Packages of FlavorPack's builders. Their own launcher is a stub, so ours reads them. The Python builder packs a folder
// without the folder's name on top; every launcher of FlavorPack unpacks that flat, so the program misses conf/a.txt.

const GOLDEN = join(import.meta.dir, "..", "golden");

test.each([
  ["go", "conf/a.txt"],
  ["rust", "conf/a.txt"],
  ["python", "a.txt"],
])("the package of FlavorPack's %s builder runs, with %s", async (builder, setting) => {
  const home = join(dir.path, `home-of-${builder}`);
  const args = ["--package", join(GOLDEN, `${builder}.psp`), "run", "an argument"];
  const { stdout, exitCode } = await runPackage(await hostLauncher(), args, { home, env: CLI });
  const seen = setting === "conf/a.txt" ? "setting=1\n" : "";
  expect(stdout).toBe(`hello from fixture: an argument\n${seen}this note was gzipped\n`);
  expect(exitCode).toBe(0);
  const cache = join(home, "cache");
  const [content = ""] = readdirSync(cache).filter((name) => !name.startsWith("."));
  expect(readFileSync(join(cache, content, setting), "utf8")).toBe("setting=1\n");
  expect(lstatSync(join(cache, content, "share", "note.txt")).mode & 0o777).toBe(0o640);
});
