import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PspfError } from "../format/errors.ts";
import { memorySource, openFileSource } from "../format/io/byte-source.ts";
import { openTreeWriter } from "../format/io/tree-writer.ts";
import { openPackage } from "../format/reader.ts";
import { keyPairFromText } from "../format/seal/keys.ts";
import { signWith } from "../format/seal/sign.ts";
import type { Bytes, ByteStream } from "../format/types.ts";
import { isValid, verifyPackage } from "../format/verify.ts";
import { extractSlot } from "../format/workenv/unpacking/extract-slot.ts";
import { tempDir } from "../tests/support/temp-dir.ts";
import { BuildError } from "./build-error.ts";
import { generateKeys } from "./keygen.ts";
import { Operation, OperationChain } from "./operation-chain.ts";
import { PSPFBuilder } from "./pspf-builder.ts";
import { SlotPurpose } from "./slot-purpose.ts";

const bytes = (text: string): Bytes => new TextEncoder().encode(text);
const LAUNCHER = bytes("#!/bin/sh\nexit 0\n");

let dir: ReturnType<typeof tempDir>;
let count = 0;
beforeAll(() => {
  dir = tempDir();
  mkdirSync(join(dir.path, "app", "sub"), { recursive: true });
  writeFileSync(join(dir.path, "app", "main.js"), "1\n");
  writeFileSync(join(dir.path, "app", "sub", "data"), "deep");
  writeFileSync(join(dir.path, "tool"), "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(join(dir.path, "launcher"), LAUNCHER);
});
afterAll(() => dir[Symbol.dispose]());

const at = (...parts: readonly string[]): string => join(dir.path, ...parts);
const freshOutput = (): string => at(`out-${count++}`, "app.psp");

const minimal = (): PSPFBuilder =>
  new PSPFBuilder()
    .setPackageName("demo")
    .setPackageVersion("1.2.3")
    .setCommand("{workenv}/run")
    .setKeySeed("test")
    .setLauncher(LAUNCHER);

async function* pieces(...texts: readonly string[]): ByteStream {
  for (const text of texts) yield bytes(text);
}

/** The signed document, and everything in the package by its path in the workenv. */
async function contentOf(path: string) {
  using source = openFileSource(path);
  const pkg = await openPackage(source);
  const root = at(`content-${count++}`);
  using writer = openTreeWriter(root);
  for (const slot of pkg.slots) await extractSlot(source, slot, writer);
  writer.finish();
  const names = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = names.map((entry) => [
    join(entry.parentPath, entry.name).slice(root.length + 1),
    readFileSync(join(entry.parentPath, entry.name), "utf8"),
  ]);
  return {
    metadata: pkg.metadata,
    document: JSON.parse(new TextDecoder().decode(pkg.json)),
    files: Object.fromEntries(files) as Readonly<Record<string, string>>,
    isValid: isValid(await verifyPackage(source)),
  };
}

const failureOf = async (build: Promise<unknown>): Promise<BuildError> => {
  const error = await build.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof BuildError)) throw new Error("a BuildError was expected", { cause: error });
  return error;
};

describe("slots", () => {
  test("bytes, a file, a folder and streams come out as they went in", async () => {
    const output = freshOutput();
    const stream = new ReadableStream<Bytes>({
      start(controller) {
        controller.enqueue(bytes("from a "));
        controller.enqueue(bytes("ReadableStream"));
        controller.close();
      },
    });
    const result = await minimal()
      .addSlot({ id: 0, name: "config", target: "etc/config", operations: "raw" }, bytes("x=1"))
      .addSlot({ id: 1, name: "tool", target: "bin/tool", purpose: SlotPurpose.TOOL }, at("tool"))
      .addSlot({ id: 2, name: "app", purpose: SlotPurpose.APPLICATION_CODE }, at("app"))
      .addSlot({ id: 3, name: "log", operations: 0x10n }, pieces("one ", "two"))
      .addSlot({ id: 4, name: "web" }, stream)
      .build(output);
    const { files, metadata, isValid } = await contentOf(output);
    expect(files).toEqual({
      "etc/config": "x=1",
      "bin/tool": "#!/bin/sh\n",
      "app/main.js": "1\n",
      "app/sub/data": "deep",
      log: "one two",
      web: "from a ReadableStream",
    });
    expect(isValid).toBe(true);
    expect(result).toMatchObject({ path: output, size: readFileSync(output).length });
    const facts = result.metadata.slots.map(({ id, source, purpose, operations }) => {
      return [id, source, purpose, operations];
    });
    expect(facts).toEqual([
      ["config", "config", "payload", []],
      ["tool", "tool", "tool", ["ZSTD"]],
      ["app", "app", "code", ["TAR", "ZSTD"]],
      ["log", "log", "payload", ["GZIP"]],
      ["web", "web", "payload", ["ZSTD"]],
    ]);
    expect(metadata.slots[1]?.permissions).toBe(0o755);
  });

  test("a chain, its number and its text are the same operations", async () => {
    const chain = new OperationChain().add(Operation.TAR).add(Operation.GZIP);
    const spellings = [chain, chain.encode(), "tgz"];
    const built = [];
    for (const operations of spellings) {
      const output = freshOutput();
      await minimal().addSlot({ name: "app", operations }, at("app")).build(output);
      built.push(readFileSync(output).toHex());
    }
    expect(new Set(built).size).toBe(1);
  });

  test("permissions are bits or octal digits", async () => {
    const output = freshOutput();
    await minimal()
      .addSlot({ name: "a", permissions: 0o750, lifecycle: "init" }, bytes("a"))
      .addSlot({ name: "b", permissions: "0600" }, bytes("b"))
      .build(output);
    const { metadata } = await contentOf(output);
    expect(metadata.slots.map((slot) => [slot.permissions, slot.lifecycle])).toEqual([
      [0o750, "init"],
      [0o600, "runtime"],
    ]);
  });

  test("a descriptor that changes after it was added changes nothing", async () => {
    const output = freshOutput();
    const descriptor = { name: "a", target: "one" };
    const builder = minimal().addSlot(descriptor, bytes("a"));
    descriptor.target = "two";
    await builder.build(output);
    expect(Object.keys((await contentOf(output)).files)).toEqual(["one"]);
  });
});

describe("launcher", () => {
  test.each([
    ["bytes", () => LAUNCHER],
    ["a path", () => at("launcher")],
    ["a source", () => memorySource(LAUNCHER)],
  ])("can be %s", async (_, launcher) => {
    const output = freshOutput();
    const { metadata } = await minimal().setLauncher(launcher()).build(output);
    expect(readFileSync(output).subarray(0, LAUNCHER.length)).toEqual(Buffer.from(LAUNCHER));
    expect(metadata.launcher).toMatchObject({ tool: "external", size: LAUNCHER.length });
  });
});

describe("metadata", () => {
  test("the sections of manifests are honoured, other members are kept, what the builder decides wins", async () => {
    const output = freshOutput();
    const builder = new PSPFBuilder().setLauncher(LAUNCHER).setKeySeed("test").setPlatform("darwin-arm64");
    await builder
      .setMetadata({
        format_version: "2025.1",
        package: { name: "demo", version: "1.0.0", description: "what it is", homepage: "somewhere" },
        execution: { command: "run {slot:0}", env: { A: "1" } },
        runtime: { env: { unset: ["LD_*"], set: { B: "2" } } },
        workenv: { directories: ["tmp", { path: "{workenv}/var", mode: "0750" }], env: { C: "3" } },
        setup_commands: ["prepare", { type: "chmod", path: "{workenv}/bin", mode: "0755" }],
        build: { timestamp: "2025-01-15T10:30:00Z", pipeline: 7, platform: "linux_amd64" },
        custom: { license: "MIT" },
        slots: "nonsense",
        launcher: { tool: "nonsense" },
      })
      .setMetadata({ custom: { author: "me" }, package: { version: "2.0.0" } })
      .setPackageVersion("3.0.0")
      .addSlot({ name: "a" }, bytes("a"))
      .build(output);
    const { metadata, document } = await contentOf(output);
    expect(metadata).toMatchObject({
      package: { name: "demo", version: "3.0.0", description: "what it is" },
      execution: { command: "run {slot:0}", env: { A: "1" } },
      runtimeEnv: { unset: ["LD_*"], set: { B: "2" } },
      workenv: { directories: [{ path: "tmp" }, { path: "var", mode: 0o750 }], env: { C: "3" } },
      setupCommands: [
        { type: "execute", command: "prepare" },
        { type: "chmod", path: "{workenv}/bin", mode: 0o755 },
      ],
      build: { tool: "flavor", timestamp: "2025-01-01T00:00:00+00:00", platform: { os: "darwin" } },
      launcher: { tool: "external" },
    });
    expect(document).toMatchObject({
      format_version: "1.0.0",
      custom: { license: "MIT", author: "me" },
      package: { homepage: "somewhere" },
      build: { pipeline: 7 },
    });
  });

  test("an object that changes after it was given changes nothing", async () => {
    const output = freshOutput();
    const custom = { note: "before" };
    const builder = minimal().setMetadata({ custom });
    custom.note = "after";
    await builder.build(output);
    expect((await contentOf(output)).document.custom).toEqual({ note: "before" });
  });
});

describe("keys", () => {
  test("a seed gives equal bytes each time, another seed other ones", async () => {
    const outputs = [freshOutput(), freshOutput(), freshOutput()];
    const builder = minimal().addSlot({ name: "app" }, at("app"));
    await builder.build(outputs[0] as string);
    await builder.build(outputs[1] as string);
    await builder.setKeySeed("other").build(outputs[2] as string);
    const [one, two, three] = outputs.map((path) => readFileSync(path).toHex());
    expect(one).toBe(two as string);
    expect(one).not.toBe(three as string);
  });

  test("without one a key is made for this build, and the package says so", async () => {
    const output = freshOutput();
    await new PSPFBuilder()
      .setPackageName("demo")
      .setPackageVersion("1")
      .setCommand("run")
      .setLauncher(LAUNCHER)
      .build(output);
    const { verification } = (await contentOf(output)).document;
    expect(verification.integrity_seal).toEqual({ required: true, algorithm: "ed25519", ephemeral: true });
  });

  test("key files sign, and replace a seed that was set before", async () => {
    const output = freshOutput();
    const keys = generateKeys(at(`keys-${count++}`));
    await minimal().setKeys(keys).build(output);
    using source = openFileSource(output);
    expect((await verifyPackage(source)).signer).toBe(keys.fingerprint);
  });

  test("an encrypted key signs with its passphrase", async () => {
    const output = freshOutput();
    const keys = generateKeys(at(`keys-${count++}`), { passphrase: "pass" });
    await minimal()
      .setKeys({ ...keys, passphrase: () => "pass" })
      .build(output);
    using source = openFileSource(output);
    expect((await verifyPackage(source)).signer).toBe(keys.fingerprint);
    const wrong = minimal()
      .setKeys({ ...keys, passphrase: "other" })
      .build(freshOutput());
    expect((await failureOf(wrong)).code).toBe("key-invalid");
  });

  test("something else signs, and replaces a seed that was set before", async () => {
    const [output, bad] = [freshOutput(), freshOutput()];
    const { seed, publicKey } = keyPairFromText("service");
    await minimal()
      .setSigner({ publicKey, sign: async (message) => signWith(seed, message) })
      .build(output);
    using source = openFileSource(output);
    expect(await verifyPackage(source)).toMatchObject({ signer: publicKey.toHex() });
    const wrong = minimal()
      .setSigner({ publicKey, sign: () => new Uint8Array(64) })
      .build(bad);
    expect((await failureOf(wrong)).code).toBe("signing-failed");
    expect(existsSync(bad)).toBe(false);
  });

  test("a public key of another pair is refused", async () => {
    const [mine, other] = [generateKeys(at(`keys-${count++}`)), generateKeys(at(`keys-${count++}`))];
    const keys = { privateKey: mine.privateKey, publicKey: other.publicKey };
    expect((await failureOf(minimal().setKeys(keys).build(freshOutput()))).code).toBe("key-invalid");
  });
});

describe("options", () => {
  test("compat keeps to the spellings that FlavorPack knows, and refuses what its launchers cannot run", async () => {
    const output = freshOutput();
    const builder = minimal().addSlot({ name: "app", operations: "tar|gzip" }, at("app"));
    await builder.build(output, { compat: "flavorpack" });
    expect((await contentOf(output)).document.slots[0].operations).toBe("tgz");
    const error = await failureOf(
      minimal().addSlot({ name: "app" }, at("app")).build(freshOutput(), { compat: "flavorpack" }),
    );
    expect([error.code, ...error.problems]).toEqual(["build-failed", expect.stringContaining("tar|zstd")]);
  });

  test("the build time can be told", async () => {
    const { metadata } = await minimal().build(freshOutput(), { sourceDateEpoch: 1 });
    expect(metadata.build?.timestamp).toBe("1970-01-01T00:00:01+00:00");
  });
});

describe("mistakes", () => {
  test("all of them are one error that knows its build", async () => {
    const output = freshOutput();
    const stream = pieces("once");
    const error = await failureOf(
      new PSPFBuilder()
        .setPackageName("a/b")
        .setLauncher(at("no-launcher"))
        .setMetadata({ bad: 1n })
        .setMetadata({ execution: { env: { "A=B": "1" } }, workenv: { directories: ["../out"] } })
        .addSlot({ id: 7, name: "one", target: "x" }, at("nothing-here"))
        .addSlot({ name: "one", target: "x/y", purpose: "nonsense" }, bytes(""))
        .addSlot({ name: "three", target: "x", operations: 0x0fn }, stream)
        .addSlot({ name: "four", target: "../up", operations: "tar|lz4" }, stream)
        .build(output, { sourceDateEpoch: -1 }),
    );
    expect(error).toMatchObject({
      code: "manifest-invalid",
      message: "Cannot build the package: its settings are wrong",
      context: { name: "a/b", version: undefined, output, slots: ["one", "one", "three", "four"] },
    });
    const found = error.problems.map((line) => line.split(": ")[0]);
    expect(found.toSorted()).toEqual(
      [
        "metadata",
        "package.name",
        "package.version",
        "execution.command",
        'execution.env["A=B"]',
        "workenv.directories[0]",
        "launcher",
        "sourceDateEpoch",
        "slots[0].data",
        "slots[0].id",
        "slots[1].name",
        "slots[1].purpose",
        "slots[1].target",
        "slots[2].operations",
        "slots[2].target",
        "slots[3].data",
        "slots[3].operations",
        "slots[3].target",
      ].toSorted(),
    );
    expect(existsSync(output)).toBe(false);
  });

  test.each([
    ["an empty path", "" as unknown, "slots[0].data"],
    ["no data", undefined, "slots[0].data"],
    ["a number", 5, "slots[0].data"],
  ])("%s is no content", async (_, data, path) => {
    const error = await failureOf(
      minimal()
        .addSlot({ name: "a" }, data as Bytes)
        .build(freshOutput()),
    );
    expect(error.problems).toEqual([expect.stringContaining(path)]);
  });

  test.each([
    ["a key in the wrong case", { Custom: { Execution: 1 } }, "Execution"],
    ["a package that is no object", { package: [] }, "package"],
    ["a wrong type in a section", { runtime: { env: { unset: "X" } } }, "runtime.env.unset"],
    ["nesting without end", { deep: JSON.parse(`${"[".repeat(80)}${"]".repeat(80)}`) }, "nested too deeply"],
  ])("metadata with %s is refused", async (_, metadata, words) => {
    const error = await failureOf(minimal().setMetadata(metadata).build(freshOutput()));
    expect(error.code).toBe("manifest-invalid");
    expect(error.problems.join("\n")).toContain(words);
  });

  test("a stream cannot be packed twice", async () => {
    const builder = minimal().addSlot({ name: "s" }, pieces("once"));
    await builder.build(freshOutput());
    const error = await failureOf(builder.build(freshOutput()));
    expect(error.problems).toEqual([expect.stringContaining("fresh stream")]);
  });

  test("what a stream throws is the cause, and nothing is left", async () => {
    const output = freshOutput();
    const cause = new Error("the network is gone");
    const broken = async function* (): ByteStream {
      yield new Uint8Array(100_000);
      throw cause;
    };
    const error = await failureOf(minimal().addSlot({ name: "s" }, broken()).build(output));
    expect([error.code, error.cause]).toEqual(["build-failed", cause]);
    expect(existsSync(dirname(output))).toBe(false);
  });

  test("a stream of text is refused", async () => {
    const texts = async function* () {
      yield "text";
    };
    const error = await failureOf(
      minimal()
        .addSlot({ name: "s" }, texts() as unknown as ByteStream)
        .build(freshOutput()),
    );
    expect(error.cause).toBeInstanceOf(TypeError);
  });

  test("a tar chain for what is no archive", async () => {
    const error = await failureOf(
      minimal().addSlot({ name: "s", operations: "tgz" }, bytes("text")).build(freshOutput()),
    );
    expect([error.code, error instanceof PspfError]).toEqual(["build-failed", true]);
    expect(error.context.slots).toEqual(["s"]);
  });

  test("a folder as output, and a key file that is not there", async () => {
    const onFolder = await failureOf(minimal().build(dir.path));
    expect(onFolder.problems).toEqual([expect.stringContaining("is a folder")]);
    const withoutKey = await failureOf(
      minimal()
        .setKeys({ privateKey: at("no-key") })
        .build(freshOutput()),
    );
    expect(withoutKey.code).toBe("io-failed");
  });

  test("an error of our own is not dressed up as a failed build", async () => {
    const source = { ...memorySource(LAUNCHER), read: () => Promise.reject(new RangeError("bug")) };
    const attempt = minimal().setLauncher(source).build(freshOutput());
    expect(await attempt.catch((error: unknown) => error)).toBeInstanceOf(RangeError);
  });
});
