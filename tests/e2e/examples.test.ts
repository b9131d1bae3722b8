import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspectPackage } from "../../builder/inspect.ts";
import { hostTarget } from "../../builder/launchers/host.ts";
import { readManifest } from "../../builder/manifest/manifest.ts";
import { packManifest } from "../../builder/pack.ts";
import { installPackages } from "../../examples/install.ts";
import { openFileSource } from "../../format/io/byte-source.ts";
import { TARGETS, type Target } from "../../format/platform.ts";
import { openPackage } from "../../format/reader.ts";
import { isValid, verifyPackage } from "../../format/verify.ts";
import { sha256Hex } from "../../format/wire/hashes.ts";
import { findArm64 } from "../support/arm64.ts";
import { compiledLauncher } from "../support/compiled.ts";
import { runPackage } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

const ROOT = join(import.meta.dir, "..", "..");
const example = (name: string): string => join(ROOT, "examples", name);
const dir = tempDir();
afterAll(() => dir[Symbol.dispose]());

/** Packs the folder of an example with our compiled launcher and returns the path of the package. */
async function pack(folder: string, target: Target = hostTarget()): Promise<string> {
  const platforms = [target];
  const manifest = await readManifest(join(folder, "flavor.toml"), { platforms });
  const output = join(dir.path, `${target}-${sha256Hex(folder).slice(0, 8)}`);
  mkdirSync(output, { recursive: true });
  const { path: launcher } = await compiledLauncher(target);
  const [packed] = await packManifest(manifest, { platforms, output, launcher });
  return packed!.path;
}

describe("TypeScript", () => {
  const README = join(example("typescript"), "README.md");
  let toc: string;
  beforeAll(async () => {
    installPackages(example("typescript"));
    toc = await pack(example("typescript"));
  });

  test("a file as its argument, twice: unpacked, and found unpacked", async () => {
    for (let start = 0; start < 2; start++)
      expect(await runPackage(toc, [README])).toEqual({
        stdout: [
          "- [A TypeScript program with npm packages](#a-typescript-program-with-npm-packages)",
          "  - [Three commands](#three-commands)",
          "  - [What you will see](#what-you-will-see)",
          "  - [Notes](#notes)",
          "",
        ].join("\n"),
        stderr: "",
        exitCode: 0,
        signal: null,
      });
  });

  test("standard input, an option, and no program on PATH", async () => {
    const stdin = "# One `x`\n```\n# code\n```\n## Two\n# One `x`\n";
    const { stdout, stderr, exitCode } = await runPackage(toc, ["--depth", "1"], {
      stdin,
      env: { PATH: "" },
    });
    expect(stderr).toBe("");
    expect(stdout).toBe("- [One `x`](#one-x)\n- [One `x`](#one-x-1)\n");
    expect(exitCode).toBe(0);
  });

  test.each([
    { args: ["--depth", "9"], exitCode: 2, says: "the depth is a number from 1 to 6" },
    { args: ["--what"], exitCode: 2, says: "usage: toc" },
    { args: ["a", "b"], exitCode: 2, says: "there is more than one file" },
    { args: ["no-such-file.md"], exitCode: 1, says: "no-such-file.md" },
    { args: [], exitCode: 1, says: "there is no heading in standard input" },
  ])("$args ends with $exitCode", async ({ args, exitCode, says }) => {
    const ran = await runPackage(toc, args, { stdin: "text\n" });
    expect(ran.stderr).toContain(says);
    expect(ran.stdout).toBe("");
    expect(ran.exitCode).toBe(exitCode);
  });

  test("its types hold", () => {
    const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, "check"], {
      cwd: example("typescript"),
    });
    expect(`${stdout}${exitCode === 0 ? "" : stderr}`).not.toContain("error TS");
    expect(exitCode).toBe(0);
  });

  test("the package leaves out what no program reads", async () => {
    using source = openFileSource(toc);
    const { slots } = await openPackage(source);
    expect(slots.map(({ entry }) => entry.id)).toEqual(["code", "packages"]);
    const home = join(dir.path, "clean");
    await runPackage(toc, [README], { home });
    const files = [...new Bun.Glob("*/app/**").scanSync({ cwd: join(home, "cache"), dot: true })];
    expect(files.some((file) => file.endsWith("/app/src/main.ts"))).toBe(true);
    expect(files.filter((file) => /README|\.d\.ts$|\/node_modules\/\./.test(file))).toEqual([]);
  });
});

describe("native", () => {
  beforeAll(() => void installPackages(example("native")));

  /** What a script prints that the package has made. */
  const greeting = (script: string): string => {
    const file = join(dir.path, "greeting.js");
    writeFileSync(file, script);
    return Bun.spawnSync([process.execPath, file]).stdout.toString();
  };

  test("esbuild makes a script from the data beside it and from the caller's options", async () => {
    const greet = await pack(example("native"));
    const plain = await runPackage(greet);
    expect(plain).toMatchObject({ stderr: "", exitCode: 0 });
    expect(greeting(plain.stdout)).toBe("Hello, world!\n");
    const own = await runPackage(greet, ['--define:LANGUAGE="is"', '--define:NAME="Ada"'], {
      env: { PATH: "" },
    });
    expect(own).toMatchObject({ stderr: "", exitCode: 0 });
    expect(greeting(own.stdout)).toBe("Góðan dag, Ada!\n");
    const wrong = await runPackage(greet, ["--what"]);
    expect(wrong.stderr).toContain('Invalid build flag: "--what"');
    expect(wrong).toMatchObject({ stdout: "", exitCode: 1 });
  });

  test.each([
    { target: "linux-arm64", file: "greet.psp" },
    { target: "windows-x64", file: "greet.exe" },
    { target: "darwin-arm64", file: "greet.psp" },
  ] as const)("a package for $target has its own program and no other's", async ({ target, file }) => {
    const path = await pack(example("native"), target);
    expect(path).toEndWith(file);
    using source = openFileSource(path);
    const verification = await verifyPackage(source);
    expect(verification.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(isValid(verification)).toBe(true);
    const { slots, metadata } = await inspectPackage(await openPackage(source));
    const { os, arch } = TARGETS[target];
    expect(slots.map(({ entry }) => entry.id)).toEqual(["page", `esbuild-${target}`]);
    expect(metadata.build?.platform).toMatchObject({ os, arch });
  });

  const arm64 = findArm64();
  if (arm64.how === "not at all") process.stderr.write(`skipped: the arm64 example: ${arm64.why}\n`);

  test.skipIf(arm64.how === "not at all")("the package for linux-arm64 does its work", async () => {
    if (arm64.how === "not at all") return;
    const path = await pack(example("native"), "linux-arm64");
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: dir.path,
      FLAVOR_CACHE: join(dir.path, "arm64-cache"),
    };
    const start = () => {
      const { stdout, stderr, exitCode } = Bun.spawnSync(arm64.command(path, '--define:NAME="Ada"'), { env });
      return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode };
    };
    for (let i = 0; i < 2; i++) {
      const { stdout, stderr, exitCode } = start();
      // An emulator that the kernel does not know cannot start the second arm64 program in place of the first.
      if (arm64.how === "emulator") {
        expect(stderr).toContain("[start-failed]");
        const [esbuild = ""] = new Bun.Glob("*/bin/esbuild").scanSync({
          cwd: env.FLAVOR_CACHE,
          absolute: true,
        });
        expect(Bun.spawnSync(arm64.command(esbuild, "--version")).stdout.toString()).toBe("0.28.2\n");
        return;
      }
      expect(stderr).toBe("");
      expect(greeting(stdout)).toBe("Hello, Ada!\n");
      expect(exitCode).toBe(0);
    }
  });
});

/** The different Pythons of this machine: what is first on PATH, and the system's. */
function pythons(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const program of ["python3", "/usr/bin/python3"]) {
    const ask = "import sys, pip; print(sys.base_prefix)"; // without pip it cannot prepare anything
    const path = Bun.which(program);
    const { stdout, exitCode } =
      path === null ? { stdout: "", exitCode: 1 } : Bun.spawnSync([path, "-c", ask]);
    const prefix = stdout.toString().trim();
    if (exitCode === 0 && !found.has(prefix)) found.set(prefix, path as string);
  }
  return found;
}

const isLinux = process.platform === "linux";
if (!isLinux) process.stderr.write("skipped: the Python example: it copies an interpreter on Linux only\n");
const interpreters = isLinux ? pythons() : new Map<string, string>();
if (isLinux && interpreters.size === 0)
  process.stderr.write("skipped: the Python example: there is no python3 with pip\n");

/** The example in a folder of its own for one of the Pythons. What is prepared there serves later test runs, too. */
function prepared(prefix: string, python: string): string {
  const name = `python-${sha256Hex(prefix).slice(0, 8)}`;
  const folder = join(ROOT, "node_modules", ".cache", "flavor-examples", name);
  const { stdout: version } = Bun.spawnSync([python, "--version"]);
  const recipe = ["prepare.py", "requirements.txt"].map((file) =>
    readFileSync(join(example("python"), file)),
  );
  const key = sha256Hex(Buffer.concat([version, ...recipe]));
  const note = join(folder, "prepared");
  if (!existsSync(note) || readFileSync(note, "utf8") !== key)
    rmSync(folder, { recursive: true, force: true });
  for (const file of ["prepare.py", "requirements.txt", "flavor.toml", "app"])
    cpSync(join(example("python"), file), join(folder, file), { recursive: true });
  if (existsSync(note)) return folder;
  const { exitCode, stderr } = Bun.spawnSync([python, join(folder, "prepare.py")]);
  if (exitCode !== 0) throw new Error(`prepare.py of the Python example failed: ${stderr}`);
  writeFileSync(note, key);
  return folder;
}

describe.each([...interpreters].map(([prefix, python]) => ({ prefix, python })))(
  "Python of $prefix",
  ({ prefix, python }) => {
    const home = join(dir.path, `home-${sha256Hex(prefix).slice(0, 8)}`);
    const cache = join(home, "cache");
    let biggest: string;
    beforeAll(async () => {
      biggest = await pack(prepared(prefix, python));
      await runPackage(biggest, ["--where"], { home });
    });

    test("it is the Python of the package that runs, whatever else there is", async () => {
      const fake = join(dir.path, "fake");
      mkdirSync(fake, { recursive: true });
      for (const name of ["python", "python3"]) {
        writeFileSync(join(fake, name), "#!/bin/sh\necho the fake one\nexit 66\n");
        chmodSync(join(fake, name), 0o755);
      }
      const ask = "import sys; print('python%d.%d' % sys.version_info[:2])";
      const version = Bun.spawnSync([python, "-c", ask]).stdout.toString().trim();
      const hostile = { PYTHONHOME: "/nowhere", PYTHONPATH: "/nowhere", PYTHONSTARTUP: "/nowhere" };
      mkdirSync(join(home, ".local", "lib", version, "site-packages"), { recursive: true });
      for (const env of [{ PATH: "" }, { PATH: fake }, { PATH: fake, ...hostile }]) {
        const { stdout, stderr, exitCode } = await runPackage(biggest, ["--where"], { home, env });
        expect(stderr).toBe("");
        const [first = "", ...modules] = stdout.trimEnd().split("\n");
        expect(first).toMatch(/^Python 3\.\d+\.\d+\S*: \//);
        expect(first.slice(first.indexOf("/"))).toStartWith(`${cache}/`);
        expect(first).toEndWith("/python/bin/python3");
        expect(modules.length).toBeGreaterThan(3);
        expect(modules.filter((path) => !path.startsWith(`${cache}/`))).toEqual([]);
        expect(exitCode).toBe(0);
      }
    });

    test("it lists files, says what is wrong, and writes nothing where it was unpacked", async () => {
      const folder = join(dir.path, "files");
      for (const [name, size] of [
        ["small", 10],
        ["sub/big", 3_145_728],
        ["middle", 2048],
      ] as const) {
        mkdirSync(join(folder, "sub"), { recursive: true });
        writeFileSync(join(folder, name), "x".repeat(size));
      }
      const env = { PATH: "" };
      const unpacked = () =>
        [...new Bun.Glob("*/{app,python}/**").scanSync({ cwd: cache, dot: true })].sort();
      const before = unpacked();
      expect(before.length).toBeGreaterThan(100);
      expect(await runPackage(biggest, [folder, "-n", "2"], { home, env })).toMatchObject({
        stdout: "     3.0 MiB  sub/big\n     2.0 KiB  middle\n",
        stderr: "",
        exitCode: 0,
      });
      const none = await runPackage(biggest, ["no-such-folder"], { home, env });
      expect(none).toMatchObject({
        stdout: "",
        stderr: "biggest: there is no folder no-such-folder\n",
        exitCode: 1,
      });
      expect((await runPackage(biggest, ["-n", "x"], { home, env })).exitCode).toBe(2);
      expect(unpacked()).toEqual(before);
      expect(before.filter((path) => path.includes("/app/__pycache__"))).toEqual([]);
    });

    test("its modules in machine code find the libraries that came along", async () => {
      const [python = ""] = new Bun.Glob("*/python/bin/python3").scanSync({ cwd: cache, absolute: true });
      const workenv = join(python, "..", "..", "..");
      using source = openFileSource(biggest);
      const { execution } = (await openPackage(source)).metadata;
      const env = Object.entries(execution.env).map(([name, value]) => [
        name,
        value.replace("{workenv}", workenv),
      ]);
      const code = "import ssl, sqlite3, ctypes, lzma, bz2; print(open('/proc/self/maps').read())";
      const { stdout, stderr, exitCode } = Bun.spawnSync([python, "-I", "-B", "-c", code], {
        env: Object.fromEntries(env),
      });
      expect(stderr.toString()).toBe("");
      const loaded = new Set(stdout.toString().match(/\/\S+\.so[.\d]*$/gm));
      const foreign = [...loaded].filter((path) => !path.startsWith(workenv));
      expect(foreign.filter((path) => !/\/(ld-|lib(c|m|dl|pthread|rt|util|resolv)\.)/.test(path))).toEqual(
        [],
      );
      expect(exitCode).toBe(0);
    });

    test("bytecode comes along and names no folder of the machine that made it", async () => {
      const [compiled = ""] = new Bun.Glob("*/python/lib*/python3*/__pycache__/os.*.pyc").scanSync({
        cwd: cache,
        absolute: true,
      });
      const bytes = readFileSync(compiled);
      expect(bytes.includes("/python3.")).toBe(true);
      expect(bytes.includes(ROOT)).toBe(false);
      // PEP 552: a file that is bound to no time and is not checked against its source
      expect(bytes.readUInt32LE(4)).toBe(1);
    });
  },
);
