import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openFileSource } from "../format/io/byte-source.ts";
import type { Sha256 } from "../format/types.ts";
import { isValid, verifyPackage } from "../format/verify.ts";
import { tempDir } from "../tests/support/temp-dir.ts";
import { buildPackageFromManifest } from "./build-from-manifest.ts";
import { generateKeys } from "./keygen.ts";

const MANIFEST = `
[package]
name = "demo"
version = "1.0"

[execution]
command = "run"

[[slots]]
source = "data.txt"

[pack]
launcher = "launcher"
`;

function project() {
  const dir = tempDir();
  writeFileSync(join(dir.path, "flavor.toml"), MANIFEST);
  writeFileSync(join(dir.path, "data.txt"), "data");
  writeFileSync(join(dir.path, "launcher"), "#!/bin/sh\nexit 0\n");
  return { ...dir, manifestPath: join(dir.path, "flavor.toml") };
}

test("a package for each platform, signed with the key files", async () => {
  using dir = project();
  const keys = generateKeys(join(dir.path, "keys"));
  const packed = await buildPackageFromManifest({
    manifestPath: dir.manifestPath,
    privateKeyPath: keys.privateKey,
    publicKeyPath: keys.publicKey,
    output: join(dir.path, "out.psp"),
    platforms: ["linux-x64", "darwin-arm64"],
  });
  expect(packed.map(({ path }) => path)).toEqual([
    join(dir.path, "out-linux-x64.psp"),
    join(dir.path, "out-darwin-arm64.psp"),
  ]);
  for (const { path } of packed) {
    using source = openFileSource(path);
    const result = await verifyPackage(source);
    expect([isValid(result), result.signer]).toEqual([true, keys.fingerprint]);
  }
});

test("with a seed, the package is the same each time and lies beside its manifest", async () => {
  using dir = project();
  const request = { manifestPath: dir.manifestPath, keySeed: "test" };
  const [first] = await buildPackageFromManifest(request);
  const digest = await first?.sha256();
  const [second] = await buildPackageFromManifest(request);
  expect(first?.path).toBe(join(dir.path, "dist", "demo.psp"));
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(await second?.sha256()).toBe(digest as Sha256);
});

test("a manifest with mistakes is refused with all of them", async () => {
  using dir = project();
  writeFileSync(dir.manifestPath, MANIFEST.replace("data.txt", "nothing").replace('"run"', '""'));
  const attempt = buildPackageFromManifest({ manifestPath: dir.manifestPath });
  expect(await attempt.catch((error: unknown) => error)).toMatchObject({
    code: "manifest-invalid",
    problems: [expect.stringContaining("slots[0].source"), expect.stringContaining("execution.command")],
  });
});
