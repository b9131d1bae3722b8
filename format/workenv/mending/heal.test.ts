import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
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
import { layoutOf, storeOf, type WorkenvLayout } from "../../cache/layout.ts";
import type { Package } from "../../reader.ts";
import { findReady } from "../entry.ts";
import { encodeMarker, type Marker } from "../marker.ts";
import { readMarker } from "../entry.ts";
import { createWorkshop } from "../testing.ts";

let shop: ReturnType<typeof createWorkshop>;
beforeEach(() => {
  shop = createWorkshop();
});
afterEach(() => shop[Symbol.dispose]());

const FILES = ["one", "deep/two", "deep/er/three", "closed/four"] as const;
const CONTENT = "what the package says, at some length\n";

/** A folder with files, a link, an empty and a read-only folder, and a slot that is one file. */
function recipe(more: Recipe["about"] = {}): Recipe {
  const tree = join(shop.path, "tree");
  for (const file of FILES) {
    mkdirSync(join(tree, file, ".."), { recursive: true });
    writeFileSync(join(tree, file), CONTENT);
  }
  symlinkSync("one", join(tree, "link"));
  mkdirSync(join(tree, "empty"));
  chmodSync(join(tree, "one"), 0o755);
  chmodSync(join(tree, "closed"), 0o555);
  const slots = [treeSlot("app", tree, { operations: ["TAR", "ZSTD"] }), fileSlot("single", CONTENT)];
  return { slots, about: { setupCommands: [], ...more } };
}

const NOTHING = [{ type: "execute", command: "true" }] as const;

let pkg: Package;
let layout: WorkenvLayout;
async function make(about?: Recipe["about"], durable = false) {
  pkg = await shop.open(recipe(about));
  layout = await shop.ensure(pkg, { durable });
  // proof that what follows does not unpack all of it again
  writeFileSync(join(layout.content, "app", "written by the application"), "a log");
}
const at = (path: string) => join(layout.content, path);
const wasMadeAnew = () => !existsSync(at("app/written by the application"));
const change = (more: Partial<Marker>) =>
  writeFileSync(layout.marker, encodeMarker({ ...(readMarker(layout) as Marker), ...more }));
const isReady = () => findReady(layout, pkg.index.digest) !== undefined;
/** What a start does that does not believe the marker. */
async function look() {
  change({ suspect: true });
  expect(isReady()).toBe(false);
  await shop.ensure(pkg);
  expect(isReady()).toBe(true);
  expect(readdirSync(storeOf(shop.cache).staging)).toEqual([]);
}

describe("what is gone comes back, and only that", () => {
  test.each(["app/one", "app/deep/two", "app/closed/four", "share/single"])("the file %s", async (path) => {
    await make();
    const before = lstatSync(at(path));
    const other = lstatSync(at("app/deep/er/three")).ino;
    rmSync(at(path));
    await look();
    expect(readFileSync(at(path), "utf8")).toBe(CONTENT);
    expect(lstatSync(at(path)).mode).toBe(before.mode);
    expect(wasMadeAnew()).toBe(false);
    expect(lstatSync(at("app/deep/er/three")).ino).toBe(other);
    expect(lstatSync(at("app/closed")).mode & 0o777).toBe(0o555);
  });

  test.each([0, 5])("a file that was cut to %d bytes", async (length) => {
    await make();
    truncateSync(at("app/one"), length);
    await look();
    expect(readFileSync(at("app/one"), "utf8")).toBe(CONTENT);
    expect(wasMadeAnew()).toBe(false);
  });

  test("links, empty folders, and folders with all that was in them", async () => {
    await make();
    for (const path of ["app/link", "app/empty", "app/deep"]) rmSync(at(path), { recursive: true });
    await look();
    expect(readlinkSync(at("app/link"))).toBe("one");
    expect(readdirSync(at("app/empty"))).toEqual([]);
    expect(readFileSync(at("app/deep/er/three"), "utf8")).toBe(CONTENT);
    expect(wasMadeAnew()).toBe(false);
  });

  test("everything", async () => {
    await make();
    for (const name of readdirSync(layout.content)) rmSync(at(name), { recursive: true });
    await look();
    for (const file of FILES) expect(readFileSync(at(`app/${file}`), "utf8")).toBe(CONTENT);
  });

  test("a file that a setup command gave another mode has that mode", async () => {
    await make({ setupCommands: [{ type: "chmod", path: "{workenv}/app/one", mode: 0o700 }] });
    rmSync(at("app/one"));
    await look();
    expect(lstatSync(at("app/one")).mode & 0o777).toBe(0o700);
    expect(wasMadeAnew()).toBe(false);
  });
});

describe("what an application did stays", () => {
  test.each([
    ["made larger", () => writeFileSync(at("app/one"), `${CONTENT}and more`)],
    ["written anew, with as many bytes", () => writeFileSync(at("app/one"), CONTENT.toUpperCase())],
    ["made a link", () => Bun.spawnSync(["ln", "-sf", "deep/two", at("app/one")])],
    ["made a folder", () => Bun.spawnSync(["sh", "-c", 'rm "$1" && mkdir "$1"', "_", at("app/one")])],
  ])("a file that was %s", async (_, act) => {
    await make();
    act();
    // The clock of a file system is coarse: this is a later write for certain.
    if (lstatSync(at("app/one")).isFile()) utimesSync(at("app/one"), 2e9, 2e9);
    const before = lstatSync(at("app/one"));
    await look();
    expect(lstatSync(at("app/one"))).toEqual(before);
    expect(wasMadeAnew()).toBe(false);
  });
});

describe("what cannot be mended is made anew", () => {
  test("a file that a setup command made", async () => {
    const command = `sh -c 'echo ran >> "$COUNT"; echo made > made'`;
    await make({ setupCommands: [{ type: "execute", command }] });
    rmSync(at("made"));
    await look();
    expect(readFileSync(at("made"), "utf8")).toBe("made\n");
    expect(readFileSync(join(shop.path, "count"), "utf8")).toBe("ran\nran\n");
    expect(wasMadeAnew()).toBe(true);
  });

  test("a file that a setup command wrote over", async () => {
    const command = "sh -c 'echo patched at length, longer than it was before >> app/one'";
    await make({ setupCommands: [{ type: "execute", command }] });
    truncateSync(at("app/one"), 3);
    await look();
    expect(readFileSync(at("app/one"), "utf8")).toStartWith(`${CONTENT}patched`);
    expect(wasMadeAnew()).toBe(true);
  });

  test.each(["", "{}", '{"schema":"flavor.files/1"}', '{"schema":"flavor.files/1","files":[[1]]}'])(
    "a workenv with %j for an index",
    async (text) => {
      await make();
      writeFileSync(layout.files, text);
      await look();
      expect(wasMadeAnew()).toBe(true);
    },
  );

  test("one where something else stands in the place of a folder; nothing is written behind a link", async () => {
    await make();
    const outside = join(shop.path, "outside");
    mkdirSync(outside);
    renameSync(at("app/deep"), join(shop.path, "away"));
    symlinkSync(outside, at("app/deep"));
    await look();
    expect(readdirSync(outside)).toEqual([]);
    expect(readFileSync(at("app/deep/two"), "utf8")).toBe(CONTENT);
    expect(wasMadeAnew()).toBe(true);
  });
});

describe("a copy of a workenv", () => {
  /** Replaces the content by a copy whose times are whole seconds, as archives have them. */
  function copy() {
    const away = join(shop.path, "original");
    renameSync(layout.content, away);
    expect(Bun.spawnSync(["cp", "-a", away, layout.content]).exitCode).toBe(0);
    const whole = 'find "$1" -exec sh -c \'touch -h -d "@$(stat -c %Y "$1")" "$1"\' _ {} \\;';
    expect(Bun.spawnSync(["sh", "-c", whole, "_", layout.content]).exitCode).toBe(0);
  }

  test.each([
    ["is believed when every file is what it was", {}, () => {}, true],
    ["also where setup commands ran", { setupCommands: NOTHING }, () => {}, true],
    ["not with a file that is missing", {}, () => rmSync(at("app/one")), false],
    ["not with a file of another second", {}, () => utimesSync(at("app/one"), 1e9, 1e9), false],
    ["not with a file of another mode", {}, () => chmodSync(at("app/one"), 0o700), false],
    ["not with a larger file", {}, () => writeFileSync(at("app/one"), `${CONTENT}more`), false],
  ] as const)("%s", async (_, about, act, believed) => {
    await make(about);
    copy();
    act();
    expect(isReady()).toBe(false);
    await shop.ensure(pkg);
    expect([isReady(), wasMadeAnew()]).toEqual([true, !believed]);
    expect(readFileSync(at("app/one"), "utf8")).toBe(CONTENT);
  });

  test.each([
    [[], true],
    [NOTHING, false],
  ] as const)("at another path, after the setup commands %j: %p", async (setupCommands, believed) => {
    await make({ setupCommands });
    copy();
    change({ place: "/elsewhere" });
    await shop.ensure(pkg);
    expect([isReady(), wasMadeAnew()]).toEqual([true, !believed]);
  });

  test("that is not there is made, also of a package without a file", async () => {
    pkg = await shop.open({});
    layout = await shop.ensure(pkg);
    rmSync(layout.content, { recursive: true });
    await shop.ensure(pkg);
    expect([isReady(), existsSync(layout.content)]).toEqual([true, true]);
  });
});

describe("a cache that was moved, as with a home that gets another name", () => {
  const execution = { primarySlot: 0, command: "{bun} {workenv}/app/one", env: {} };
  const noting = [{ type: "execute", command: "sh -c 'echo {workenv} > {workenv}/noted'" }] as const;
  const other = () => layoutOf(join(shop.path, "moved"), pkg.id);
  const move = () => {
    renameSync(shop.cache, other().cache);
    layout = other();
  };
  const start = () =>
    shop.ensure(pkg, { layout, scope: { ...shop.requestFor(pkg).scope, workenv: layout.content } });

  test.each([true, false])(
    "has what setup commands noted of its path anew (durable: %p)",
    async (durable) => {
      await make({ setupCommands: noting }, durable);
      move();
      expect(isReady()).toBe(false);
      await start();
      expect([isReady(), wasMadeAnew()]).toEqual([true, true]);
      expect(readFileSync(at("noted"), "utf8")).toBe(`${layout.content}\n`);
    },
  );

  test.each([true, false])(
    "keeps everything but the files of Bun without such (durable: %p)",
    async (durable) => {
      await make({ execution }, durable);
      move();
      expect(isReady()).toBe(false);
      await start();
      expect([isReady(), wasMadeAnew()]).toEqual([true, false]);
      expect(readFileSync(join(layout.bun, "preload.js"), "utf8")).toContain(`${layout.bun}/bun`);
    },
  );

  test("is ready as it is where nothing has noted its path", async () => {
    await make();
    move();
    expect(isReady()).toBe(true);
  });

  test("is the same one under another name of it", async () => {
    await make({ setupCommands: noting });
    symlinkSync(shop.cache, other().cache);
    layout = other();
    expect(isReady()).toBe(true);
  });
});

describe("the files of Bun", () => {
  const command = "{bun} {workenv}/app/one";
  const execution = { primarySlot: 0, command, env: {} };

  test.each([
    ["preload.js", "removed"],
    ["preload.js", "cut off"],
    ["bunfig.toml", "removed"],
    ["tsconfig.json", "removed"],
    ["tsconfig.json", "cut off"],
  ] as const)("come back: %s, %s", async (name, how) => {
    await make({ execution });
    const file = join(layout.bun, name);
    const before = readFileSync(file, "utf8");
    if (how === "removed") rmSync(file);
    else truncateSync(file, 0);
    expect(isReady()).toBe(false);
    await shop.ensure(pkg);
    expect([isReady(), wasMadeAnew()]).toEqual([true, false]);
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  test("are written for another path in a copy", async () => {
    await make({ execution });
    writeFileSync(join(layout.bun, "preload.js"), 'const program = "/elsewhere/bun";');
    change({ inode: 1, place: "/elsewhere" });
    await shop.ensure(pkg);
    expect(wasMadeAnew()).toBe(false);
    expect(readFileSync(join(layout.bun, "preload.js"), "utf8")).toContain(layout.bun);
  });

  test("are nobody's business in a package without Bun", async () => {
    await make();
    expect([isReady(), existsSync(layout.bun)]).toEqual([true, false]);
  });
});

describe("a marker from before the system was started", () => {
  test("over content that was not on the disk: what lies there counts, when every file was looked at", async () => {
    await make();
    change({ durable: false, bootId: "then" });
    truncateSync(at("app/one"), 0);
    expect(isReady()).toBe(false);
    await shop.ensure(pkg);
    expect(isReady()).toBe(true);
    expect(readFileSync(at("app/one"), "utf8")).toBe(CONTENT);
    expect(wasMadeAnew()).toBe(false);
  });

  test("over content that was: nothing needs to be looked at", async () => {
    await make({}, true);
    change({ bootId: "then" });
    expect(isReady()).toBe(true);
  });
});

describe("once a day", () => {
  const DAYS = 24 * 60 * 60;
  test.each([
    ["an hour ago", -3600, true],
    ["two days ago", -2 * DAYS, false],
    ["in two days, by a clock that was set back", 2 * DAYS, false],
  ])("a workenv that was last looked through %s: believed %p", async (_, seconds, believed) => {
    await make();
    const then = Date.now() / 1000 + seconds;
    utimesSync(layout.marker, then, then);
    expect(isReady()).toBe(believed);
    if (!believed) rmSync(at("app/deep/er/three"));
    await shop.ensure(pkg);
    expect([isReady(), existsSync(at("app/deep/er/three"))]).toEqual([true, true]);
    const isTouched = Math.abs(statSync(layout.marker).mtimeMs - Date.now()) < 60_000;
    expect(isTouched).toBe(!believed);
  });
});

describe("every start", () => {
  test("misses the program that the command names", async () => {
    await make({ execution: { primarySlot: 0, command: "{workenv}/app/one now", env: {} } });
    expect(isReady()).toBe(true);
    rmSync(at("app/one"));
    expect(isReady()).toBe(false);
    await shop.ensure(pkg);
    expect([isReady(), existsSync(at("app/one"))]).toEqual([true, true]);
  });

  test("misses most of what a cleaner took, sooner or later", async () => {
    await make();
    for (const file of FILES) rmSync(at(`app/${file}`));
    const believed = Array.from({ length: 200 }, () => isReady());
    expect(believed).toContain(false);
  });
});

test("a file where a folder was is damage: the workenv is made anew", async () => {
  await make();
  rmSync(at("app/deep"), { recursive: true });
  writeFileSync(at("app/deep"), "in the way");
  await look();
  expect(readFileSync(at("app/deep/two"), "utf8")).toBe(CONTENT);
});
