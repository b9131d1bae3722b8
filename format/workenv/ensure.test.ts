import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SlotInput } from "../../builder/slot-input.ts";
import { failureOf } from "../../tests/support/failure.ts";
import { fileSlot, packageBytes, type Recipe, selfSlot, treeSlot } from "../../tests/support/packages.ts";
import { failingAt } from "../../tests/support/sources.ts";
import { memorySource } from "../io/byte-source.ts";
import { openPackage, type Package, type Slot } from "../reader.ts";
import type { Bytes } from "../types.ts";
import type { SetupCommand } from "../wire/metadata-types.ts";
import { bunRuntimeOf } from "./bun-link.ts";
import type { EnsureRequest } from "./ensure.ts";
import { findReady } from "./entry.ts";
import { layoutOf, storeOf } from "../cache/layout.ts";
import { acquire } from "../cache/locks/lock.ts";
import { createWorkshop } from "./testing.ts";

let shop: ReturnType<typeof createWorkshop>;
let root: string;
let cache: string;
beforeEach(() => {
  shop = createWorkshop();
  root = shop.path;
  cache = shop.cache;
});
afterEach(() => shop[Symbol.dispose]());

const setup = (...commands: readonly string[]): readonly SetupCommand[] =>
  commands.map((command) => ({ type: "execute", command }));

const HELLO: Recipe = { slots: [fileSlot("hello", "hello\n", { permissions: 0o640 })] };
const withSetup = (...commands: readonly string[]): Recipe => ({
  ...HELLO,
  about: { setupCommands: setup(...commands) },
});

const openBytes = (bytes: Bytes) => openPackage(memorySource(bytes, "package"));
const open = (recipe: Recipe) => shop.open(recipe);
const ensure = (pkg: Package, more: Partial<EnsureRequest> = {}) => shop.ensure(pkg, more);

const isReady = (pkg: Package) => findReady(layoutOf(cache, pkg.id), pkg.index.digest) !== undefined;
const workAreas = () =>
  ["staging", "trash"].flatMap((name) => readdirSync(join(cache, ".store", "v1", name)));
const COUNT = "sh -c 'echo ran >> \"$COUNT\"'";
const countRuns = () => readFileSync(join(root, "count"), "utf8").trim().split("\n").length;

describe("a workenv that was made ready", () => {
  test("has the slots' content and everything that other tools look for", async () => {
    const pkg = await open(HELLO);
    const layout = await ensure(pkg);
    expect(readFileSync(join(layout.content, "share/hello"), "utf8")).toBe("hello\n");
    expect(lstatSync(join(layout.content, "share/hello")).mode & 0o777).toBe(0o640);
    expect(new Uint8Array(readFileSync(layout.metadata))).toEqual(pkg.json);
    expect(Object.keys(JSON.parse(readFileSync(layout.index, "utf8")))).toEqual([
      ...["format_version", "package_size", "launcher_size", "metadata_offset", "metadata_size"],
      ...["slot_table_offset", "slot_table_size", "slot_count", "flags", "index_checksum"],
      ...["metadata_checksum", "build_timestamp", "page_size", "capabilities", "requirements"],
    ]);
    expect(JSON.parse(readFileSync(layout.index, "utf8"))).toMatchObject({
      package_size: pkg.index.fileSize,
      slot_count: 1,
      index_checksum: expect.stringMatching(/^[0-9a-f]{8}$/),
      metadata_checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(isReady(pkg)).toBe(true);
    expect(workAreas()).toEqual([]);
  });

  test("belongs to its owner alone", async () => {
    const layout = await ensure(await open(HELLO));
    for (const folder of [cache, layout.content, layout.bookkeeping, ...Object.values(storeOf(cache))])
      expect(lstatSync(folder).mode & 0o777).toBe(0o700);
  });

  test("has the folders that the package asks for, with their modes, also read-only ones", async () => {
    const directories = [
      { path: "var/log" },
      { path: "share", mode: 0o755 },
      { path: "locked", mode: 0o500 },
    ];
    const layout = await ensure(await open({ ...HELLO, about: { workenv: { directories, env: {} } } }));
    const modeOf = (path: string) => lstatSync(join(layout.content, path)).mode & 0o777;
    expect([modeOf("var/log"), modeOf("share"), modeOf("locked")]).toEqual([0o700, 0o755, 0o500]);
  });

  test("is what it is without any slot, too", async () => {
    const pkg = await open({});
    const layout = await ensure(pkg);
    expect(readdirSync(layout.content)).toEqual([]);
    expect(isReady(pkg)).toBe(true);
  });

  test("has no copy of the package for a slot that stands for it", async () => {
    const layout = await ensure(await open({ slots: [selfSlot("me"), fileSlot("hello", "x")] }));
    expect(readdirSync(join(layout.content, "share"))).toEqual(["hello"]);
  });

  test("has trees and compressed files, whatever the chain", async () => {
    mkdirSync(join(root, "tree", "deep"), { recursive: true });
    writeFileSync(join(root, "tree", "deep", "script"), "#!/bin/sh\n", { mode: 0o755 });
    const chains: readonly SlotInput["operations"][] = [
      ["GZIP"],
      ["ZSTD"],
      ["XZ"],
      ["BZIP2"],
      ["GZIP", "ZSTD"],
    ];
    const files = chains.map((operations, i) =>
      fileSlot(`file${i}`, "x".repeat(5000 + i), { operations: operations ?? [] }),
    );
    const layout = await ensure(await open({ slots: [treeSlot("lib/tree", join(root, "tree")), ...files] }));
    expect(lstatSync(join(layout.content, "lib/tree/deep/script")).mode & 0o777).toBe(0o755);
    for (const i of chains.keys())
      expect(readFileSync(join(layout.content, `share/file${i}`), "utf8")).toBe("x".repeat(5000 + i));
  });

  test("is left as it is by the next call", async () => {
    const pkg = await open(withSetup(COUNT));
    const layout = await ensure(pkg);
    writeFileSync(join(layout.content, "state"), "of the application");
    await ensure(pkg);
    expect(readFileSync(join(layout.content, "state"), "utf8")).toBe("of the application");
    expect(countRuns()).toBe(1);
  });

  test("notes a better seal without being made again", async () => {
    const pkg = await open(withSetup(COUNT));
    const layout = await ensure(pkg, { seal: "unchecked" });
    expect(findReady(layout, pkg.index.digest)?.seal).toBe("unchecked");
    await ensure(pkg, { seal: "valid" });
    expect(findReady(layout, pkg.index.digest)?.seal).toBe("valid");
    expect(countRuns()).toBe(1);
  });

  test.each([true, false])("notes every judgement, good or bad (durable: %p)", async (durable) => {
    const pkg = await open(withSetup(COUNT));
    const judgements = [
      { seal: "valid", trust: "known", lowest: "none" },
      { seal: "valid", trust: "changed", lowest: "none" },
      { seal: "valid", trust: "changed", lowest: "strict" },
      { seal: "valid", trust: "trusted", lowest: "standard" },
      { seal: "unchecked", trust: "unchecked", lowest: "none" },
    ] as const;
    for (const judgement of judgements) {
      const layout = await ensure(pkg, { ...judgement, durable });
      expect(findReady(layout, pkg.index.digest)).toMatchObject(judgement);
    }
    expect(countRuns()).toBe(1);
  });
});

describe("the setup", () => {
  test("runs in the final place, before the marker is there", async () => {
    const pkg = await open(
      withSetup("sh -c 'pwd -P > where; cp ../.*.pspf/instance/extract/complete seen || true'"),
    );
    const layout = await ensure(pkg);
    expect(readFileSync(join(layout.content, "where"), "utf8")).toBe(`${layout.content}\n`);
    expect(existsSync(join(layout.content, "seen"))).toBe(false);
  });

  test("may use slots of the life cycle init, which are gone afterwards", async () => {
    const built = await open({
      slots: [
        fileSlot("wheel", "wheel", { lifecycle: "init", target: "wheels/a.whl" }),
        fileSlot("nameless", "x", { lifecycle: "init" }),
        fileSlot("kept", "kept"),
      ],
      about: { setupCommands: setup("cp {workenv}/wheels/a.whl {workenv}/slot_1_nameless {workenv}/share/") },
    });
    // As FlavorPack's builders write it; ours wants a name.
    const nameless = (slot: Slot) =>
      slot.entry.index === 1 ? { ...slot, entry: { ...slot.entry, target: "" } } : slot;
    const layout = await ensure({ ...built, slots: built.slots.map(nameless) });
    expect(readdirSync(join(layout.content, "share")).sort()).toEqual(["a.whl", "kept", "slot_1_nameless"]);
    expect(existsSync(join(layout.content, "wheels/a.whl"))).toBe(false);
    expect(existsSync(join(layout.content, "slot_1_nameless"))).toBe(false);
  });

  test("that fails leaves nothing that could be taken for ready; the next call does everything again", async () => {
    const pkg = await open(withSetup(COUNT, "sh -c 'test ! -e \"$FAIL\"'"));
    writeFileSync(join(root, "fail"), "");
    for (let i = 1; i <= 2; i++) {
      expect((await failureOf(() => ensure(pkg))).code).toBe("setup-failed");
      expect(isReady(pkg)).toBe(false);
      expect(existsSync(layoutOf(cache, pkg.id).marker)).toBe(false);
      expect(workAreas()).toEqual([]);
      expect(countRuns()).toBe(i);
    }
    rmSync(join(root, "fail"));
    await ensure(pkg);
    expect(isReady(pkg)).toBe(true);
    expect(countRuns()).toBe(3);
  });

  test("of a package that uses {bun} finds its files, with a link to the launcher", async () => {
    const pkg = await open(withSetup("sh -c 'readlink \"$1\" > target' sh {bun}"));
    const layout = await ensure(pkg);
    const { program, preload } = bunRuntimeOf(layout.bun);
    expect(readFileSync(join(layout.content, "target"), "utf8")).toBe("/opt/launcher\n");
    expect(readFileSync(preload, "utf8")).toContain(JSON.stringify(program));
  });

  test("of other packages finds none", async () => {
    const layout = await ensure(await open(HELLO));
    expect(existsSync(layout.bun)).toBe(false);
  });
});

describe("a package that cannot be unpacked leaves nothing but empty folders", () => {
  const files = () =>
    readdirSync(cache, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && !/^(env|make)-/.test(entry.name))
      .map(({ name }) => name);

  test("one changed bit in a slot", async () => {
    const bytes = await packageBytes({
      slots: [fileSlot("a", "first"), fileSlot("b", "second ".repeat(1000))],
    });
    const whole = await openBytes(bytes);
    const { offset, size } = whole.slots[1]?.stored ?? { offset: 0, size: 0 };
    for (const at of [offset, offset + size - 1]) {
      const pkg = await openBytes(bytes.with(at, (bytes[at] as number) ^ 1));
      expect((await failureOf(() => ensure(pkg))).code).toBe("slot-checksum-mismatch");
      expect(files()).toEqual([]);
    }
    await ensure(whole);
    expect(isReady(whole)).toBe(true);
  });

  test("a disk that fails says so, and not that the package is damaged", async () => {
    const bytes = await packageBytes({
      slots: [fileSlot("a", Buffer.alloc(3_000_000, "incompressible?"), { operations: [] })],
    });
    const pkg = await openBytes(bytes);
    for (const n of [0, 1, 2]) {
      const source = failingAt(n, memorySource(bytes));
      const failure = await failureOf(() => ensure({ ...pkg, source }));
      // The second reading, which looks for damage, succeeds: what failed first is what is said.
      expect(failure).toMatchObject({
        code: "io-failed",
        message: expect.stringContaining("injected failure"),
      });
      expect(files()).toEqual([]);
    }
  });

  test("a tree that would leave its place", async () => {
    // Honest checksums, a hostile author: the archive is stored as it is.
    const { rawArchive } = await import("../tar/testing.ts");
    const tar = rawArchive({ name: "../evil", body: "evil" });
    const pkg = await open({ slots: [fileSlot("tree", tar, { target: "lib", operations: [] })] });
    const entry = {
      ...(pkg.slots[0] as NonNullable<(typeof pkg.slots)[0]>).entry,
      operations: ["TAR"] as const,
    };
    const slots = [{ ...(pkg.slots[0] as NonNullable<(typeof pkg.slots)[0]>), entry }];
    expect((await failureOf(() => ensure({ ...pkg, slots }))).code).toBe("path-escapes");
    expect(files()).toEqual([]);
    expect(existsSync(join(cache, "evil")) || existsSync(join(cache, ".store/v1/staging/evil"))).toBe(false);
  });

  test("unless what was unpacked is to be kept for a look", async () => {
    const bytes = await packageBytes({ slots: [fileSlot("a", "first"), fileSlot("b", "second")] });
    const { offset } = (await openBytes(bytes)).slots[1]?.stored ?? { offset: 0 };
    const pkg = await openBytes(bytes.with(offset, 0));
    await failureOf(() => ensure(pkg, { keepTemp: true }));
    expect(files()).toContain("a");
    expect(isReady(pkg)).toBe(false);
  });
});

describe("what was there before", () => {
  test("of another signer is kept: its content is the same, to the byte", async () => {
    const [one, two] = [
      await open({ ...withSetup("sh -c 'touch one'"), keySeed: "1" }),
      await open({ ...withSetup("sh -c 'touch one'"), keySeed: "2" }),
    ];
    expect(two.id).toBe(one.id);
    const layout = await ensure(one);
    writeFileSync(join(layout.content, "written by the application"), "");
    await ensure(two);
    expect(readdirSync(layout.content).sort()).toEqual(["one", "share", "written by the application"]);
    expect([isReady(one), isReady(two)]).toEqual([false, true]);
    expect(workAreas()).toEqual([]);
  });

  test("without a marker is not built upon, also when it cannot be written to", async () => {
    const pkg = await open(HELLO);
    const layout = layoutOf(cache, pkg.id);
    mkdirSync(join(layout.content, "locked"), { recursive: true });
    writeFileSync(join(layout.content, "locked", "half-done"), "");
    Bun.spawnSync(["chmod", "-R", "a-w", layout.content]);
    await ensure(pkg);
    expect(readdirSync(layout.content)).toEqual(["share"]);
    expect(workAreas()).toEqual([]);
  });

  test("and is a file gives way as well", async () => {
    const pkg = await open(HELLO);
    mkdirSync(cache);
    writeFileSync(join(cache, pkg.id), "a file");
    await ensure(pkg);
    expect(isReady(pkg)).toBe(true);
  });
});

describe("at the same time", () => {
  test("calls of one process do the work once", async () => {
    const pkg = await open(withSetup(COUNT));
    await Promise.all(Array.from({ length: 5 }, () => ensure(pkg)));
    expect(countRuns()).toBe(1);
    expect(isReady(pkg)).toBe(true);
  });

  test("processes do the work once", async () => {
    const file = join(root, "small.psp");
    writeFileSync(file, await packageBytes(withSetup(COUNT, "sleep 0.2")));
    const here = (path: string) => JSON.stringify(join(import.meta.dir, path));
    writeFileSync(
      join(root, "one.ts"),
      `import { openFileSource } from ${here("../io/byte-source.ts")};
       import { openPackage } from ${here("../reader.ts")};
       import { scopeOf } from ${here("../command/command.ts")};
       import { ensureWorkenv } from ${here("ensure.ts")};
       import { layoutOf } from ${here("../cache/layout.ts")};
       const [file, cache] = process.argv.slice(2);
       const pkg = await openPackage(openFileSource(file));
       const layout = layoutOf(cache, pkg.id);
       const scope = scopeOf(pkg.metadata, layout.content, { os: "linux", arch: "amd64" }, "");
       await ensureWorkenv(pkg, { layout, digest: pkg.index.digest, seal: "valid", scope, env: process.env, source: file, launcher: "", durable: false, onWait() {}, onBusy() {} });
       process.stdout.write("ready");`,
    );
    const env = { PATH: "/usr/bin:/bin", COUNT: join(root, "count") };
    const runs = Array.from({ length: 3 }, () =>
      Bun.spawn([process.execPath, join(root, "one.ts"), file, cache], {
        env,
        stdout: "pipe",
        stderr: "pipe",
      }),
    );
    for (const run of runs) {
      expect(await new Response(run.stderr).text()).toBe("");
      expect(await new Response(run.stdout).text()).toBe("ready");
    }
    expect(countRuns()).toBe(1);
  });

  test("different packages do not wait for each other", async () => {
    const [one, other] = [
      await open(HELLO),
      await open({ ...HELLO, about: { package: { name: "other", version: "1.0.0" } } }),
    ];
    using _lock = await acquire(layoutOf(cache, one.id).lock, () => {});
    await ensure(other);
    expect([isReady(one), isReady(other)]).toEqual([false, true]);
  });
});
