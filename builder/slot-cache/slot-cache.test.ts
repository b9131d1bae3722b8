import { describe, expect, spyOn, test } from "bun:test";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { failureOf } from "../../tests/support/failure.ts";
import { packManifest } from "../pack.ts";
import { parseManifest } from "../manifest/manifest.ts";
import * as verifying from "../verify-written.ts";
import { at, manifest, MIB, NEW, noise, pack, UNCHANGED, useTwoSlots } from "./testing.ts";

useTwoSlots();

test("the second package comes from the cache and is the same, byte for byte, as one without it", async () => {
  const without = await pack({});
  expect(without.one).toBe("new: there is no build cache");
  expect(await pack()).toEqual({ one: NEW, two: NEW, digest: without.digest });
  expect(await pack()).toEqual({ one: UNCHANGED, two: UNCHANGED, digest: without.digest });
});

describe("a slot is made again when", () => {
  test.each([
    ["a file grows", () => appendFileSync(at("one", "lib", "f3"), "!"), NEW],
    [
      "a file has other bytes",
      () => writeFileSync(at("one", "lib", "f3"), noise(1.2 * MIB, 99)),
      "new: one/lib/f3 has changed",
    ],
    [
      "a byte of a file is another, and its time is set back",
      () => {
        const bytes = readFileSync(at("one", "lib", "f3"));
        bytes[1000]! ^= 1;
        writeFileSync(at("one", "lib", "f3"), bytes);
        utimesSync(at("one", "lib", "f3"), 1e9, 1e9);
      },
      "new: one/lib/f3 has changed",
    ],
    ["a file is new", () => writeFileSync(at("one", "new"), ""), NEW],
    ["a file is gone", () => rmSync(at("one", "lib", "f3")), NEW],
    ["a file has another name", () => renameSync(at("one", "lib", "f3"), at("one", "lib", "g3")), NEW],
    ["a mode changes", () => chmodSync(at("one", "run"), 0o700), NEW],
    [
      "a link leads elsewhere",
      () => {
        rmSync(at("one", "link"));
        symlinkSync("lib/f2", at("one", "link"));
      },
      NEW,
    ],
    [
      "two files are exchanged",
      () => {
        renameSync(at("one", "lib", "f3"), at("one", "x"));
        renameSync(at("one", "lib", "f4"), at("one", "lib", "f3"));
        renameSync(at("one", "x"), at("one", "lib", "f4"));
      },
      "new: one/lib/f3 has changed",
    ],
  ])("%s", async (_, change, why) => {
    await pack();
    change();
    const second = await pack();
    expect([second.one, second.two]).toEqual([why, UNCHANGED]);
    expect(second.digest).toBe((await pack({})).digest);
    expect(await pack()).toMatchObject({ two: UNCHANGED, digest: second.digest });
  });

  test("the level, the operations or the times are others", async () => {
    await pack();
    for (const options of [{ level: 1 }, { more: "keep_times = true\n" }])
      expect(await pack({ buildCache: at("cache"), ...options })).toMatchObject({ one: NEW, two: NEW });
  });
});

describe("the same content is found again", () => {
  test("when only times have changed, and is known by them the next time", async () => {
    const { digest } = await pack();
    utimesSync(at("one", "lib", "f2"), 2e9 / 2 + 5, 2e9 / 2 + 5);
    Bun.sleepSync(120);
    expect(await pack()).toEqual({ one: "cached: the same content", two: UNCHANGED, digest });
    expect(await pack()).toEqual({ one: UNCHANGED, two: UNCHANGED, digest });
  });

  test("in a copy elsewhere", async () => {
    const { digest } = await pack();
    for (const slot of ["one", "two"]) {
      cpSync(at(slot), at("copy"), { recursive: true, verbatimSymlinks: true });
      rmSync(at(slot), { recursive: true });
      renameSync(at("copy"), at(slot));
    }
    expect(await pack()).toEqual({
      one: "cached: the same content",
      two: "cached: the same content",
      digest,
    });
  });

  test("after it was another one for a while", async () => {
    const { digest } = await pack();
    const before = readFileSync(at("one", "lib", "f3"));
    writeFileSync(at("one", "lib", "f3"), noise(1.2 * MIB, 99));
    expect((await pack()).one).toBe("new: one/lib/f3 has changed");
    writeFileSync(at("one", "lib", "f3"), before);
    expect(await pack()).toMatchObject({ one: "cached: the same content", digest });
  });
});

test("a file that changed just before it was listed is never known by its times", async () => {
  appendFileSync(at("one", "lib", "f0"), "!");
  const { digest } = await pack();
  expect(await pack()).toEqual({ one: "cached: the same content", two: UNCHANGED, digest });
});

// "v1" and "v2" are what can stand in a place.
test.skipIf(process.platform === "win32").each<[string, (to: "v1" | "v2") => void]>([
  [
    "a link was turned",
    (to) => {
      rmSync(at("two"), { recursive: true });
      symlinkSync(to, at("two"));
    },
  ],
  [
    "folders were moved",
    (to) => {
      const place = at("two", "lib", "deep");
      if (existsSync(place)) renameSync(place, at(to === "v1" ? "v2" : "v1"));
      renameSync(at(to), place);
    },
  ],
])("what was read of another folder is not known by the files of the right one: %s", async (_, put) => {
  for (const name of ["v1", "v2"]) cpSync(at("two", "lib"), at(name), { recursive: true });
  writeFileSync(at("v2", "f3"), noise(1.2 * MIB, 99));
  put("v1");
  Bun.sleepSync(200);
  await packManifest(manifest(), {
    keySeed: "x",
    launcher: "shebang",
    output: at("app.psp"),
    buildCache: at("cache"),
    // It was listed, and is read from now on.
    explain: (slot) => slot === "two" && put("v2"),
  });
  put("v1");
  const { two, digest } = await pack();
  expect(two).toMatch(/^new: two.* has changed$/);
  expect(digest).toBe((await pack({})).digest);
  expect(await pack()).toMatchObject({ one: UNCHANGED, two: UNCHANGED });
});

test("slots whose targets meet are looked at together, cached or not", async () => {
  await pack();
  const meeting = () =>
    packManifest(
      parseManifest(
        `[package]\nname = "app"\nversion = "1"\n[execution]\ncommand = "run"\n[[slots]]\nid = "one"\nsource = "one"\ntarget = "one"\noperations = "tar|zstd"\n[[slots]]\nid = "low"\nsource = "two"\ntarget = "one/lib/f0"\noperations = "tar|zstd"\n`,
        at("flavor.toml"),
      ),
      { keySeed: "x", launcher: "shebang", output: at("app.psp"), buildCache: at("cache") },
    );
  expect(await failureOf(meeting)).toMatchObject({ code: "build-failed" });
});

test("what is small, or is only stored, is not kept", async () => {
  for (const slot of ["one", "two"])
    for (let file = 0; file < 5; file++) truncateSync(at(slot, "lib", `f${file}`), 100);
  expect((await pack()).one).toBe("new: it is encoded sooner than it is looked for");
  expect(existsSync(at("cache"))).toBe(false);
});

test("modes and links are those of the files", async () => {
  const { digest } = await pack();
  chmodSync(at("one", "run"), 0o700);
  const other = await pack();
  expect(other.digest).not.toBe(digest);
  chmodSync(at("one", "run"), 0o755);
  // Its bytes were compared: the time at which anything of the file changed is a new one.
  expect(await pack()).toMatchObject({ one: "cached: the same content", digest });
});

test("equal slots are verified for the target of each", async () => {
  await pack();
  const twice = parseManifest(
    `[package]\nname = "app"\nversion = "1"\n[execution]\ncommand = "run"\n${["one", "a/one"]
      .map(
        (target) =>
          `[[slots]]\nid = "${target}"\nsource = "one"\ntarget = "${target}"\noperations = "tar|zstd"\n`,
      )
      .join("")}`,
    at("flavor.toml"),
  );
  const verified: number[][] = [];
  const spy = spyOn(verifying, "verifyWritten").mockImplementation(
    async (_, { slots }) =>
      void verified.push([...slots].flatMap(([slot, { isVerified }]) => (isVerified ? [slot] : []))),
  );
  try {
    await packManifest(twice, {
      keySeed: "x",
      launcher: "shebang",
      output: at("app.psp"),
      buildCache: at("cache"),
    });
  } finally {
    spy.mockRestore();
  }
  expect(verified).toEqual([[0]]);
});
