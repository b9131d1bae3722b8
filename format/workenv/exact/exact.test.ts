import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileSlot, type Recipe, treeSlot } from "../../../tests/support/packages.ts";
import type { WorkenvLayout } from "../../cache/layout.ts";
import { acquire } from "../../cache/locks/lock.ts";
import type { Package } from "../../reader.ts";
import { rawArchive } from "../../tar/testing.ts";
import { bunRuntimeOf } from "../bun-link.ts";
import type { EnsureRequest } from "../ensure.ts";
import { readMarker } from "../entry.ts";
import { createWorkshop } from "../testing.ts";
import type { Differences } from "./differences.ts";

// A workenv that is used only if it is exactly what it was: what is found in it, and what becomes of it.

let shop: ReturnType<typeof createWorkshop>;
let pkg: Package;
let layout: WorkenvLayout;
beforeEach(() => {
  shop = createWorkshop();
});
afterEach(() => shop[Symbol.dispose]());

/** Every kind of slot and file that there is. */
function recipe(more: Recipe["about"] = {}): Recipe {
  const [tree, settings] = [join(shop.path, "tree"), join(shop.path, "settings")];
  for (const folder of [join(tree, "deep"), join(tree, "empty"), settings])
    mkdirSync(folder, { recursive: true });
  for (const [name, content] of [
    ["one", "first"],
    ["two", "second"],
    ["none", ""],
    ["deep/big", new Uint8Array(700_000).map((_, i) => (i * 7919) >> 5)],
  ] as const)
    writeFileSync(join(tree, name), content);
  writeFileSync(join(tree, "deep", "tool"), "#!/bin/sh\n", { mode: 0o755 });
  symlinkSync("one", join(tree, "link"));
  writeFileSync(join(settings, "colour"), "blue");
  const archive = rawArchive(
    { name: "raw/a", body: "the same bytes" },
    { name: "raw/b", type: "1", linkName: "raw/a" },
    { name: "raw/twice", body: "before" },
    { name: "raw/twice", body: "after!" },
  );
  return {
    slots: [
      treeSlot("app", tree, { operations: ["TAR", "ZSTD"] }),
      fileSlot("raw", archive, { target: "lib/raw", operations: ["TAR"] }),
      fileSlot("single", "one file", { target: "bin/single", permissions: 0o755 }),
      treeSlot("etc", settings, { lifecycle: "config" }),
      fileSlot("setting", "on", { target: "settings.ini", lifecycle: "config" }),
      treeSlot("cached", settings, { lifecycle: "cache" }),
      fileSlot("material", "for the setup", { target: "material/it", lifecycle: "init" }),
      fileSlot("fresh", "each time", { target: "fresh/it", lifecycle: "startup" }),
      fileSlot("over", "SECOND", { target: "app/two" }),
      fileSlot("lazy", "later", { target: "lazy/it", lifecycle: "lazy" }),
    ],
    about: { setupCommands: [], ...more },
  };
}

const SETUP: Recipe["about"] = {
  workenv: { directories: [{ path: "data" }, { path: "bin", mode: 0o755 }], env: {} },
  setupCommands: [
    { type: "write_file", path: "{workenv}/data/made", content: "made by the setup" },
    {
      type: "execute",
      command: "sh -c 'mkdir app/built; cp app/one app/built/copy; ln -s copy app/built/link'",
    },
    {
      type: "execute",
      command: "sh -c 'chmod 700 app/one; echo more >> app/two; rm app/none; mkfifo app/pipe'",
    },
  ],
};

const at = (path: string) => join(layout.content, path);

async function make(more: Recipe["about"] = {}, request: Partial<EnsureRequest> = {}): Promise<void> {
  pkg = await shop.open(recipe(more));
  layout = await shop.ensure(pkg, { exact: true, ...request });
}

/** Puts a link, or a file, where something else was. */
function relink(path: string, target: string): void {
  rmSync(at(path));
  symlinkSync(target, at(path));
}
function rewrite(path: string, content: string): void {
  rmSync(at(path));
  writeFileSync(at(path), content);
}

/** A link that leads to a file with the same bytes and the same mode. */
function hideBehindLink(path: string): void {
  const other = join(shop.path, "the same");
  renameSync(at(path), other);
  symlinkSync(other, at(path));
}

/** What the next start that wants it exact finds, and whether it made the workenv anew. */
async function next(request: Partial<EnsureRequest> = {}) {
  const found: [string, string][] = [];
  const before = statSync(layout.content).ino;
  const onDifferent = (differences: Differences) => void found.push(...differences);
  await shop.ensure(pkg, { exact: true, onDifferent, ...request });
  expect(readMarker(layout)?.suspect).toBe(false);
  return { found, isNew: statSync(layout.content).ino !== before };
}
const NOTHING = { found: [], isNew: false };

/** Changes what is done to a file without a trace in its size and times. */
function unseen(path: string, work: () => void): void {
  const { atime, mtime } = statSync(at(path));
  work();
  utimesSync(at(path), atime, mtime);
}

describe.each([
  ["without a setup", {}],
  ["after its setup", SETUP],
])("a workenv %s", (_, about) => {
  test("is used again and again, whoever made it", async () => {
    await make(about);
    expect([await next(), await next()]).toEqual([NOTHING, NOTHING]);
    await shop.ensure(pkg); // one that wants less
    expect(await next()).toEqual(NOTHING);
    rmSync(layout.bookkeeping, { recursive: true });
    await shop.ensure(pkg);
    await next(); // what a setup did was not noted: made anew without a word
    expect(await next()).toEqual(NOTHING);
  });

  test("in which a folder became a link to one that holds the same", async () => {
    await make(about);
    renameSync(at("app/deep"), join(shop.path, "elsewhere"));
    symlinkSync(join(shop.path, "elsewhere"), at("app/deep"));
    expect(await next()).toEqual({ found: [["app/deep", "changed"]], isNew: true });
    expect(lstatSync(at("app/deep")).isDirectory()).toBe(true);
    expect(existsSync(join(shop.path, "elsewhere", "tool"))).toBe(true);
  });

  test("in which the application and the user did what is theirs to do", async () => {
    await make(about);
    writeFileSync(at("cached/colour"), "worked out again");
    writeFileSync(at("cached/more"), "and more");
    writeFileSync(at("etc/colour"), "red");
    mkdirSync(at("etc/mine"));
    writeFileSync(at("etc/mine/own"), "added");
    writeFileSync(at("settings.ini"), "off");
    writeFileSync(at("settings.ini.new"), "what a new version would bring");
    rmSync(at("fresh"), { recursive: true });
    utimesSync(at("app/one"), 1e9, 1e9);
    expect(await next()).toEqual(NOTHING);
    rmSync(at("cached"), { recursive: true });
    expect(await next()).toEqual(NOTHING);
    writeFileSync(at("app/two"), "tampered");
    expect((await next()).found).toEqual([["app/two", "changed"]]);
    expect(readFileSync(at("etc/colour"), "utf8")).toBe("red");
    expect(readFileSync(at("etc/mine/own"), "utf8")).toBe("added");
    expect(readFileSync(at("settings.ini"), "utf8")).toBe("off");
    expect(await next()).toEqual(NOTHING);
  });

  test("to which a slot was added", async () => {
    await make(about);
    expect(await next({ demanded: [9] })).toEqual(NOTHING);
    expect(readFileSync(at("lazy/it"), "utf8")).toBe("later");
    expect(await next()).toEqual(NOTHING);
    writeFileSync(at("lazy/it"), "never");
    expect((await next()).found).toEqual([["lazy/it", "changed"]]);
  });
});

describe("a workenv is made anew", () => {
  test.each<readonly [string, string, () => void]>([
    [
      "app/deep/big",
      "changed",
      () => unseen("app/deep/big", () => writeFileSync(at("app/deep/big"), "X", { flag: "r+" })),
    ],
    ["app/deep/tool", "changed", () => chmodSync(at("app/deep/tool"), 0o700)],
    ["app/deep/big", "changed", () => truncateSync(at("app/deep/big"), 699_999)],
    ["app/deep/big", "changed", () => writeFileSync(at("app/deep/big"), "+", { flag: "a" })],
    ["app/deep/big", "missing", () => rmSync(at("app/deep/big"))],
    ["app/empty", "missing", () => rmSync(at("app/empty"), { recursive: true })],
    ["app/deep", "changed", () => chmodSync(at("app/deep"), 0o777)],
    ["lib", "changed", () => chmodSync(at("lib"), 0o700)],
    ["app/link", "changed", () => relink("app/link", "two")],
    ["app/link", "changed", () => rewrite("app/link", "first")],
    ["app/deep/tool", "changed", () => hideBehindLink("app/deep/tool")],
    [
      "lib/raw/b",
      "changed",
      () => unseen("lib/raw/b", () => writeFileSync(at("lib/raw/b"), "other bytes !!")),
    ],
    ["lib/raw/twice", "changed", () => writeFileSync(at("lib/raw/twice"), "before")],
    ["bin/single", "changed", () => writeFileSync(at("bin/single"), "two file")],
    ["app/deep/added.so", "added", () => writeFileSync(at("app/deep/added.so"), "code")],
    ["bin/sh", "added", () => writeFileSync(at("bin/sh"), "code")],
    ["lib/added", "added", () => symlinkSync("/tmp", at("lib/added"))],
    ["app/folder", "added", () => mkdirSync(at("app/folder"))],
    ["sitecustomize.py", "added", () => writeFileSync(at("sitecustomize.py"), "code")],
    ["material", "added", () => mkdirSync(at("material"))],
  ])("in which %s was %s", async (path, state, harm) => {
    await make();
    harm();
    const { found, isNew } = await next();
    expect(found).toContainEqual([path, state]);
    expect(isNew).toBe(true);
    expect(await next()).toEqual(NOTHING);
  });
});

describe("what setup commands did", () => {
  test.each<readonly [string, string, () => void]>([
    [
      "data/made",
      "changed",
      () => unseen("data/made", () => writeFileSync(at("data/made"), "MADE by the setup")),
    ],
    ["data/made", "missing", () => rmSync(at("data/made"))],
    ["app/built/copy", "changed", () => chmodSync(at("app/built/copy"), 0o755)],
    ["app/built/link", "changed", () => relink("app/built/link", "../one")],
    ["app/built/new", "added", () => writeFileSync(at("app/built/new"), "code")],
    ["app/two", "changed", () => writeFileSync(at("app/two"), "SECOND")], // as the package has it
    ["app/one", "changed", () => chmodSync(at("app/one"), 0o644)],
    ["app/none", "changed", () => writeFileSync(at("app/none"), "")],
    ["app/pipe", "changed", () => rewrite("app/pipe", "no pipe")],
  ])("at %s must stay: it was %s", async (path, state, harm) => {
    await make(SETUP);
    harm();
    expect((await next()).found).toContainEqual([path, state]);
    expect(await next()).toEqual(NOTHING);
  });

  test("leaves folders that the package asks for to the application", async () => {
    await make(SETUP);
    writeFileSync(at("data/log"), "of the application");
    expect(await next()).toEqual(NOTHING);
  });

  test("gives way to a slot that comes later", async () => {
    await make({
      setupCommands: [{ type: "write_file", path: "{workenv}/lazy/it", content: "in its place" }],
    });
    expect(await next({ demanded: [9] })).toEqual(NOTHING);
    expect(readFileSync(at("lazy/it"), "utf8")).toBe("later");
    expect(await next()).toEqual(NOTHING);
    writeFileSync(at("lazy/it"), "in its place");
    expect((await next()).found).toEqual([["lazy/it", "changed"]]);
  });

  test("is not known of a workenv that others made: it is made anew, once", async () => {
    await make(SETUP, { exact: false });
    expect(await next()).toEqual({ found: [], isNew: true });
    expect(await next()).toEqual(NOTHING);
  });

  test("cannot be claimed for a package that has no setup commands", async () => {
    pkg = await shop.open({ slots: [fileSlot("one", "as signed")] });
    layout = await shop.ensure(pkg, { exact: true });
    writeFileSync(at("share/one"), "as forged");
    const { created } = JSON.parse(readFileSync(layout.marker, "utf8"));
    const changes = {
      "share/one": `file 100644 ${new Bun.CryptoHasher("sha256").update("as forged").digest("hex")}`,
    };
    const note = { schema: "flavor.setup/1", created, slots: [0], changes };
    writeFileSync(join(layout.bookkeeping, "instance", "setup.json"), JSON.stringify(note));
    expect((await next()).found).toEqual([["share/one", "changed"]]);
  });
});

test("the files that make a launcher Bun are written again", async () => {
  const about: Recipe["about"] = { execution: { primarySlot: 0, command: "{bun} {workenv}/a.js", env: {} } };
  pkg = await shop.open({ slots: [fileSlot("a", "1", { target: "a.js" })], about });
  layout = await shop.ensure(pkg, { exact: true });
  const { preload } = bunRuntimeOf(layout.bun);
  const before = readFileSync(preload, "utf8");
  writeFileSync(preload, before.replace("delete", "void  "));
  expect(await next()).toEqual(NOTHING);
  expect(readFileSync(preload, "utf8")).toBe(before);
});

test("files that come with each start are put there anew, though nobody has started with them yet", async () => {
  await make();
  const noted = () =>
    JSON.parse(readFileSync(join(layout.bookkeeping, "instance", "start.json"), "utf8")).state;
  expect(noted()).toBe("unused");
  writeFileSync(at("fresh/it"), "tampered");
  expect(await next()).toEqual(NOTHING);
  expect(noted()).toBe("changing");
});

test("bin is the package's, whoever asks for it: programs are looked for there first", async () => {
  const directories = [{ path: "bin" }, { path: "var" }];
  pkg = await shop.open({ about: { workenv: { directories, env: {} } } });
  layout = await shop.ensure(pkg, { exact: true });
  for (const path of ["bin/sh", "var/sh"]) writeFileSync(at(path), "code");
  expect((await next()).found).toEqual([["bin/sh", "added"]]);
});

test("a marker that names other content is no way around it", async () => {
  await make();
  writeFileSync(at("app/two"), "tampered");
  const text = readFileSync(layout.marker, "utf8");
  writeFileSync(
    layout.marker,
    text.replace(/"jsonDigest":"[0-9a-f]{64}"/, `"jsonDigest":"${"0".repeat(64)}"`),
  );
  expect(readMarker(layout)?.digest).toBe(pkg.index.digest);
  expect((await next()).isNew).toBe(true);
  expect(readFileSync(at("app/two"), "utf8")).toBe("SECOND");
});

test("what was taken over from the version before is the user's", async () => {
  const settings = join(shop.path, "settings");
  const versionOf = async (version: string, slots: Recipe["slots"] = []) => {
    pkg = await shop.open({
      about: { package: { name: "app", version } },
      slots: [...slots, fileSlot("code", version)],
    });
    layout = await shop.ensure(pkg, { exact: true });
  };
  mkdirSync(settings);
  writeFileSync(join(settings, "colour"), "blue");
  await versionOf("1", [
    treeSlot("etc", settings, { lifecycle: "config" }),
    treeSlot("old", settings, { lifecycle: "config", target: "old" }),
    fileSlot("single", "on", { target: "single.ini", lifecycle: "config" }),
    fileSlot("gone", "on", { target: "gone.ini", lifecycle: "config" }),
  ]);
  for (const path of ["etc/colour", "etc/added", "old/colour", "old/added", "single.ini", "gone.ini"])
    writeFileSync(at(path), "the user's");
  writeFileSync(join(settings, "colour"), "green");
  await versionOf("2", [
    treeSlot("etc", settings, { lifecycle: "config" }),
    fileSlot("single", "off", { target: "single.ini", lifecycle: "config" }),
  ]);
  const users = ["etc/colour", "etc/added", "old/colour", "old/added", "single.ini", "gone.ini"];
  const holds = () => users.map((path) => readFileSync(at(path), "utf8"));
  expect(holds()).toEqual(users.map(() => "the user's"));
  expect(["etc/colour.new", "single.ini.new"].map((path) => readFileSync(at(path), "utf8"))).toEqual([
    "green",
    "off",
  ]);
  expect([await next(), await next()]).toEqual([NOTHING, NOTHING]);
  for (const path of users) writeFileSync(at(path), "edited again");
  expect(await next()).toEqual(NOTHING);
  writeFileSync(at("share/code"), "tampered");
  expect((await next()).found).toEqual([["share/code", "changed"]]);
  expect(holds()).toEqual(users.map(() => "edited again"));
  expect(await next()).toEqual(NOTHING);
});

test("starts that change nothing do not wait for each other", async () => {
  await make();
  expect(await next()).toEqual(NOTHING);
  using _making = await acquire(layout.making, () => {});
  expect(await next({ onWait: () => expect.unreachable() })).toEqual(NOTHING);
});

test("a copy of a file that another slot has replaced is compared with what it is a copy of", async () => {
  const archive = rawArchive(
    { name: "raw/a", body: "the same bytes" },
    { name: "raw/b", type: "1", linkName: "raw/a" },
    { name: "raw/c", type: "1", linkName: "raw/b" },
  );
  const slots = [
    fileSlot("raw", archive, { target: "raw", operations: ["TAR"] }),
    fileSlot("over", "others", { target: "raw/a" }),
  ];
  pkg = await shop.open({ slots });
  layout = await shop.ensure(pkg, { exact: true });
  expect(await next()).toEqual(NOTHING);
  writeFileSync(at("raw/c"), "THE SAME BYTES");
  expect((await next()).found).toEqual([["raw/c", "changed"]]);
});

test("links to other entries of an archive are compared with what these hold", async () => {
  await make();
  writeFileSync(at("lib/raw/a"), "what somebody wrote");
  writeFileSync(at("lib/raw/b"), "what somebody wrote");
  expect((await next()).found).toEqual([
    ["lib/raw/a", "changed"],
    ["lib/raw/b", "changed"],
  ]);
});

test("in a cache whose folders take their group from the one around them, that is no difference", async () => {
  chmodSync(shop.path, 0o2755);
  const slots = recipe().slots?.filter(({ lifecycle }) => lifecycle === "runtime") ?? [];
  pkg = await shop.open({ slots });
  layout = await shop.ensure(pkg, { exact: true });
  expect(await next()).toEqual(NOTHING);
  chmodSync(at("app"), 0o2775);
  expect((await next()).found).toEqual([["app", "changed"]]);
});
