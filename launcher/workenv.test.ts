import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileSlot, packageBytes } from "../tests/support/packages.ts";
import { memorySource } from "../format/io/byte-source.ts";
import type { Seal } from "../format/seal/package-seal.ts";
import { readIndexBlock } from "../format/wire/trailer.ts";
import { VALIDATION_LEVELS } from "../format/trust/levels.ts";
import { type LauncherOptions, readLauncherEnv } from "./env.ts";
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
  expect(findWorkenv(block, call, options())).toBeUndefined();
  const cold = await prepareWorkenv(source, block, call, options());
  const warm = findWorkenv(block, call, options());
  const facts = ({ lease: _, ...rest }: Workenv) => JSON.parse(JSON.stringify(rest));
  expect(facts(warm as Workenv)).toEqual(facts(cold));
  for (const { lease } of [cold, warm as Workenv]) lease?.[Symbol.dispose]();
  expect(warm?.env).toMatchObject({ KEPT: "k", WHERE: cold.layout.content, FLAVOR_COMMAND_NAME: "link" });
  expect(warm?.env).not.toHaveProperty("SECRET");
});

test("another package, or the same one from another build, is not found", async () => {
  const { source, block } = await packed();
  await prepareWorkenv(source, block, callOf(), options());
  expect(findWorkenv((await packed("true")).block, callOf(), options())).toBeUndefined();
  expect(findWorkenv(block.with(200, 1), callOf(), options())).toBeUndefined();
  expect(findWorkenv(new Uint8Array(block.length), callOf(), options())).toBeUndefined();
});

describe("a workenv whose seal was then", () => {
  const answers = { strict: false, standard: false, relaxed: false, minimal: true, none: true };
  test.each([
    // At "strict" the slow way is taken each time.
    ["valid", { strict: false, standard: true, relaxed: true, minimal: true, none: true }],
    ["unchecked", answers],
    ["invalid", answers],
    ["missing", answers],
  ] as const)("%s is good enough for %j", async (seal: Seal | "unchecked", expected) => {
    const { source, block } = await packed();
    const { layout } = await prepareWorkenv(source, block, callOf(), options());
    const text = readFileSync(layout.marker, "utf8").replace('"seal":"valid"', `"seal":"${seal}"`);
    writeFileSync(layout.marker, text);
    const found = VALIDATION_LEVELS.map((level) => [
      level,
      findWorkenv(block, callOf(), options(level)) !== undefined,
    ]);
    expect(Object.fromEntries(found)).toEqual(expected);
  });
});
