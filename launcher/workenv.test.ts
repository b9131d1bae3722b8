import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileSlot, packageBytes } from "../tests/support/packages.ts";
import { memorySource } from "../format/io/byte-source.ts";
import type { Seal } from "../format/seal/package-seal.ts";
import { keyPairFromText } from "../format/seal/keys.ts";
import { readIndexBlock } from "../format/wire/read-index.ts";
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

describe("a workenv whose signer was then", () => {
  const KEY = "ab".repeat(32);
  const SIGNER = keyPairFromText("test").publicKey.toHex();
  const at = (level: LauncherOptions["validation"], trustedKeys?: string) => ({
    ...options(level),
    trustedKeys,
  });
  const both = `${KEY},${SIGNER}`;
  test.each([
    ["known", "none", at("standard"), true],
    ["trusted", "none", at("standard"), true],
    ["new", "none", at("standard"), true],
    ["anonymous", "none", at("standard"), true],
    ["changed", "none", at("standard"), false],
    ["revoked", "none", at("standard"), false],
    ["unchecked", "none", at("standard"), false],
    ["unchecked", "none", at("minimal"), true],
    ["revoked", "none", at("minimal"), true],
    // What the machine's owner wants counts even if the caller asks for less.
    ["unchecked", "standard", at("minimal"), false],
    ["known", "standard", at("minimal"), true],
    ["trusted", "strict", at("standard"), false],
    ["trusted", "none", at("strict"), false],
    // The keys that the caller lists, now and then.
    ["known", "none", at("standard", SIGNER), true],
    ["known", "none", at("standard", both), true],
    ["known", "none", at("standard", SIGNER.toUpperCase()), true],
    ["named", "none", at("standard", both), true],
    ["named", "none", at("standard"), false],
    ["known", "none", at("standard", KEY), false],
    ["named", "none", at("standard", KEY), false],
    ["known", "none", at("standard", `${SIGNER},a.key`), false],
    ["known", "none", at("standard", `${SIGNER},`), false],
    ["revoked", "none", at("standard", SIGNER), false],
  ] as const)("%s on a machine for %s and more: %j finds it: %p", async (trust, lowest, wanted, isFound) => {
    const { source, block } = await packed();
    const { layout } = await prepareWorkenv(source, block, callOf(), options());
    const marker = JSON.parse(readFileSync(layout.marker, "utf8"));
    writeFileSync(layout.marker, JSON.stringify({ ...marker, trust, lowest }));
    expect(findWorkenv(block, callOf(), wanted) !== undefined).toBe(isFound);
  });
});
