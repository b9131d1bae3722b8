import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { fileSlot, treeSlot } from "../../../tests/support/packages.ts";
import type { WorkenvLayout } from "../../cache/layout.ts";
import { removeTree } from "../../io/remove-tree.ts";
import { keyPairFromText } from "../../seal/keys.ts";
import type { SetupCommand } from "../../wire/metadata-types.ts";
import { createWorkshop } from "../testing.ts";
import { readStatIndex } from "../mending/stat-index.ts";
import { hasUnsavedEdits } from "./unsaved.ts";

let shop: ReturnType<typeof createWorkshop>;
beforeEach(() => {
  shop = createWorkshop();
});
afterEach(() => shop[Symbol.dispose]());

type Files = Readonly<Record<string, string>>;

interface Version {
  readonly name?: string;
  readonly keySeed?: string;
  readonly lifecycle?: string;
  readonly target?: string;
  readonly setup?: readonly SetupCommand[];
  readonly formerSigners?: readonly string[];
}

/** Packs a version with a slot of the user's at `conf`, and makes its workenv ready. */
async function start(
  version: string,
  files: Files,
  more: Version = {},
  seal: "valid" | "unchecked" = "valid",
) {
  const { name = "app", keySeed = "test", lifecycle = "config", target = "conf", setup = [] } = more;
  const root = join(shop.path, `source-${crypto.randomUUID()}`);
  put(root, files);
  const pkg = await shop.open({
    about: { package: { name, version }, setupCommands: setup },
    keySeed,
    slots: [fileSlot("code", `code of ${version}`), treeSlot("conf", root, { lifecycle, target })],
  });
  const told: string[] = [];
  const { formerSigners = [] } = more;
  const layout = await shop.ensure(pkg, { seal, formerSigners, onNotCarried: (path) => told.push(path) });
  expect(told).toEqual([]);
  return layout;
}

function put(root: string, files: Files): void {
  mkdirSync(root, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

/** Everything below a folder, links as "-> target". */
function tree(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) continue;
    found[path.slice(folder.length + 1)] = entry.isSymbolicLink()
      ? `-> ${readlinkSync(path)}`
      : readFileSync(path, "utf8");
  }
  return found;
}
const conf = ({ content }: WorkenvLayout) => join(content, "conf");
const edit = (layout: WorkenvLayout, files: Files) => put(conf(layout), files);

describe("the next version", () => {
  test("has its own files where the user has done nothing", async () => {
    await start("1", { a: "a1", gone: "x", "deep/b": "b1" });
    expect(tree(conf(await start("2", { a: "a2", "deep/b": "b1", c: "c2" })))).toEqual({
      a: "a2",
      "deep/b": "b1",
      c: "c2",
    });
  });

  test("has what the user edited; its own file lies beside only if it is a new one", async () => {
    const first = await start("1", { same: "s", changed: "1", dropped: "d" });
    edit(first, { same: "mine", changed: "mine", dropped: "mine" });
    const second = await start("2", { same: "s", changed: "2" });
    const expected = { same: "mine", changed: "mine", "changed.new": "2", dropped: "mine" };
    expect(tree(conf(second))).toEqual(expected);
    expect(tree(conf(first))).toEqual({ same: "mine", changed: "mine", dropped: "mine" });
    // and so on, until the user has dealt with it
    expect(tree(conf(await start("3", { same: "s", changed: "2" })))).toEqual(expected);
  });

  test("drops NAME.new when the user has removed it, until the package's file changes again", async () => {
    edit(await start("1", { a: "1" }), { a: "mine" });
    const second = await start("2", { a: "2" });
    rmSync(join(conf(second), "a.new"));
    expect(tree(conf(await start("3", { a: "2" })))).toEqual({ a: "mine" });
    expect(tree(conf(await start("4", { a: "4" })))).toEqual({ a: "mine", "a.new": "4" });
  });

  test("leaves an edited NAME.new alone", async () => {
    edit(await start("1", { a: "1" }), { a: "mine" });
    edit(await start("2", { a: "2" }), { "a.new": "merged" });
    expect(tree(conf(await start("3", { a: "3" })))).toEqual({
      a: "mine",
      "a.new": "merged",
      "a.new.2": "3",
    });
  });

  test("has what the user added, also where it now brings a file itself", async () => {
    const first = await start("1", { a: "1" });
    edit(first, { "deep/er/added": "mine", clash: "mine", equal: "both" });
    const second = await start("2", { a: "1", clash: "theirs", equal: "both" });
    expect(tree(conf(second))).toEqual({
      a: "1",
      "deep/er/added": "mine",
      clash: "mine",
      "clash.new": "theirs",
      equal: "both",
    });
  });

  test("leaves out what the user removed, unless there is something new about it", async () => {
    const first = await start("1", { same: "s", changed: "1" });
    for (const name of ["same", "changed"]) rmSync(join(conf(first), name));
    const second = await start("2", { same: "s", changed: "2" });
    expect(tree(conf(second))).toEqual({ "changed.new": "2" });
    expect(tree(conf(await start("3", { same: "s", changed: "2" })))).toEqual({ "changed.new": "2" });
  });

  test("keeps both where a file and a folder have one name", async () => {
    const first = await start("1", { a: "1" });
    edit(first, { thing: "mine", "place/x": "mine too" });
    const second = await start("2", { a: "1", "thing/inner": "theirs", place: "theirs" });
    expect(tree(conf(second))).toEqual({
      a: "1",
      "thing/inner": "theirs",
      "thing.kept": "mine",
      place: "theirs",
      "place.kept/x": "mine too",
    });
  });

  test("keeps modes, and links that stay inside", async () => {
    const first = await start("1", { a: "1", secret: "s" });
    edit(first, { a: "mine" });
    chmodSync(join(conf(first), "a"), 0o640);
    chmodSync(join(conf(first), "secret"), 0o600);
    symlinkSync("a", join(conf(first), "inside"));
    symlinkSync("/etc/hostname", join(conf(first), "outside"));
    symlinkSync("../../x", join(conf(first), "above"));
    const second = await start("2", { a: "1", secret: "new" });
    expect(tree(conf(second))).toEqual({ a: "mine", secret: "new", inside: "-> a" });
    const modeOf = (name: string) => lstatSync(join(conf(second), name)).mode & 0o777;
    expect([modeOf("a"), modeOf("secret")]).toEqual([0o640, 0o600]);
  });

  test("keeps the user's file where a setup command writes one; that lies beside", async () => {
    const setup: SetupCommand[] = [{ type: "write_file", path: "conf/made", content: "made by {version}" }];
    const first = await start("1", { a: "1" }, { setup });
    expect(tree(conf(first))).toEqual({ a: "1", made: "made by 1" });
    expect(tree(conf(await start("2", { a: "1" }, { setup })))).toEqual({ a: "1", made: "made by 2" });
    edit(await start("3", { a: "1" }, { setup }), { made: "mine" });
    expect(tree(conf(await start("4", { a: "1" }, { setup })))).toEqual({
      a: "1",
      made: "mine",
      "made.new": "made by 4",
    });
  });

  test("takes from the one that was made last, whatever its version", async () => {
    edit(await start("9", { a: "1" }), { a: "nine" });
    edit(await start("3", { a: "1" }), { a: "three" });
    expect(tree(conf(await start("5", { a: "1" })))).toEqual({ a: "three" });
  });

  test("does not watch what is the user's: nothing of it is put back", async () => {
    edit(await start("1", { a: "1" }), { added: "mine" });
    const second = await start("2", { a: "1" });
    const rows = readStatIndex(second)?.map(([path]) => path) ?? [];
    expect(rows).toContain("share/code");
    expect(rows.filter((path) => path.startsWith("conf/"))).toEqual([]);
  });

  test("may give up the slot: what the user made stays, also in the version after", async () => {
    edit(await start("1", { a: "1" }), { a: "mine", added: "mine" });
    const second = await start("2", { z: "z" }, { target: "elsewhere" });
    expect(tree(conf(second))).toEqual({ a: "mine", added: "mine" });
    expect(readStatIndex(second)?.filter(([path]) => path.startsWith("conf/"))).toEqual([]);
    expect(tree(conf(await start("3", { z: "z" }, { target: "elsewhere" })))).toEqual({
      a: "mine",
      added: "mine",
    });
  });
});

describe("a signer that has taken over from another", () => {
  const AUTHOR = keyPairFromText("test").publicKey.toHex();
  const heir = { keySeed: "heir", formerSigners: ["ab".repeat(32), AUTHOR] };

  test("gets what the user made of that one's package, which then may go", async () => {
    const first = await start("1", { a: "1" });
    edit(first, { a: "mine", added: "mine" });
    const second = await start("2", { a: "2" }, heir);
    expect(tree(conf(second))).toEqual({ a: "mine", "a.new": "2", added: "mine" });
    expect(hasUnsavedEdits(first)).toBe(false);
  });

  test("gets nothing of others", async () => {
    edit(await start("1", { a: "1" }, { keySeed: "stranger" }), { a: "mine" });
    edit(await start("1", { a: "1" }, { name: "other" }), { a: "mine" });
    expect(tree(conf(await start("2", { a: "2" }, heir)))).toEqual({ a: "2" });
  });
});

describe("nothing goes to", () => {
  test.each<[string, Version, "valid" | "unchecked"]>([
    ["another signer", { keySeed: "stranger" }, "valid"],
    ["another package", { name: "other" }, "valid"],
    ["a package whose seal nobody looked at", {}, "unchecked"],
  ])("%s", async (_, more, seal) => {
    edit(await start("1", { a: "1" }), { a: "mine", added: "mine" });
    expect(tree(conf(await start("2", { a: "2" }, more, seal)))).toEqual({ a: "2" });
  });

  test("anybody from a workenv whose seal nobody looked at", async () => {
    edit(await start("1", { a: "1" }, {}, "unchecked"), { a: "planted" });
    expect(tree(conf(await start("2", { a: "2" })))).toEqual({ a: "2" });
  });
});

describe("the same package, made anew", () => {
  test("has what the user edited and added; what is missing or empty is the package's again", async () => {
    const files = { a: "1", b: "2", empty: "3", gone: "4" };
    const first = await start("1", files);
    edit(first, { a: "mine", added: "mine", empty: "" });
    rmSync(join(conf(first), "gone"));
    rmSync(first.marker);
    const again = await start("1", files);
    expect(again.id).toBe(first.id);
    expect(tree(conf(again))).toEqual({ a: "mine", b: "2", added: "mine", empty: "3", gone: "4" });
    expect(
      readdirSync(join(again.bookkeeping, "instance")).filter((name) => name.startsWith("carried")),
    ).toEqual([]);
  });

  test("has it also when the attempt before has ended after the old content was gone", async () => {
    const files = { a: "1" };
    const first = await start("1", files);
    edit(first, { a: "mine", added: "mine" });
    rmSync(first.marker);
    const names = [
      "users-files-stored",
      "users-files-carried",
      "retired-content",
      "published",
      "set-up",
      "before-marker",
    ];
    for (const name of names) {
      globalThis.failPoint = (point) => {
        if (point === name) throw new Error(`stopped at ${name}`);
      };
      try {
        expect(await start("1", files).then(String, String)).toContain(`stopped at ${name}`);
      } finally {
        globalThis.failPoint = undefined;
      }
    }
    removeTree(first.content);
    expect(tree(conf(await start("1", files)))).toEqual({ a: "mine", added: "mine" });
  });
});

describe("cleaning must wait", () => {
  test("for edits until the next version has them", async () => {
    const first = await start("1", { a: "1" });
    expect(hasUnsavedEdits(first)).toBe(false);
    edit(first, { a: "mine", added: "mine" });
    expect(hasUnsavedEdits(first)).toBe(true);
    const second = await start("2", { a: "1" });
    expect(hasUnsavedEdits(first)).toBe(false);
    expect(hasUnsavedEdits(second)).toBe(true);
    edit(first, { a: "edited after that" });
    expect(hasUnsavedEdits(first)).toBe(true);
    edit(first, { a: "mine" });
    edit(second, { a: "mine again" });
    const third = await start("3", { a: "1" });
    removeTree(second.content);
    removeTree(second.bookkeeping);
    expect(hasUnsavedEdits(first)).toBe(false);
    expect(hasUnsavedEdits(third)).toBe(true);
  });

  test("for a slot for data until the next version is there", async () => {
    const first = await start("1", { a: "1" }, { lifecycle: "persistent" });
    expect(hasUnsavedEdits(first)).toBe(true);
    await start("2", { a: "other" }, { lifecycle: "persistent", keySeed: "stranger" });
    expect(hasUnsavedEdits(first)).toBe(true);
    await start("2", { a: "2" }, { lifecycle: "persistent" });
    expect(hasUnsavedEdits(first)).toBe(false);
  });

  test("for what an attempt that was killed has saved, and not for what is gone", async () => {
    const first = await start("1", { a: "1" }, { lifecycle: "persistent" });
    edit(first, { a: "mine" });
    rmSync(first.marker);
    globalThis.failPoint = (point) => {
      if (point === "retired-content") throw new Error("stopped");
    };
    try {
      expect(await start("1", { a: "1" }, { lifecycle: "persistent" }).then(String, String)).toContain(
        "stopped",
      );
    } finally {
      globalThis.failPoint = undefined;
    }
    expect(existsSync(first.content)).toBe(false);
    expect(hasUnsavedEdits(first)).toBe(true);
    const again = await start("1", { a: "1" }, { lifecycle: "persistent" });
    expect(tree(conf(again))).toEqual({ a: "mine" });
    removeTree(again.content);
    expect(hasUnsavedEdits(again)).toBe(false);
  });

  test("for nothing where there is no slot of the user's", async () => {
    const layout = await start("1", { a: "1" }, { lifecycle: "runtime" });
    edit(layout, { a: "changed" });
    expect(hasUnsavedEdits(layout)).toBe(false);
  });
});

test("whatever the user and the packages do, no content of the user's is ever lost", async () => {
  const name = fc.constantFrom("a", "b", "d/x", "d/y", "d", "a.new");
  const files = fc.dictionary(fc.constantFrom("a", "b", "d/x", "d/y"), fc.constantFrom("1", "2", "3"), {
    maxKeys: 4,
    noNullPrototype: true,
  });
  const step = fc.record({
    files,
    edits: fc.array(fc.tuple(name, fc.constantFrom("write", "remove")), { maxLength: 4 }),
    again: fc.boolean(),
  });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 4 }), async (steps) => {
      const about = { name: `app${run++}` };
      let version = 0;
      /** Contents that the user wrote and did not overwrite or remove. */
      let wrote = new Set<string>();
      for (const { files: given, edits, again } of steps) {
        version++;
        const layout = await start(String(version), given, about);
        if (again) {
          rmSync(layout.marker);
          await start(String(version), given, about);
        }
        for (const content of wrote) expect(Object.values(tree(layout.content))).toContain(content);
        for (const [path, deed] of edits) {
          const place = join(conf(layout), path);
          const folder = dirname(place);
          if (existsSync(folder) && !lstatSync(folder).isDirectory()) rmSync(folder);
          rmSync(place, { force: true, recursive: true });
          if (deed === "remove") continue;
          mkdirSync(folder, { recursive: true });
          writeFileSync(place, `mine ${crypto.randomUUID()}`);
        }
        wrote = new Set(Object.values(tree(layout.content)).filter((content) => content.startsWith("mine ")));
      }
    }),
    { numRuns: 25 },
  );
});
