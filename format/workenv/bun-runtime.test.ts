import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Metadata, SetupCommand } from "../wire/metadata-types.ts";
import { bunRuntimeOf, pointBunTo } from "./bun-link.ts";
import { needsBun, writeBunRuntime } from "./bun-runtime.ts";

let dir: string;
beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), "bun-runtime-")), 'it\'s "$&" odd');
});
afterEach(() => rmSync(join(dir, ".."), { recursive: true, force: true }));

describe("a package needs Bun", () => {
  const metadata = (command: string, ...setupCommands: readonly SetupCommand[]) =>
    ({ execution: { primarySlot: 0, command, env: {} }, setupCommands }) as unknown as Metadata;
  const enumerate = { path: "x", pattern: "*" };
  test.each([
    [true, "its command", metadata("{bun} x.ts")],
    [true, "a later word of its command", metadata("env A=1 {bun} x.ts")],
    [true, "a setup command", metadata("x", { type: "execute", command: "{bun} x.ts" })],
    [
      true,
      "a setup command for files",
      metadata("x", { type: "enumerate_and_execute", command: "{bun} {file}", enumerate }),
    ],
    [false, "nothing", metadata("bun x.ts", { type: "execute", command: "x" })],
    [false, "the text of a file", metadata("x", { type: "write_file", path: "x", content: "{bun}" })],
  ])("%p for %s", (needed, _, it) => {
    expect(needsBun(it)).toBe(needed);
  });
});

describe("the link to the launcher", () => {
  const program = () => bunRuntimeOf(dir).program;

  test("is made, with its folder", () => {
    pointBunTo(dir, "/opt/one");
    expect(readlinkSync(program())).toBe("/opt/one");
  });

  test("follows a launcher that has moved, and stays when it has not", () => {
    pointBunTo(dir, "/opt/one");
    const before = lstatSync(program()).ino;
    pointBunTo(dir, "/opt/one");
    expect(lstatSync(program()).ino).toBe(before);
    pointBunTo(dir, "/opt/two words");
    expect(readlinkSync(program())).toBe("/opt/two words");
    expect(readdirSync(dir)).toEqual(["bun"]);
  });

  test("takes the place of a file", () => {
    mkdirSync(dir);
    writeFileSync(program(), "not a link");
    pointBunTo(dir, "/opt/one");
    expect(readlinkSync(program())).toBe("/opt/one");
  });

  test("that cannot be made is an error with its path, and leaves nothing beside", () => {
    mkdirSync(join(program(), "a folder"), { recursive: true });
    expect(() => pointBunTo(dir, "/opt/one")).toThrow(
      expect.objectContaining({ code: "io-failed", message: expect.stringContaining(program()) }),
    );
    expect(readdirSync(dir)).toEqual(["bun"]);
  });

  test("below a file is an error of ours", () => {
    writeFileSync(dir, "");
    expect(() => pointBunTo(dir, "/opt/one")).toThrow(expect.objectContaining({ code: "io-failed" }));
  });
});

test("the files beside it are JavaScript, TOML and JSON, whatever the folder's name", () => {
  writeBunRuntime(dir, "/opt/one");
  const files = bunRuntimeOf(dir);
  const preload = readFileSync(files.preload, "utf8");
  expect(preload).toStartWith(`const program = ${JSON.stringify(files.program)};\n`);
  expect(() => new Bun.Transpiler({ loader: "js" }).transformSync(preload)).not.toThrow();
  expect(Bun.TOML.parse(readFileSync(files.bunfig, "utf8"))).toEqual({});
  expect(JSON.parse(readFileSync(files.tsconfig, "utf8"))).toEqual({});
  for (const file of [files.preload, files.bunfig, files.tsconfig])
    expect(statSync(file).mode & 0o077).toBe(0);
});
