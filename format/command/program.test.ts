import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buildCommand, scopeOf } from "./command.ts";
import { resolveProgram } from "./program.ts";

let root: string;
let workenv: string;
let host: string;
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "program-")));
  workenv = join(root, "work env");
  host = join(root, "host");
  for (const file of ["bin/python3", "bin/tool", "script", "bin/not-executable"]) put(join(workenv, file));
  chmodSync(join(workenv, "bin/not-executable"), 0o644);
  for (const file of ["python3", "sh", "script", "data", "folder/inside"]) put(join(host, file));
  chmodSync(join(host, "data"), 0o644);
  symlinkSync("python3", join(host, "python"));
  symlinkSync("nowhere", join(host, "dangling"));
  mkdirSync(join(workenv, "bin", "folder"));
});
afterAll(() => rmSync(root, { recursive: true }));

function put(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "#!/bin/sh\n", { mode: 0o755 });
}

const resolve = (word: string, path = `${join(workenv, "bin")}:${host}`) =>
  resolveProgram(word, { workenv, path, windows: false });
const inWorkenv = (path: string) => join(workenv, path);
const onHost = (path: string) => join(host, path);

describe("the program that starts", () => {
  test("is the package's own python3, whatever the host has", () => {
    expect(resolve(inWorkenv("bin/python3"))).toBe(inWorkenv("bin/python3"));
    expect(resolve("python3")).toBe(inWorkenv("bin/python3"));
    expect(resolve(inWorkenv("bin/python3"), host)).toBe(inWorkenv("bin/python3"));
  });
  test("is the host's where the package has none: {workenv}/sh is what FlavorPack writes for sh", () => {
    expect(resolve(inWorkenv("sh"))).toBe(onHost("sh"));
    expect(resolve("sh")).toBe(onHost("sh"));
    expect(resolve("/usr/local/nowhere/sh")).toBe(onHost("sh"));
  });
  test("may be named relative to the workenv", () => {
    expect(resolve("bin/tool")).toBe(inWorkenv("bin/tool"));
    expect(resolve("./script")).toBe(inWorkenv("script"));
  });
  test("may be any absolute path that is there", () => {
    expect(resolve(onHost("folder/inside"))).toBe(onHost("folder/inside"));
  });
  test("may be a link to a program", () => {
    expect(resolve("python")).toBe(onHost("python"));
  });
  test("without x bit is still the package's: the start says so, and no namesake runs", () => {
    put(onHost("not-executable"));
    expect(resolve(inWorkenv("bin/not-executable"))).toBe(inWorkenv("bin/not-executable"));
  });
});

describe("no program is", () => {
  test.each([
    ["what exists nowhere", "nowhere-at-all"],
    ["a folder of the package", "folder"],
    ["a file of the host without x bit", "data"],
    ["a link that leads nowhere", "dangling"],
    ["a folder above", ".."],
    ["a dot", "."],
  ])("%s", (_, word) => {
    expect(() => resolve(word)).toThrow(
      expect.objectContaining({ code: "program-not-found", exitCode: 104 }),
    );
  });

  test("an empty word", () => {
    expect(() => resolve("")).toThrow(expect.objectContaining({ code: "command-invalid" }));
  });

  test.each(["", ":", "::", ".", "./", "bin:.:..", "relative/bin"])(
    "anything in the current folder, with PATH %j",
    (path) => {
      const before = process.cwd();
      process.chdir(host);
      try {
        expect(() => resolve("script", path)).toThrow("Cannot start script");
        expect(() => resolve("python", path)).toThrow("Cannot start python");
      } finally {
        process.chdir(before);
      }
    },
  );
});

test("PATH is searched in order", () => {
  expect(resolve("script", `${host}:${workenv}`)).toBe(onHost("script"));
  expect(resolve("script", `${workenv}:${host}`)).toBe(inWorkenv("script"));
  expect(resolve("script", `relative::${host}`)).toBe(onHost("script"));
});

test("on Windows the usual endings and names are tried", () => {
  const folder = join(root, "windows");
  for (const name of ["tool.exe", "batch.cmd", "python.exe", "bash.exe"]) put(join(folder, name));
  const places = { workenv, path: folder, windows: true };
  for (const [word, file] of [
    ["tool", "tool.exe"],
    ["batch", "batch.cmd"],
    ["python3", "python.exe"],
    ["sh", "bash.exe"],
  ] as const)
    expect(resolveProgram(word, { ...places, workenv: join(root, "none") })).toBe(join(folder, file));
});

describe("a command", () => {
  const metadata = {
    package: { name: "app", version: "1.0" },
    slots: [{ target: "bin" }, { target: "" }],
    execution: { primarySlot: 1, command: "", env: {} },
  };
  const scope = () => scopeOf(metadata, workenv, { os: "linux", arch: "amd64" }, "/bun");
  const build = (template: string, ...more: string[]) =>
    buildCommand(template, more, scope(), { PATH: host });

  test("is split before it is filled in, so that a blank in the workenv's path cuts nothing", () => {
    expect(build("{workenv}/bin/tool --in={workenv}/x 'a b' {version}", "more", "")).toEqual({
      program: inWorkenv("bin/tool"),
      args: [`--in=${workenv}/x`, "a b", "1.0", "more", ""],
      env: { PATH: host },
    });
  });
  test("gets the caller's arguments as they are: nothing in them is filled in", () => {
    expect(build("sh", "{workenv}", "$HOME", "'").args).toEqual(["{workenv}", "$HOME", "'"]);
  });
  test("knows the slots and the primary one", () => {
    expect(build("sh {slot:0} {slot:1} {primary} {platform}").args).toEqual([
      inWorkenv("bin"),
      workenv,
      workenv,
      "linux_amd64",
    ]);
  });
  test.each(["", "   ", "''"])("%j is none", (template) => {
    expect(() => build(template)).toThrow(expect.objectContaining({ code: "command-invalid" }));
  });
  test("does not look into the launcher's own PATH", () => {
    expect(() => buildCommand("sh", [], scope(), {})).toThrow(
      expect.objectContaining({ code: "program-not-found" }),
    );
  });
});
