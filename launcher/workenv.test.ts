import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileSlot, packageBytes } from "../tests/support/packages.ts";
import { memorySource } from "../format/io/byte-source.ts";
import type { Seal } from "../format/seal/package-seal.ts";
import { readIndexBlock } from "../format/wire/trailer.ts";
import { isLocked } from "../format/workenv/lock.ts";
import { type LauncherOptions, readLauncherEnv, VALIDATION_LEVELS } from "./env.ts";
import type { Invocation } from "./invocation.ts";
import { prepareWorkenv } from "./prepare.ts";
import { findWorkenv, type Workenv } from "./workenv.ts";

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "launcher-workenv-"));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

const callOf = (env: Record<string, string> = {}): Invocation => ({
  executable: "/opt/app.psp",
  package: "/opt/app.psp",
  argv0: "./link",
  args: [],
  env: { FLAVOR_CACHE: cache, PATH: "/usr/bin:/bin", ...env },
  cwd: () => "/",
  host: { os: "linux", arch: "amd64" },
});
const options = (validation: LauncherOptions["validation"] = "standard") => ({
  ...readLauncherEnv({}),
  validation,
});

async function packed(command = "{workenv}/share/hello {version}") {
  const bytes = await packageBytes({
    slots: [fileSlot("hello", "#!/bin/sh\n")],
    about: {
      execution: { primarySlot: 0, command, env: { WHERE: "{workenv}" } },
      runtimeEnv: { unset: ["SECRET"], pass: [], map: {}, set: {} },
    },
  });
  const source = memorySource(bytes);
  return { source, block: await readIndexBlock(source) };
}

test("a warm start sees exactly what the cold start saw", async () => {
  const { source, block } = await packed();
  const call = callOf({ SECRET: "s", KEPT: "k" });
  expect(await findWorkenv(block, call, options())).toBeUndefined();
  const cold = await prepareWorkenv(source, block, call, options());
  const warm = await findWorkenv(block, call, options());
  const { lease, ...rest } = warm as Workenv;
  const { lease: first, ...expected } = cold;
  expect(rest).toEqual(JSON.parse(JSON.stringify(expected)));
  expect(await isLocked(cold.layout.lock)).toBe(true);
  first?.[Symbol.dispose]();
  expect(await isLocked(cold.layout.lock)).toBe(true);
  lease?.[Symbol.dispose]();
  expect(await isLocked(cold.layout.lock)).toBe(false);
  expect(warm?.env).toMatchObject({ KEPT: "k", WHERE: cold.layout.content, FLAVOR_COMMAND_NAME: "link" });
  expect(warm?.env).not.toHaveProperty("SECRET");
});

test("another package, or the same one from another build, is not found", async () => {
  const { source, block } = await packed();
  await prepareWorkenv(source, block, callOf(), options());
  expect(await findWorkenv((await packed("true")).block, callOf(), options())).toBeUndefined();
  expect(await findWorkenv(block.with(200, 1), callOf(), options())).toBeUndefined();
  expect(await findWorkenv(new Uint8Array(block.length), callOf(), options())).toBeUndefined();
});

describe("a workenv whose seal was then", () => {
  const answers = { strict: false, standard: false, relaxed: false, minimal: true, none: true };
  test.each([
    ["valid", { strict: true, standard: true, relaxed: true, minimal: true, none: true }],
    ["unchecked", answers],
    ["invalid", answers],
    ["missing", answers],
  ] as const)("%s is good enough for %j", async (seal: Seal | "unchecked", expected) => {
    const { source, block } = await packed();
    const { layout } = await prepareWorkenv(source, block, callOf(), options());
    const text = readFileSync(layout.marker, "utf8").replace('"seal":"valid"', `"seal":"${seal}"`);
    writeFileSync(layout.marker, text);
    const found: [string, boolean][] = [];
    for (const level of VALIDATION_LEVELS)
      found.push([level, (await findWorkenv(block, callOf(), options(level))) !== undefined]);
    expect(Object.fromEntries(found)).toEqual(expected);
  });
});
