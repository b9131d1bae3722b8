import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileSlot, type Recipe, treeSlot } from "../../../tests/support/packages.ts";
import type { WorkenvLayout } from "../../cache/layout.ts";
import { createWorkshop } from "../testing.ts";
import { hasUnsavedEdits } from "./unsaved.ts";

let shop: ReturnType<typeof createWorkshop>;
beforeEach(() => {
  shop = createWorkshop();
});
afterEach(() => {
  globalThis.failPoint = undefined;
  shop[Symbol.dispose]();
});

async function start(version: string, slots: NonNullable<Recipe["slots"]>, told: string[] = []) {
  const pkg = await shop.open({ about: { package: { name: "app", version } }, slots });
  return await shop.ensure(pkg, { onNotCarried: (path) => told.push(path) });
}
const config = (version: string, target: string) => [
  fileSlot("code", version),
  fileSlot("conf", `of ${version}`, { lifecycle: "config", target }),
];
function folder(version: string) {
  const root = join(shop.path, version);
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, "a"), `a of ${version}`);
  return [fileSlot("code", version), treeSlot("conf", root, { lifecycle: "config" })];
}
const read = ({ content }: WorkenvLayout, path: string) => readFileSync(join(content, path), "utf8");

test.each(["__proto__", "constructor", "toString"])(
  "an edited file is taken over that is called %s",
  async (name) => {
    const first = await start("1", config("1", name));
    writeFileSync(join(first.content, name), "mine");
    expect(hasUnsavedEdits(first)).toBe(true);
    rmSync(first.marker);
    const again = await start("1", config("1", name));
    expect(read(again, name)).toBe("mine");
    const second = await start("2", config("2", name));
    expect([read(second, name), read(second, `${name}.new`)]).toEqual(["mine", "of 2"]);
    expect(hasUnsavedEdits(first)).toBe(false);
    expect(read(await start("3", config("2", name)), name)).toBe("mine");
  },
);

test("an empty file that the user has added is kept when a workenv is made anew", async () => {
  const first = await start("1", folder("1"));
  writeFileSync(join(first.content, "conf/added"), "");
  rmSync(first.marker);
  const again = await start("1", folder("1"));
  expect(readdirSync(join(again.content, "conf")).sort()).toEqual(["a", "added"]);
});

test.each([
  ["cannot be read any more", (path: string) => writeFileSync(path, "")],
  ["was taken by a cleaner", (path: string) => rmSync(path)],
])("edits are kept when what tells them from the package's files %s", async (_, damage) => {
  const first = await start("1", folder("1"));
  writeFileSync(join(first.content, "conf/a"), "mine");
  writeFileSync(join(first.content, "conf/added"), "mine, too");
  damage(join(first.bookkeeping, "instance/originals.json"));
  expect(hasUnsavedEdits(first)).toBe(true);
  rmSync(first.marker);
  const again = await start("1", folder("1"));
  expect([read(again, "conf/a"), read(again, "conf/added")]).toEqual(["mine", "mine, too"]);
});

const notUtf8 = Buffer.from([0xe9, 0x61]);

test.skipIf(process.platform !== "linux")(
  "what cannot be taken over from content that must go stays beside it, and cleaning knows of it before",
  async () => {
    const first = await start("1", folder("1"));
    writeFileSync(Buffer.concat([Buffer.from(join(first.content, "conf/")), notUtf8]), "mine");
    expect(hasUnsavedEdits(first)).toBe(true);
    rmSync(first.marker);
    const told: string[] = [];
    const again = await start("1", folder("1"), told);
    expect(told.join()).toContain(`${again.content}.kept`);
    const kept = `${again.content}.kept/conf/`;
    expect(readFileSync(Buffer.concat([Buffer.from(kept), notUtf8]), "utf8")).toBe("mine");
    expect(existsSync(join(again.content, "conf/a"))).toBe(true);
  },
);

test("a file that cannot be copied to the new content stays in the old one", async () => {
  const first = await start("1", folder("1"));
  writeFileSync(join(first.content, "conf/a"), "mine");
  rmSync(first.marker);
  const instance = join(first.bookkeeping, "instance");
  globalThis.failPoint = (point) => {
    if (point !== "users-files-stored") return;
    const store = readdirSync(instance).find((name) => name.startsWith("carried-")) ?? "";
    rmSync(join(instance, store, "0"));
    mkdirSync(join(instance, store, "0"));
  };
  const told: string[] = [];
  const again = await start("1", folder("1"), told);
  expect(told).toEqual([`${again.content}.kept/conf/a`]);
  expect(readFileSync(`${again.content}.kept/conf/a`, "utf8")).toBe("mine");
});

test("a name that leaves no room for another ending stops no version", async () => {
  const name = `conf/${"n".repeat(253)}`;
  const given = (version: string) => {
    const slots = folder(version);
    writeFileSync(join(shop.path, version, name.slice("conf/".length)), `of ${version}`);
    return slots;
  };
  const first = await start("1", given("1"));
  writeFileSync(join(first.content, name), "mine");
  expect(read(await start("2", given("2")), name)).toBe("mine");
});

describe("a setup command that writes something else over the user's file each time", () => {
  const setupCommands = [
    { type: "execute", command: "sh -c 'date +%N >conf/a; echo x >made; test ! -e \"$FAIL\"'" },
  ] as const;
  /** A workenv that must be made anew, with an edited file. */
  async function edited() {
    const about = { package: { name: "app", version: "1" }, setupCommands };
    const pkg = await shop.open({ about, slots: folder("1") });
    const layout = await shop.ensure(pkg);
    writeFileSync(join(layout.content, "conf/a"), "mine");
    rmSync(layout.marker);
    return {
      pkg,
      layout,
      contents: () => readdirSync(join(layout.content, "conf")).map((name) => read(layout, `conf/${name}`)),
    };
  }

  test("and then fails: the file is as it was, and counts as it is when the user has changed it", async () => {
    const { pkg, layout } = await edited();
    writeFileSync(join(shop.path, "fail"), "");
    for (const text of ["mine", "mended"]) {
      writeFileSync(join(layout.content, "conf/a"), text);
      await expect(shop.ensure(pkg)).rejects.toThrow("Cannot set up the package");
      expect(read(layout, "conf/a")).toBe(text);
    }
    rmSync(join(shop.path, "fail"));
    await shop.ensure(pkg);
    expect(read(layout, "conf/a")).toBe("mended");
  });

  test("and is killed: nothing that may be the user's is lost", async () => {
    const { pkg, layout, contents } = await edited();
    globalThis.failPoint = (point) => {
      if (point === "set-up") throw new Error("killed");
    };
    await expect(shop.ensure(pkg)).rejects.toThrow("killed");
    globalThis.failPoint = undefined;
    const left = read(layout, "conf/a");
    await shop.ensure(pkg);
    expect([read(layout, "conf/a"), read(layout, "conf/a.kept")]).toEqual(["mine", left]);
    expect(contents()).toContain("a of 1");
  });

  test.each(["killed", "stopped"])(
    "and is %s half-way: what it has written is not the user's",
    async (how) => {
      const writing =
        "sh -c 'echo begun >conf/a; test ! -e \"$FAIL\" || exit 1; echo done >>conf/a; echo x >made'";
      const about = {
        package: { name: "app", version: "1" },
        setupCommands: [{ type: "execute", command: writing }] as const,
      };
      const pkg = await shop.open({ about, slots: folder("1") });
      const layout = await shop.ensure(pkg);
      rmSync(layout.marker);
      writeFileSync(join(shop.path, "fail"), "");
      // As a kill: nobody can put anything right.
      if (how === "killed")
        globalThis.failPoint = (point) => {
          if (point !== "published") return;
          writeFileSync(join(layout.content, "conf/a"), "begun\n");
          throw new Error("killed");
        };
      await expect(shop.ensure(pkg)).rejects.toThrow();
      globalThis.failPoint = undefined;
      rmSync(join(shop.path, "fail"));
      await shop.ensure(pkg);
      expect(read(layout, "conf/a")).toBe("begun\ndone\n");
    },
  );
});
