import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { openFileSource } from "../format/io/byte-source.ts";
import { matchesTarget, TARGET_NAMES, type Target } from "../format/platform.ts";
import { keyPairFromText } from "../format/seal/keys.ts";
import { isValid, verifyPackage } from "../format/verify.ts";
import { toHex } from "../format/wire/hashes.ts";
import { rawArchive } from "../format/tar/testing.ts";
import { compiledLauncher } from "../tests/support/compiled.ts";
import { failureOf } from "../tests/support/failure.ts";
import { noteProgress } from "../tests/support/noted-progress.ts";
import { tempDir } from "../tests/support/temp-dir.ts";
import { generateKeys } from "./keygen.ts";
import { hostTarget } from "./launchers/host.ts";
import { type Manifest, parseManifest } from "./manifest/manifest.ts";
import { outputFor } from "./output-path.ts";
import { packManifest, type PackOptions } from "./pack.ts";

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
  mkdirSync(at("app"));
  writeFileSync(at("app/main"), "main");
  writeFileSync(at("tool"), "a tool for somebody");
  writeFileSync(at("stub"), "#!/bin/sh\nexit 0\n");
});
afterEach(() => dir[Symbol.dispose]());
const at = (name: string) => join(dir.path, name);

const HEAD = '[package]\nname = "demo"\nversion = "1.0"\n';
const manifestOf = (rest: string, command = "true"): Manifest =>
  parseManifest(`${HEAD}[execution]\ncommand = ${JSON.stringify(command)}\n${rest}`, at("flavor.toml"));
const APP = '[[slots]]\nsource = "app"\n';

const pack = (manifest: Manifest, options: PackOptions = {}) =>
  packManifest(manifest, { launcher: at("stub"), keySeed: "test", platforms: ["linux-x64"], ...options });

/** Everything of a package that is of interest here, read from its file. */
async function contentOf(path: string) {
  using source = openFileSource(path);
  const verification = await verifyPackage(source);
  const { metadata, json, index } = verification.package!;
  return {
    metadata,
    document: JSON.parse(new TextDecoder().decode(json)),
    launcher: Buffer.from(await source.read(0, index.launcher.size)).toString("latin1"),
    signer: verification.signer,
    isValid: isValid(verification),
  };
}

describe("where a package goes", () => {
  const NAMES: readonly [string | undefined, readonly Target[], readonly string[]][] = [
    [undefined, ["linux-x64"], ["dist/demo.psp"]],
    [undefined, ["windows-x64"], ["dist/demo.exe"]],
    [undefined, ["linux-x64", "windows-arm64"], ["dist/demo-linux-x64.psp", "dist/demo-windows-arm64.exe"]],
    [undefined, ["linux-x64", "linux-x64"], ["dist/demo.psp"]],
    ["out.bin", ["linux-x64"], ["out.bin"]],
    ["out", ["linux-x64"], ["out"]],
    ["out", ["windows-x64"], ["out.exe"]],
    ["out.psp", ["windows-x64"], ["out.exe"]],
    [
      "deep/er/out.psp",
      ["darwin-arm64", "linux-arm64"],
      ["deep/er/out-darwin-arm64.psp", "deep/er/out-linux-arm64.psp"],
    ],
    ["demo-1.2", ["windows-x64"], ["demo-1.2.exe"]],
    ["demo-1.2", ["linux-x64", "darwin-x64"], ["demo-1.2-linux-x64", "demo-1.2-darwin-x64"]],
    ["v1.2/demo", ["windows-x64"], ["v1.2/demo.exe"]],
    ["new/", ["linux-x64"], ["new/demo.psp"]],
    ["app", ["linux-x64"], ["app/demo.psp"]],
    ["app", ["linux-x64", "windows-x64"], ["app/demo-linux-x64.psp", "app/demo-windows-x64.exe"]],
  ];

  test.each(NAMES)("with --output %p for %j: %j", async (output, platforms, names) => {
    const packed = await pack(manifestOf(APP.replace("app", "tool")), {
      platforms,
      ...(output === undefined ? {} : { output: at(output) + (output.endsWith("/") ? "/" : "") }),
    });
    const paths = packed.map(({ path }) => relative(dir.path, path).replaceAll("\\", "/"));
    expect(paths).toEqual([...names]);
    expect(packed.map(({ target }) => target)).toEqual([...new Set(platforms)]);
    for (const { path } of packed) expect((await contentOf(path)).isValid).toBe(true);
  });

  test("is never a folder, which is said before anything is made", async () => {
    mkdirSync(at("dist/demo-linux-arm64.psp"), { recursive: true });
    const platforms = ["linux-x64", "linux-arm64"] as const;
    const error = await failureOf(() => pack(manifestOf(APP), { platforms }));
    expect(error).toMatchObject({ code: "io-failed", hint: "name a file with --output" });
    expect(error.message).toEndWith("demo-linux-arm64.psp: it is a folder");
    expect(readdirSync(at("dist"))).toEqual(["demo-linux-arm64.psp"]);
  });

  // A fifo of our own stands for devices: a test that fails as root must not have taken the machine's /dev/null.
  test.skipIf(process.platform === "win32")("never takes the place of what is no regular file", async () => {
    Bun.spawnSync(["mkfifo", at("fifo")]);
    const error = await failureOf(() => pack(manifestOf(APP), { output: at("fifo") }));
    expect(error).toMatchObject({
      code: "io-failed",
      message: `Cannot write ${at("fifo")}: it is no regular file`,
    });
    expect(lstatSync(at("fifo")).isFIFO()).toBe(true);
  });

  const WHOLE = '[[slots]]\nid = "all"\nsource = "."\n';
  test.each([
    ["", undefined],
    ["", "app/x.psp"],
    ['exclude = ["**/*.psp"]', undefined], // not what it is called until it is whole
    ['include = ["dist"]', undefined],
  ])("is not in a folder that is packed: %j, --output %j", async (rules, output) => {
    const options = output === undefined ? {} : { output: at(output) };
    const error = await failureOf(() => pack(manifestOf(WHOLE + rules), options));
    expect(error).toMatchObject({
      code: "build-failed",
      message: `Cannot pack ${at(".")} as slot "all": the package is to be written into it`.replace("/.", ""),
    });
    expect(readdirSync(dir.path).toSorted()).toEqual(["app", "stub", "tool"]);
  });

  test.each(['exclude = ["dist"]', 'exclude = ["dist/**"]', 'include = ["app/**"]'])(
    "may be in a folder of which that is left out: %s",
    async (rules) => {
      for (const _ of ["first", "second"]) {
        const [packed] = await pack(manifestOf(WHOLE + rules));
        expect((await contentOf(packed!.path)).isValid).toBe(true);
      }
    },
  );

  test("a relative output is relative to the current folder", () => {
    expect(outputFor(manifestOf(APP), "linux-x64", 1, "some/x.psp")).toBe(
      join(process.cwd(), "some", "x.psp"),
    );
  });
});

describe("platforms", () => {
  const SLOTS = `
[[slots]]
id = "mac"
source = "tool"
target = "bin/tool"
platform = "darwin"
[[slots]]
id = "x64"
source = "tool"
target = "bin/tool"
platform = "linux-x64"
permissions = "0755"
[[slots]]
source = "app"
`;

  test("are the manifest's own, unless others are named, or else this machine's", async () => {
    const own = manifestOf(`${APP}[pack]\nplatforms = ["darwin-x64", "linux-arm64"]\n`);
    const targetsOf = async (manifest: Manifest, options: PackOptions) =>
      (await packManifest(manifest, { launcher: at("stub"), keySeed: "k", ...options })).map(
        (it) => it.target,
      );
    expect(await targetsOf(own, {})).toEqual(["darwin-x64", "linux-arm64"]);
    expect(await targetsOf(own, { platforms: ["windows-x64"] })).toEqual(["windows-x64"]);
    expect(await targetsOf(manifestOf(APP), {})).toEqual([hostTarget()]);
  });

  test("get their own slots, and commands that mean these", async () => {
    const command = "{slot:1} {slot:2} {primary}";
    const manifest = manifestOf(SLOTS, command);
    const primary = { ...manifest, execution: { ...manifest.execution, primarySlot: 2 } };
    const [linux] = await pack(primary, { platforms: ["linux-x64-musl"] });
    const { metadata } = await contentOf(linux!.path);
    expect(metadata.slots.map(({ id, platform }) => [id, platform])).toEqual([
      ["x64", "linux-x64"],
      ["app", undefined],
    ]);
    expect(metadata.execution).toMatchObject({ primarySlot: 1, command: "{slot:0} {slot:1} {primary}" });
    expect(metadata.build?.platform).toEqual({ os: "linux", arch: "amd64", host: "deterministic-build" });
  });

  test("are refused together before one is built, when a command means a slot that they lack", async () => {
    const manifest = manifestOf(SLOTS, "{slot:1}");
    const platforms = ["linux-x64", "linux-arm64"] as const;
    const error = await failureOf(() => pack(manifest, { platforms }));
    expect([error.code, error.message]).toEqual([
      "build-failed",
      "Cannot build the package for linux-arm64: it lacks slots that it uses",
    ]);
    expect(error.problems).toEqual([
      'execution.command: {slot:1} is "x64", a slot for linux-x64 and not for linux-arm64',
    ]);
    expect(readdirSync(dir.path).sort()).toEqual(["app", "stub", "tool"]);
  });

  test.each(TARGET_NAMES)(
    "%s: a slot for it is in its package and in those of its variants",
    async (target) => {
      const manifest = manifestOf(`[[slots]]\nsource = "tool"\nplatform = "${target}"\n`);
      const packed = await pack(manifest, { platforms: TARGET_NAMES, output: at("all/") });
      const having = packed.filter(({ slots }) => slots.length > 0).map((it) => it.target);
      expect(having).toEqual(TARGET_NAMES.filter((other) => matchesTarget(target, other)));
      expect(having).toContain(target);
    },
  );
});

describe("the launcher", () => {
  test("can be any file, byte for byte", async () => {
    const [packed] = await pack(manifestOf(APP));
    const { launcher, document } = await contentOf(packed!.path);
    expect(launcher).toBe(readFileSync(at("stub"), "latin1"));
    expect(document.launcher).toMatchObject({ tool: "external", tool_version: "unknown", size: 17 });
  });

  test("can be a line for machines that have flavor", async () => {
    const [packed] = await pack(manifestOf(APP), { launcher: "shebang" });
    const { launcher, document } = await contentOf(packed!.path);
    expect(launcher).toBe("#!/usr/bin/env -S flavor run\n");
    expect(document.launcher.tool).toBe("flavor-shebang");
  });

  test("is the manifest's, unless another one is named", async () => {
    const manifest = manifestOf(`${APP}[pack]\nlauncher = "shebang"\n`);
    const options = { keySeed: "k", platforms: ["linux-x64"] } as const;
    const [own] = await packManifest(manifest, options);
    expect((await contentOf(own!.path)).launcher).toStartWith("#!/usr/bin/env");
    const [other] = await packManifest(manifest, { ...options, launcher: at("stub") });
    expect((await contentOf(other!.path)).launcher).toStartWith("#!/bin/sh");
  });

  test("is flavor's own by default", async () => {
    const { path, sha256 } = await compiledLauncher();
    process.env["FLAVOR_LAUNCHERS"] = join(path, "..");
    try {
      const [packed] = await packManifest(manifestOf(APP), { keySeed: "k", verify: false });
      const tool = `flavor-launcher-${hostTarget()}`;
      expect(packed?.metadata.launcher).toMatchObject({ tool, checksum: sha256 });
    } finally {
      delete process.env["FLAVOR_LAUNCHERS"];
    }
  });

  test("that is not there is an error that names it, and nothing is made", async () => {
    const error = await failureOf(() => pack(manifestOf(APP), { launcher: at("missing") }));
    expect([error.code, error.message]).toEqual(["io-failed", `Cannot open ${at("missing")}`]);
    expect(readdirSync(dir.path).sort()).toEqual(["app", "stub", "tool"]);
  });
});

describe("keys", () => {
  test("one key signs the packages of all platforms, also one that is made for them", async () => {
    const platforms = ["linux-x64", "windows-x64"] as const;
    const packed = await packManifest(manifestOf(APP), { launcher: at("stub"), platforms });
    const signers = await Promise.all(packed.map(async ({ path }) => (await contentOf(path)).signer));
    expect(signers).toEqual(packed.map(({ signer }) => toHex(signer.publicKey)));
    expect(new Set(signers).size).toBe(1);
    expect(packed.map(({ signer }) => signer.origin)).toEqual(["ephemeral", "ephemeral"]);
    // Nobody is to remember such a key: the package says so itself.
    expect(packed.map(({ metadata }) => metadata.isAnonymous)).toEqual([true, true]);
    for (const { path } of packed) expect((await contentOf(path)).metadata.isAnonymous).toBe(true);
  });

  test("seed and files are not given both, which is said before anything is made", async () => {
    const { privateKey } = generateKeys(at("keys"));
    const error = await failureOf(() => pack(manifestOf(APP), { privateKey }));
    expect(error.code).toBe("bad-arguments");
    expect(readdirSync(dir.path)).not.toContain("dist");
  });

  test("a seed is one key", async () => {
    const [packed] = await pack(manifestOf(APP));
    const { signer, metadata } = await contentOf(packed!.path);
    expect(signer).toBe(toHex(keyPairFromText("test").publicKey));
    expect(metadata).not.toHaveProperty("isAnonymous");
  });
});

describe("options", () => {
  test("the time of the build is the start of 2025, or what is said", async () => {
    const timestamp = async (options: PackOptions) =>
      (await contentOf((await pack(manifestOf(APP), options))[0]!.path)).document.build.timestamp;
    expect(await timestamp({})).toBe("2025-01-01T00:00:00+00:00");
    expect(await timestamp({ sourceDateEpoch: 0 })).toBe("1970-01-01T00:00:00+00:00");
    expect(await timestamp({ sourceDateEpoch: 1_700_000_000 })).toBe("2023-11-14T22:13:20+00:00");
  });

  test("for FlavorPack's launchers all that they cannot run is refused at once", async () => {
    const manifest = manifestOf(`${APP}[[slots]]\nsource = "tool"\noperations = "xz"\n`, "{slot:1} {bun}");
    const error = await failureOf(() => pack(manifest, { compat: "flavorpack" }));
    expect(error.code).toBe("build-failed");
    expect(error.problems).toHaveLength(4);
    expect(readdirSync(dir.path).sort()).toEqual(["app", "stub", "tool"]);
    const sound = manifestOf(APP.replace("\n", '\noperations = "tgz"\n'));
    const [packed] = await pack(sound, { compat: "flavorpack" });
    expect((await contentOf(packed!.path)).document.slots[0].operations).toBe("tgz");
  });

  test("verification can be left out", async () => {
    writeFileSync(at("evil.tar"), rawArchive({ name: "../out", body: "x" }));
    const manifest = manifestOf('[[slots]]\nsource = "evil.tar"\noperations = "tgz"\n');
    expect((await failureOf(() => pack(manifest))).code).toBe("build-failed");
    const [packed] = await pack(manifest, { verify: false });
    expect((await contentOf(packed!.path)).isValid).toBe(false);
  });

  test("progress is told step by step", async () => {
    const { bar, steps } = noteProgress();
    const platforms = ["linux-x64", "darwin-x64"] as const;
    await pack(manifestOf(APP), { platforms, progress: bar });
    expect(steps.map(({ label }) => label)).toEqual([
      "packing demo-linux-x64.psp",
      "verifying demo-linux-x64.psp",
      "packing demo-darwin-x64.psp",
      "verifying demo-darwin-x64.psp",
    ]);
  });
});

test("a package that fails leaves those before it", async () => {
  mkdirSync(at("dist"));
  const manifest = manifestOf('[[slots]]\nsource = "tool"\n');
  const platforms = ["linux-x64", "darwin-x64"] as const;
  const { bar } = noteProgress((step) => {
    if (step === "packing demo-darwin-x64.psp") mkdirSync(at("dist/demo-darwin-x64.psp"));
  });
  expect((await failureOf(() => pack(manifest, { platforms, progress: bar }))).code).toBe("io-failed");
  expect(readdirSync(at("dist")).sort()).toEqual(["demo-darwin-x64.psp", "demo-linux-x64.psp"]);
});

test("what is in a slot comes from the manifest", async () => {
  const manifest = manifestOf(`[[slots]]
id = "the app"
source = "app"
target = "{workenv}/share/app"
exclude = ["*.log"]
operations = "tar|gzip"
purpose = "code"
lifecycle = "init"
resolution = "lazy"
permissions = "0640"
[[slots]]
source = "$SELF"
`);
  const [packed] = await pack(manifest);
  const { metadata } = await contentOf(packed!.path);
  expect(metadata.slots).toMatchObject([
    {
      id: "the app",
      source: "app",
      target: "share/app",
      operations: ["TAR", "GZIP"],
      purpose: "code",
      lifecycle: "init",
      resolution: "lazy",
      permissions: 0o640,
    },
    { id: "self", source: "$SELF", selfRef: true, size: 0 },
  ]);
});

test("a launcher that was damaged since it was built is built again, and so is the package", async () => {
  const { path, sha256 } = await compiledLauncher();
  const before = process.env["FLAVOR_LAUNCHERS"];
  process.env["FLAVOR_LAUNCHERS"] = at("launchers");
  cpSync(dirname(path), at("launchers"), { recursive: true });
  try {
    const damaged = readFileSync(path);
    damaged[damaged.length >> 1]! ^= 1;
    writeFileSync(join(at("launchers"), basename(path)), damaged);
    const { bar, steps } = noteProgress();
    const options = { launcher: "bun", keySeed: "test", platforms: [hostTarget()], progress: bar };
    const [packed] = await packManifest(manifestOf(APP), options);
    expect(packed?.metadata.launcher?.checksum).toBe(sha256);
    expect((await contentOf(packed?.path as string)).isValid).toBe(true);
    expect(steps.map(({ label }) => label)).toContain(`making the launcher for ${hostTarget()} again`);
    expect(readdirSync(at("dist"))).toEqual(["demo.psp"]);
  } finally {
    if (before === undefined) delete process.env["FLAVOR_LAUNCHERS"];
    else process.env["FLAVOR_LAUNCHERS"] = before;
  }
}, 60_000);
