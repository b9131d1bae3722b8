import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { bunRuntimeOf } from "../format/workenv/bun-link.ts";
import { layoutOf } from "../format/cache/layout.ts";
import { bunCalled, bunCommand } from "./bun.ts";
import type { Invocation } from "./invocation.ts";

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "launcher-bun-"));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

const ID = "0123456789abcdef";
const layout = () => layoutOf(cache, ID);
const ENV = { HOME: "/h" };

function put(path: string): string {
  const file = join(layout().content, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "{}");
  return file;
}

const command = (...args: string[]) =>
  bunCommand("/opt/app.psp", layout().bun, { program: "/bun", args, env: ENV }, layout().content);
const tsconfigIn = (args: readonly string[]) =>
  args.find((arg) => arg.startsWith("--tsconfig-override="))?.split("=")[1];

test("a script starts this very file as Bun, kept from the caller's folder; the script's words come last", () => {
  const { program, args, env } = command("/x/main.ts", "a b", "");
  const files = bunRuntimeOf(layout().bun);
  expect(program).toBe("/opt/app.psp");
  expect(args).toEqual([
    `--config=${files.bunfig}`,
    "--no-env-file",
    "--no-install",
    `--tsconfig-override=${files.tsconfig}`,
    `--preload=${files.preload}`,
    "/x/main.ts",
    "a b",
    "",
  ]);
  expect(env).toEqual({ HOME: "/h", BUN_BE_BUN: "1" });
});

describe("the tsconfig.json in force", () => {
  test("is the nearest above the script, inside the workenv", () => {
    const outer = put("tsconfig.json");
    const inner = put("app/tsconfig.json");
    expect(tsconfigIn(command(put("app/src/deep/main.ts")).args)).toBe(inner);
    expect(tsconfigIn(command(put("other/main.ts")).args)).toBe(outer);
    expect(tsconfigIn(command("--smol", put("app/main.ts"), "x").args)).toBe(inner);
  });

  test("is our empty one where the application brought none", () => {
    writeFileSync(join(cache, "tsconfig.json"), "{}");
    expect(tsconfigIn(command(put("app/main.ts")).args)).toBe(bunRuntimeOf(layout().bun).tsconfig);
    expect(tsconfigIn(command("-e", "1").args)).toBe(bunRuntimeOf(layout().bun).tsconfig);
    expect(tsconfigIn(command(`${layout().content}-beside/main.ts`).args)).toBe(
      bunRuntimeOf(layout().bun).tsconfig,
    );
  });
});

describe("a launcher that was started as", () => {
  const call = (argv0: string): Invocation => ({
    executable: "/opt/app.psp",
    package: "/opt/app.psp",
    argv0,
    args: ["main.ts", ""],
    env: ENV,
    cwd: () => "/",
    host: { os: "linux", arch: "amd64" },
  });

  test("the bun of a workenv is Bun, with that workenv's settings", () => {
    const { program } = bunRuntimeOf(layout().bun);
    expect(bunCalled(call(program))).toEqual(command("main.ts", ""));
  });

  test.each([
    "/opt/app.psp",
    "bun",
    "./bun",
    "/usr/bin/bun",
    "/cache/.0123456789abcdef.pspf/bun",
    "/cache/.0123456789abcdef.pspf/bun/node",
    "/cache/.0123456789ABCDEF.pspf/bun/bun",
    "/cache/0123456789abcdef.pspf/bun/bun",
    "/cache/.0123456789abcdef.pspf/bun/bun/x",
    "/cache/.0123456789abcdef.pspf.bun/bun",
    "",
  ])("%j is itself", (argv0) => {
    expect(bunCalled(call(argv0))).toBeUndefined();
  });
});
