import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failureOf } from "../../tests/support/failure.ts";
import { cannotMount, mounted, tmpfs } from "../../tests/support/mounts.ts";
import { fileSlot, packageBytes } from "../../tests/support/packages.ts";
import { memorySource } from "../io/byte-source.ts";
import { openPackage, type Package } from "../reader.ts";
import type { Rung } from "./location.ts";
import { isPrivate } from "./ownership.ts";
import { choosePlace, spaceFor } from "./place.ts";

const UID = process.getuid?.() ?? 0;
const STRANGER = 54321;

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "place-")));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const rung = (path: string, why: Rung["why"] = "home"): Rung => ({ path, why });
const passedOver: string[] = [];
beforeEach(() => void passedOver.splice(0));
const choose = (paths: readonly string[], needed = 1000) =>
  choosePlace(
    paths.map((path) => rung(path)),
    { needed, uid: UID, onUnusable: (problem) => passedOver.push(problem) },
  );
/** Why one folder cannot be used. */
const refusal = async (path: string, needed?: number) => {
  const { code, problems, hint } = await failureOf(() => choose([path], needed));
  return { code, cause: problems.join("\n").replace(`${path} (in the home folder): `, ""), hint };
};

const folder = (name: string, mode = 0o700) => {
  const path = join(root, name);
  mkdirSync(path, { recursive: true });
  chmodSync(path, mode);
  return path;
};

test("a folder that does not exist is made, for the user alone, and nothing of the trial is left", () => {
  const path = join(root, "a", "b", "workenv");
  expect(choose([path])).toBe(path);
  expect(readdirSync(join(path, ".store", "v1", "staging"))).toEqual([]);
  for (const made of [join(root, "a"), join(root, "a", "b"), path])
    expect(Bun.spawnSync(["ls", "-ld", made]).stdout.toString()).toStartWith("drwx------");
});

test("the first that can be used is taken, and the others are named with their causes", () => {
  writeFileSync(join(root, "file"), "");
  const [bad, good, unused] = [join(root, "file", "x"), join(root, "good"), join(root, "unused")];
  expect(choose([bad, good, unused])).toBe(good);
  expect(passedOver).toEqual([`${bad} (in the home folder): a part of the path is a file`]);
  expect(readdirSync(root).sort()).toEqual(["file", "good"]);
});

test("when none can be used, all are listed, and the advice is about the best", async () => {
  writeFileSync(join(root, "file"), "");
  const own = rung(join(root, "file", "x"), "XDG_CACHE_HOME");
  const full = rung(join(root, "full"), "temp");
  const failure = await failureOf(() =>
    choosePlace([own, full], { needed: 2 ** 52, uid: UID, onUnusable: () => {} }),
  );
  expect(failure).toMatchObject({ code: "no-workenv-location", exitCode: 103 });
  expect(failure.problems[0]).toBe(`${own.path} (from XDG_CACHE_HOME): a part of the path is a file`);
  expect(failure.problems[1]).toMatch(/full \(in the temporary folder\): there is not enough space: /);
  expect(failure.hint).toBe("set FLAVOR_CACHE to a folder that you may write to");
  expect(readdirSync(root)).toEqual(["file"]);
});

test.skipIf(process.platform === "win32").each(["what?", "back\\slash"])(
  "a path that Bun cannot run scripts from is for other packages: %s",
  (name) => {
    const [bad, good] = [join(root, name, "workenv"), join(root, "good")];
    const request = { needed: 0, uid: UID, onUnusable: () => {} };
    expect(choosePlace([rung(bad), rung(good)], { ...request, needsBun: true })).toBe(good);
    expect(readdirSync(root)).toEqual(["good"]);
    expect(choosePlace([rung(bad), rung(good)], request)).toBe(bad);
  },
);

test("without any candidate there is no home", async () => {
  expect((await failureOf(() => choose([]))).message).toContain("there is no home directory");
});

describe("who else may write", () => {
  test.each([
    ["everybody to the folder", 0o777, 0o755, "can be written by everybody"],
    ["everybody to it, even with the sticky bit", 0o1777, 0o755, "can be written by everybody"],
    ["everybody to the folder above", 0o700, 0o777, "can be written by everybody"],
  ])("%s: refused", async (_, mode, above, cause) => {
    folder("above", above);
    const path = folder("above/cache", mode);
    chmodSync(join(root, "above"), above);
    const refused = await refusal(path);
    expect(refused.cause).toEndWith(cause);
    expect(refused.hint).toBe("set FLAVOR_CACHE to a folder that only you may write to");
    expect(readdirSync(path)).toEqual([]);
  });

  test.each([
    ["nobody, but all can read", 0o755, 0o755],
    ["everybody to the folder above, but it is sticky", 0o700, 0o1777],
  ])("%s: used", (_, mode, above) => {
    folder("above", above);
    const path = folder("above/cache", mode);
    chmodSync(join(root, "above"), above);
    expect(choose([path])).toBe(path);
  });

  test("our own symlink to our own folder is used", () => {
    folder("real");
    symlinkSync(join(root, "real"), join(root, "link"));
    expect(choose([join(root, "link")])).toBe(join(root, "link"));
    expect(isPrivate(join(root, "link"), UID)).toBe(true);
  });

  test("our own symlink to a folder below one that everybody may write to is refused", async () => {
    folder("open/real");
    chmodSync(join(root, "open"), 0o777);
    symlinkSync(join(root, "open", "real"), join(root, "link"));
    expect((await refusal(join(root, "link"))).cause).toBe(`${root}/open can be written by everybody`);
  });

  test("a folder that is absent is not private: somebody may make it the next moment", () => {
    expect(isPrivate(join(root, "absent"), UID)).toBe(false);
    expect(isPrivate(folder("there"), UID)).toBe(true);
    expect(isPrivate(folder("open", 0o777), UID)).toBe(false);
  });

  test("a symlink to nothing is refused", async () => {
    symlinkSync(join(root, "nothing"), join(root, "link"));
    expect((await refusal(join(root, "link"))).code).toBe("no-workenv-location");
    expect(isPrivate(join(root, "link"), UID)).toBe(false);
    expect(readdirSync(root)).toEqual(["link"]);
  });
});

const reason = cannotMount(join(realpathSync(tmpdir()), `place-probe-${process.pid}`));
if (reason !== undefined) process.stderr.write(`not tested: places that need root (${reason})\n`);

describe.skipIf(reason !== undefined)("as root", () => {
  test("nothing is made in a home that is somebody else's, as under sudo", async () => {
    chownSync(folder("home"), STRANGER, STRANGER);
    const refused = await refusal(join(root, "home", ".cache", "flavor", "workenv"));
    expect(refused.cause).toBe(`${root}/home belongs to another user (${STRANGER})`);
    expect(readdirSync(join(root, "home"))).toEqual([]);
  });

  test("a folder of somebody else's, also as the parent, is refused", async () => {
    const path = folder("theirs");
    chownSync(path, STRANGER, STRANGER);
    const cause = `${path} belongs to another user (${STRANGER})`;
    expect((await refusal(path)).cause).toBe(cause);
    expect((await refusal(join(path, "below"))).cause).toBe(cause);
    expect(readdirSync(path)).toEqual([]);
  });

  test("somebody else's symlink to our folder is refused before anything is made there", async () => {
    const real = folder("real");
    utimesSync(real, 0, 0);
    symlinkSync(real, join(root, "link"));
    lchownSync(join(root, "link"), STRANGER, STRANGER);
    expect((await refusal(join(root, "link"))).cause).toEndWith(`belongs to another user (${STRANGER})`);
    expect((await refusal(join(root, "link", "below"))).cause).toEndWith(`another user (${STRANGER})`);
    expect(isPrivate(join(root, "link"), UID)).toBe(false);
    expect(readdirSync(real)).toEqual([]);
    expect(statSync(real).mtimeMs).toBe(0); // nor made and removed
  });

  test("our symlink to somebody else's folder is refused", async () => {
    chownSync(folder("theirs"), STRANGER, STRANGER);
    symlinkSync(join(root, "theirs"), join(root, "link"));
    expect((await refusal(join(root, "link"))).cause).toEndWith(`another user (${STRANGER})`);
  });

  test("a folder that a group may write to is refused, but not for the group of the user alone", async () => {
    const path = folder("group", 0o770);
    chownSync(path, UID, STRANGER);
    expect((await refusal(path)).cause).toBe(`${path} can be written by a group (${STRANGER})`);
    chownSync(path, UID, UID);
    expect(choose([path])).toBe(path);
  });

  test("noexec is named with its mount", async () => {
    using disk = mounted(join(root, "with space"), ...tmpfs("noexec,mode=700"));
    const path = join(disk.path, "a", "cache");
    expect(await refusal(path)).toEqual({
      code: "no-workenv-location",
      cause: `${disk.path} is mounted noexec`,
      hint: "set FLAVOR_CACHE to a folder on a file system that programs may be started from",
    });
    expect(readdirSync(disk.path)).toEqual([]);
  });

  test("what has room for names only is full, whatever is needed", async () => {
    using disk = mounted(join(root, "full"), ...tmpfs("size=64k,mode=700"));
    const path = join(disk.path, "cache");
    mkdirSync(path, { mode: 0o700 });
    expect(() => writeFileSync(join(disk.path, "filler"), new Uint8Array(2 ** 17))).toThrow("ENOSPC");
    expect((await refusal(path, 0)).cause).toBe("its disk is full");
    expect(readdirSync(path)).toEqual([]);
  });

  test("a disk that is too small is refused by its numbers, and one that suffices is used", async () => {
    using disk = mounted(join(root, "small"), ...tmpfs("size=1m,mode=700"));
    const { cause, hint } = await refusal(join(disk.path, "cache"), 2 ** 21);
    expect(cause).toMatch(/^there is not enough space: 1\.0 MiB are free, 2\.0 MiB are needed$/);
    expect(hint).toStartWith("free some space on that disk, or");
    expect(readdirSync(disk.path)).toEqual([]);
    expect(choose([join(disk.path, "cache")], 2 ** 19)).toBe(join(disk.path, "cache"));
  });

  test("a file system that is read-only is refused, with and without our folders on it", async () => {
    const path = folder("real/cache");
    choose([folder("real/used")]);
    using view = mounted(join(root, "view"), "--bind", join(root, "real"));
    expect(Bun.spawnSync(["mount", "-o", "remount,bind,ro", view.path]).exitCode).toBe(0);
    expect((await refusal(join(view.path, "cache"))).cause).toBe("its file system is read-only");
    expect((await refusal(join(view.path, "used"))).cause).toBe("its file system is read-only");
    expect(readdirSync(path)).toEqual([]);
  });
});

describe("the space that a package needs", () => {
  test("is twice what was signed", async () => {
    const slots = [fileSlot("a", "x".repeat(1000), { operations: ["GZIP"] }), fileSlot("b", "y".repeat(24))];
    const pkg = await openPackage(memorySource(await packageBytes({ slots }), "package"));
    expect(spaceFor(pkg)).toBe(2048);
  });

  test("is four times what is stored when nothing was signed", async () => {
    const pkg = await openPackage(
      memorySource(await packageBytes({ slots: [fileSlot("a", "12345", { operations: [] })] }), "p"),
    );
    const slots = pkg.slots.map(({ entry: { originalSize: _, ...entry }, ...slot }) => ({ ...slot, entry }));
    expect(spaceFor({ slots } as Pick<Package, "slots">)).toBe(20);
  });
});
