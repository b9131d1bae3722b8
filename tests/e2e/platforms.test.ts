import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ensureLauncher } from "../../builder/launchers/cache.ts";
import { EXECUTABLE_HEAD_SIZE, executableKind } from "../../builder/launchers/executable-kind.ts";
import { elfInterpreter } from "../../builder/launchers/host.ts";
import { readManifest } from "../../builder/manifest/manifest.ts";
import { packManifest } from "../../builder/pack.ts";
import { openFileSource } from "../../format/io/byte-source.ts";
import { TARGET_NAMES, type Target } from "../../format/platform.ts";
import { verifyPackage } from "../../format/verify.ts";
import { noNetwork } from "../support/compiled.ts";
import { tempDir } from "../support/temp-dir.ts";

/** What a launcher must say it runs on, its C library where there is a choice, and the slots of its package. */
const EXPECTED = {
  "linux-x64": { os: "linux", arch: "amd64", musl: false, slots: ["any", "linux", "linux-x64"] },
  "linux-x64-baseline": { os: "linux", arch: "amd64", musl: false, slots: ["any", "linux", "linux-x64"] },
  "linux-x64-musl": { os: "linux", arch: "amd64", musl: true, slots: ["any", "linux", "linux-x64", "musl"] },
  "linux-arm64": { os: "linux", arch: "arm64", musl: false, slots: ["any", "linux"] },
  "linux-arm64-musl": { os: "linux", arch: "arm64", musl: true, slots: ["any", "linux"] },
  "darwin-x64": { os: "darwin", arch: "amd64", slots: ["any", "darwin"] },
  "darwin-arm64": { os: "darwin", arch: "arm64", slots: ["any", "darwin"] },
  "windows-x64": { os: "windows", arch: "amd64", slots: ["any"] },
  "windows-arm64": { os: "windows", arch: "arm64", slots: ["any", "windows-arm64"] },
} as const satisfies Readonly<Record<Target, object>>;

/** A program with parts for some platforms; each part has the platform that it is for in its id. */
const MANIFEST = `
  [package]
  name = "tool"
  version = "1.0.0"
  [execution]
  command = "{workenv}/bin/tool"
  [[slots]]
  id = "any"
  source = "part"
  ${[
    ["linux", "linux"],
    ["linux-x64", "linux-x64"],
    ["musl", "linux-x64-musl"],
    ["darwin", "darwin"],
    ["windows-arm64", "windows-arm64"],
  ]
    .map(([id, platform]) => `[[slots]]\nid = "${id}"\nplatform = "${platform}"\nsource = "part"`)
    .join("\n")}`;

/** What came out for a target, or why nothing could here. The files do not stay: nine of them are a gigabyte. */
async function packageFor(target: Target) {
  using dir = tempDir();
  try {
    const launcher = await ensureLauncher(target, { cacheDir: join(dir.path, "launchers") });
    writeFileSync(join(dir.path, "part"), "a part");
    writeFileSync(join(dir.path, "flavor.toml"), MANIFEST);
    const [packed] = await packManifest(await readManifest(join(dir.path, "flavor.toml")), {
      platforms: [target],
      launcher: launcher.path,
      output: join(dir.path, "tool.psp"),
      keySeed: "test",
      verify: false,
    });
    const path = packed?.path ?? "";
    using source = openFileSource(path);
    const head = await Bun.file(path).slice(0, EXECUTABLE_HEAD_SIZE).bytes();
    return { head, launcher, name: basename(path), verification: await verifyPackage(source) };
  } catch (error) {
    const why = noNetwork(error);
    if (why === undefined) throw error;
    process.stderr.write(`skipped: launcher and package for ${target}: ${why}\n`);
    return { why };
  }
}

for (const target of TARGET_NAMES) {
  const found = await packageFor(target);
  const { slots, ...expected } = EXPECTED[target];
  const { os, arch } = expected;

  test.skipIf("why" in found)(`a package for ${target} starts as an executable of that platform`, () => {
    if ("why" in found) return;
    expect(executableKind(found.head)).toEqual({ os, arch });
    const musl = elfInterpreter(found.head)?.includes("/ld-musl-");
    expect(musl).toBe("musl" in expected ? expected.musl : undefined);
    expect(found.launcher.size).toBeGreaterThan(50_000_000); // a whole Bun is in it
  });

  test.skipIf("why" in found)(`a package for ${target} verifies and has the parts for it, no others`, () => {
    if ("why" in found) return;
    const { checks, package: pkg } = found.verification;
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(pkg?.metadata.slots.map(({ id }) => id)).toEqual([...slots]);
    expect(pkg?.metadata.build?.platform).toMatchObject({ os, arch });
    expect(pkg?.metadata.launcher?.checksum).toBe(found.launcher.sha256);
    expect(found.name).toBe(os === "windows" ? "tool.exe" : "tool.psp");
  });
}
