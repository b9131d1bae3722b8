import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TARGET_NAMES } from "../../../format/platform.ts";
import { keyPairFromText, privateKeyPem, publicKeyPem } from "../../../format/seal/keys.ts";
import { toHex } from "../../../format/wire/hashes.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { documentOf, runCli } from "../testing.ts";
import { optionsOf, targetsOf } from "./pack.ts";

const MANIFEST = `
[package]
name = "app"
version = "1.0"
[execution]
command = "{workenv}/a.txt"
[[slots]]
source = "a.txt"
`;

let dir: ReturnType<typeof tempDir>;
let launcher: string;
beforeEach(() => {
  dir = tempDir();
  launcher = join(dir.path, "launcher");
  writeFileSync(launcher, "#!/bin/sh\nexit 0\n");
  writeFileSync(join(dir.path, "flavor.toml"), MANIFEST);
  writeFileSync(join(dir.path, "a.txt"), "text");
});
afterEach(() => dir[Symbol.dispose]());

const pack = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runCli(["pack", dir.path, "--launcher", launcher, "-p", "linux-x64", ...args], { env, cwd: dir.path });

interface PackedDocument {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  readonly target: string;
  readonly key: string;
  readonly keyOrigin: string;
}
const packed = async (run: ReturnType<typeof pack>) =>
  documentOf(await run)["packages"] as readonly [PackedDocument, ...PackedDocument[]];

test("one line says path, size and target; the talk is a hint about keys", async () => {
  const { out, err, exitCode } = await pack([]);
  expect(out).toMatch(/^dist\/app\.psp {2}\d+\.\d KB {2}linux-x64\n$/);
  expect(err).toBe('note: signed with a key that is gone now; "flavor keygen" makes one to keep\n');
  expect(exitCode).toBe(0);
  expect(readdirSync(join(dir.path, "dist"))).toEqual(["app.psp"]);
});

test("--quiet says nothing", async () => {
  expect(await pack(["--quiet"])).toMatchObject({ out: "", err: "", exitCode: 0 });
  expect(existsSync(join(dir.path, "dist", "app.psp"))).toBe(true);
});

test("the document names every package", async () => {
  const [first, second, ...rest] = await packed(
    pack(["--platform", "linux-arm64, windows-x64,linux-x64", "--key-seed", "s", "--json"]),
  );
  expect(rest).toHaveLength(1);
  expect(first).toMatchObject({
    path: join(dir.path, "dist", "app-linux-x64.psp"),
    target: "linux-x64",
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    key: toHex(keyPairFromText("s").publicKey),
    keyOrigin: "seed",
    slots: [{ index: 0, id: "a.txt", originalSize: 4 }],
  });
  expect(first.size).toBe(Bun.file(first.path).size);
  expect(second?.target).toBe("linux-arm64");
  expect(rest[0]?.path).toEndWith("app-windows-x64.exe");
});

test("the key beside the manifest is used, unless another one is chosen", async () => {
  mkdirSync(join(dir.path, "keys"));
  const own = keyPairFromText("own");
  writeFileSync(join(dir.path, "keys", "flavor-private.key"), privateKeyPem(own.seed));
  writeFileSync(join(dir.path, "public"), publicKeyPem(own.publicKey));
  const run = await pack(["--json"]);
  expect(run.err).toBe("");
  expect(documentOf(run)).toMatchObject({ packages: [{ key: toHex(own.publicKey), keyOrigin: "file" }] });
  const [other] = await packed(pack(["--json", "--key-seed", "env"], { FLAVOR_KEY_SEED: "other" }));
  expect(other.key).toBe(toHex(keyPairFromText("other").publicKey));
  // a public key alone is a choice, too: a wrong one
  expect(await pack(["--public-key", join(dir.path, "public")])).toMatchObject({ exitCode: 105 });
});

test("SOURCE_DATE_EPOCH is the build's time, and equal input makes equal bytes", async () => {
  const at = async (epoch: string) =>
    (await packed(pack(["--json", "--key-seed", "s"], { SOURCE_DATE_EPOCH: epoch })))[0].sha256;
  expect(await at("1700000000")).toBe(await at("1700000000"));
  expect(await at("1700000000")).not.toBe(await at("1700000001"));
});

test.each(["yesterday", "-1", "1.5", "1e3", "999999999999999"])(
  "SOURCE_DATE_EPOCH=%s is refused",
  async (epoch) => {
    const { out, err, exitCode } = await pack([], { SOURCE_DATE_EPOCH: epoch });
    expect(err).toStartWith(
      `error: Cannot use SOURCE_DATE_EPOCH="${epoch}": it is no time [bad-arguments]\n  hint: `,
    );
    expect({ out, exitCode }).toEqual({ out: "", exitCode: 105 });
    expect(existsSync(join(dir.path, "dist"))).toBe(false);
  },
);

test.each([
  [["--level", "x"], 105],
  [["--level", "99"], 105],
  [["--fast", "--best"], 105],
  [["--best", "--level", "3"], 105],
  [["--key-seed", "env"], 105],
  [["--key-seed", "s", "--private-key", "f"], 105],
  [["-p", "amiga"], 105],
  [["--manifest", "other.toml"], 105],
  [["--launcher", "/nowhere/launcher"], 106],
])("%p is refused with %p and leaves nothing", async (args, exitCode) => {
  const run = await pack(args);
  expect(run.err).toStartWith("error: Cannot ");
  expect(run).toMatchObject({ out: "", exitCode });
  expect(readdirSync(dir.path).filter((name) => name.includes("psp") || name.includes("part"))).toEqual([]);
});

test("the manifest is looked for in the folder that is named, or the current one", async () => {
  const empty = join(dir.path, "empty");
  mkdirSync(empty);
  for (const args of [["pack", empty], ["pack"]])
    expect(await runCli(args, { cwd: empty })).toMatchObject({
      err: `error: Cannot find a manifest: ${empty} has no flavor.toml and no manifest.json [bad-arguments]\n  hint: "flavor init" writes one to start from\n`,
      exitCode: 105,
    });
  const found = ["pack", "--launcher", launcher, "-p", "linux-x64"];
  expect(await runCli(found, { cwd: dir.path })).toMatchObject({ exitCode: 0 });
});

test("options become those of the library", () => {
  const passphrase = expect.any(Function);
  expect(optionsOf({ verify: true, cache: true }, { env: {}, askSecret: undefined })).toEqual({
    verify: true,
    passphrase,
  });
  for (const level of ["fast", "best"] as const) {
    const flags = { verify: true, cache: true, [level]: true };
    expect(optionsOf(flags, { env: {}, askSecret: undefined })).toMatchObject({ level });
  }
  const flags = {
    cache: true,
    verify: false,
    output: "o",
    launcher: "shebang",
    compat: "flavorpack",
    level: 3,
    platform: ["all"],
  } as const;
  expect(optionsOf(flags, { env: { SOURCE_DATE_EPOCH: "0" }, askSecret: undefined })).toEqual({
    verify: false,
    output: "o",
    launcher: "shebang",
    compat: "flavorpack",
    level: 3,
    platforms: TARGET_NAMES,
    sourceDateEpoch: 0,
    passphrase,
  });
  expect(targetsOf(["linux-x64", "darwin-arm64", "linux-x64"])).toEqual(["linux-x64", "darwin-arm64"]);
});
