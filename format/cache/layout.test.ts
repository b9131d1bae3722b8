import { describe, expect, test } from "bun:test";
import { join, resolve } from "node:path";
import { PspfError } from "../errors.ts";
import type { Sha256 } from "../types.ts";
import { isPackageId, layoutOf, packageIdOf } from "./layout.ts";
import { cacheCandidates, cacheDirectory, type LocationFacts } from "./location.ts";

const DIGEST = "ab".repeat(32) as Sha256;

test("a package's id is the start of the SHA-256 of name, version and checksum", () => {
  // printf 'app:1.0:abab…' | sha256sum
  const expected = new Bun.CryptoHasher("sha256").update(`app:1.0:${DIGEST}`).digest("hex").slice(0, 16);
  expect(packageIdOf({ name: "app", version: "1.0" }, DIGEST)).toBe(expected);
});

test("name, version and checksum each make another id", () => {
  const ids = [
    packageIdOf({ name: "app", version: "1.0" }, DIGEST),
    packageIdOf({ name: "app2", version: "1.0" }, DIGEST),
    packageIdOf({ name: "app", version: "1.1" }, DIGEST),
    packageIdOf({ name: "app", version: "1.0" }, "cd".repeat(32) as Sha256),
  ];
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every(isPackageId)).toBe(true);
});

test.each([
  "",
  "0123456789abcde",
  "0123456789abcdef0",
  "0123456789ABCDEF",
  ".0123456789abcdef",
  "0123456789abcde/",
  "0123456789abcdef\n",
])("%j is no package id", (name) => expect(isPackageId(name)).toBe(false));

test("all paths of an entry, for who looks for them", () => {
  expect(layoutOf("/cache", "0123456789abcdef")).toEqual({
    cache: "/cache",
    id: "0123456789abcdef",
    content: "/cache/0123456789abcdef",
    bookkeeping: "/cache/.0123456789abcdef.pspf",
    index: "/cache/.0123456789abcdef.pspf/instance/index.json",
    marker: "/cache/.0123456789abcdef.pspf/instance/extract/complete",
    files: "/cache/.0123456789abcdef.pspf/instance/files.json",
    metadata: "/cache/.0123456789abcdef.pspf/package/psp.json",
    bun: "/cache/.0123456789abcdef.pspf/bun",
    making: "/cache/.store/v1/locks/make-0123456789abcdef",
    lock: "/cache/.store/v1/locks/env-0123456789abcdef",
  });
});

describe("the places for a cache, in order", () => {
  const XDG = { path: "/xdg/flavor/workenv", why: "XDG_CACHE_HOME" };
  const HOME = { path: "/h/.cache/flavor/workenv", why: "home" };
  const TEMP = { path: "/tmp/flavor-7/workenv", why: "temp" };
  const all = { XDG_CACHE_HOME: "/xdg", HOME: "/h" };

  test.each([
    ["all that there are", all, [XDG, HOME, TEMP]],
    ["FLAVOR_CACHE alone", { ...all, FLAVOR_CACHE: "/own" }, [{ path: "/own", why: "FLAVOR_CACHE" }]],
    [
      "FLAVOR_CACHE from the current folder",
      { FLAVOR_CACHE: "own" },
      [{ path: "/somewhere/own", why: "FLAVOR_CACHE" }],
    ],
    ["the temporary folder without a home", {}, [TEMP]],
    ["the one of TMPDIR", { TMPDIR: "/t" }, [{ path: "/t/flavor-7/workenv", why: "temp" }]],
    ["not that of a relative TMPDIR", { HOME: "/h", TMPDIR: "t" }, [HOME, TEMP]],
  ])("%s", (_, env, expected) => {
    const facts = { env: env as Record<string, string>, cwd: () => "/somewhere", windows: false, uid: 7 };
    expect<unknown>(cacheCandidates(facts)).toEqual(expected);
  });

  test("on Windows the temporary folder is the user's own", () => {
    const env = { USERPROFILE: "/u", TEMP: "/u/temp", TMPDIR: "/no" };
    expect(cacheCandidates({ env, cwd: () => "/", windows: true }).map(({ path }) => path)).toEqual([
      join("/u", ".cache", "flavor", "workenv"),
      join("/u", "temp", "flavor", "workenv"),
    ]);
  });
});

describe("the cache lies", () => {
  const cwd = () => resolve("/somewhere");
  const at = (env: Record<string, string>, more: Partial<LocationFacts> = {}) =>
    cacheDirectory({ env, cwd, windows: false, ...more });

  test.each([
    ["where FLAVOR_CACHE says", { FLAVOR_CACHE: "/own", XDG_CACHE_HOME: "/xdg", HOME: "/h" }, "/own"],
    ["there also when it is relative", { FLAVOR_CACHE: "own/x", HOME: "/h" }, "/somewhere/own/x"],
    [
      "not where an empty FLAVOR_CACHE would be",
      { FLAVOR_CACHE: "", HOME: "/h" },
      "/h/.cache/flavor/workenv",
    ],
    ["else below XDG_CACHE_HOME", { XDG_CACHE_HOME: "/xdg", HOME: "/h" }, "/xdg/flavor/workenv"],
    ["never below a relative one", { XDG_CACHE_HOME: "xdg", HOME: "/h" }, "/h/.cache/flavor/workenv"],
    ["never below an empty one", { XDG_CACHE_HOME: "", HOME: "/h" }, "/h/.cache/flavor/workenv"],
    ["else below HOME", { HOME: "/h" }, "/h/.cache/flavor/workenv"],
  ])("%s", (_, env, expected) => {
    expect(at(env)).toBe(expected);
  });

  test("on Windows below USERPROFILE, else HOME, and XDG_CACHE_HOME means nothing", () => {
    const windows = { windows: true };
    expect(at({ USERPROFILE: "/u", HOME: "/h", XDG_CACHE_HOME: "/xdg" }, windows)).toBe(
      join("/u", ".cache", "flavor", "workenv"),
    );
    expect(at({ HOME: "/h" }, windows)).toBe(join("/h", ".cache", "flavor", "workenv"));
  });

  test.each([[{}], [{ HOME: "" }], [{ HOME: "relative" }]])("nowhere with %j, and that is said", (env) => {
    expect(() => at(env as Record<string, string>)).toThrow(PspfError);
    expect(() => at(env as Record<string, string>)).toThrow(
      expect.objectContaining({ code: "no-workenv-location", exitCode: 103 }),
    );
  });

  test("without asking for the current folder, unless it is needed: it may be gone", () => {
    const gone = () => {
      throw new Error("ENOENT");
    };
    expect(at({ FLAVOR_CACHE: "/own" }, { cwd: gone })).toBe("/own");
    expect(at({ HOME: "/h" }, { cwd: gone })).toBe("/h/.cache/flavor/workenv");
  });
});
