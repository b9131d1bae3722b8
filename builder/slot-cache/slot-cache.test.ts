import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
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
import { sha256Hex } from "../../format/wire/hashes.ts";
import { failureOf } from "../../tests/support/failure.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { packManifest } from "../pack.ts";
import { parseManifest } from "../manifest/manifest.ts";
import * as verifying from "../verify-written.ts";
import { MANIFEST } from "./layout.ts";
import { openSlotCache } from "./slot-cache.ts";

const MIB = 1024 * 1024;

let dir: ReturnType<typeof tempDir>;
const at = (...path: readonly string[]) => join(dir.path, ...path);

const made = new Map<string, Uint8Array<ArrayBuffer>>();

/** Bytes that do not shrink to nothing, the same at every run. */
function noise(size: number, seed: number): Uint8Array<ArrayBuffer> {
  const known = made.get(`${size} ${seed}`);
  if (known !== undefined) return known;
  const bytes = new Uint8Array(size);
  let state = seed;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    bytes[i] = (state >> 16) & 0x3f;
  }
  made.set(`${size} ${seed}`, bytes);
  return bytes;
}

beforeEach(() => {
  dir = tempDir();
  for (const [i, slot] of ["one", "two"].entries()) {
    mkdirSync(at(slot, "lib"), { recursive: true });
    for (let file = 0; file < 5; file++)
      writeFileSync(at(slot, "lib", `f${file}`), noise(1.2 * MIB, 10 * i + file));
    writeFileSync(at(slot, "run"), "#!/bin/sh\n");
    chmodSync(at(slot, "run"), 0o755);
    symlinkSync("lib/f1", at(slot, "link"));
    settle(slot);
  }
});
afterEach(() => dir[Symbol.dispose]());

/** Makes files look as if nothing had happened to them lately: ctimes cannot be set, so time is waited for. */
function settle(slot: string): void {
  for (const name of readdirSync(at(slot, "lib"))) utimesSync(at(slot, "lib", name), 1e9, 1e9);
  Bun.sleepSync(120);
}

const manifest = (more = "") =>
  parseManifest(
    `[package]\nname = "app"\nversion = "1"\n[execution]\ncommand = "run"\n${["one", "two"]
      .map(
        (id) =>
          `[[slots]]\nid = "${id}"\nsource = "${id}"\ntarget = "${id}"\noperations = "tar|zstd"\n${more}`,
      )
      .join("")}`,
    at("flavor.toml"),
  );

interface Options {
  readonly buildCache?: string | undefined;
  readonly level?: number;
  readonly verify?: boolean;
  readonly more?: string;
}

/** Packs both slots; which of them came from the cache, why, and what the package is. */
async function pack({ more, ...options }: Options = { buildCache: at("cache") }) {
  const said = new Map<string, string>();
  const [packed] = await packManifest(manifest(more), {
    keySeed: "x",
    launcher: "shebang",
    output: at("app.psp"),
    explain: (slot, isCached, why) => said.set(slot, `${isCached ? "cached" : "new"}: ${why}`),
    ...options,
  });
  return { one: said.get("one"), two: said.get("two"), digest: await packed?.sha256() };
}

const NEW = "new: nothing like it was packed before";
const UNCHANGED = "cached: unchanged";
const entries = () =>
  [...new Bun.Glob("v1/??/*").scanSync({ cwd: at("cache"), onlyFiles: false })].filter(
    (path) => !path.includes(".tmp-"),
  );
const outputs = () => [...new Bun.Glob("v1/??/*/outputs/*").scanSync({ cwd: at("cache") })];
const blobs = () => outputs().filter((path) => statSync(at("cache", path)).size > 10_000);
/** What the files looked like. */
const notes = () => outputs().filter((path) => !blobs().includes(path));

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

describe("what is damaged is made again, and never an error", () => {
  const manifestFile = () => at("cache", entries().toSorted()[0] as string, MANIFEST);
  const damage: readonly (readonly [string, () => void])[] = [
    ["a manifest that is empty", () => writeFileSync(manifestFile(), "")],
    ["a manifest that breaks off", () => truncateSync(manifestFile(), 40)],
    [
      "a manifest of another program",
      () => writeFileSync(manifestFile(), '{"schema":"flavor.build-cache/2","versions":[]}'),
    ],
    [
      "a manifest with a path for a digest",
      () =>
        writeFileSync(
          manifestFile(),
          readFileSync(manifestFile(), "utf8").replace(/"stored":"[^"]{8}/, '"stored":"../../..'),
        ),
    ],
    [
      "a manifest that is a folder",
      () => {
        rmSync(manifestFile());
        mkdirSync(manifestFile());
      },
    ],
    ["no manifest", () => rmSync(manifestFile())],
    [
      "an entry that is a file",
      () => {
        const path = at("cache", entries().toSorted()[0] as string);
        rmSync(path, { recursive: true });
        writeFileSync(path, "");
      },
    ],
    ["stored bytes that are gone", () => rmSync(at("cache", blobs().toSorted()[0] as string))],
    [
      "stored bytes that break off",
      () => truncateSync(at("cache", blobs().toSorted()[0] as string), 100_000),
    ],
    [
      "stored bytes of the same length that are others",
      () => {
        const path = at("cache", blobs().toSorted()[0] as string);
        writeFileSync(path, new Uint8Array(statSync(path).size));
      },
    ],
    [
      "stored bytes that are more, as the manifest says",
      () => {
        const path = blobs().toSorted().at(-1) as string;
        const size = statSync(at("cache", path)).size;
        appendFileSync(at("cache", path), new Uint8Array(50_000).fill(1));
        const manifest = at("cache", path, "..", "..", MANIFEST);
        writeFileSync(
          manifest,
          readFileSync(manifest, "utf8").replace(`"size":${size}`, `"size":${size + 50_000}`),
        );
      },
    ],
    [
      "one bit of the stored bytes",
      () => {
        const path = at("cache", blobs().toSorted()[0] as string);
        const bytes = readFileSync(path);
        bytes[1_000_000]! ^= 4;
        writeFileSync(path, bytes);
      },
    ],
    [
      "no notes about the files",
      () => {
        for (const path of notes()) rmSync(at("cache", path));
      },
    ],
    [
      "notes about the files that are others",
      () => {
        for (const path of notes()) truncateSync(at("cache", path), 8);
      },
    ],
    [
      "a cache that is a file",
      () => {
        rmSync(at("cache"), { recursive: true });
        writeFileSync(at("cache"), "");
      },
    ],
  ];
  test.each(damage)("%s", async (_, change) => {
    const { digest } = await pack();
    change();
    const second = await pack();
    expect(second.digest).toBe(digest);
    expect([second.one, second.two].filter((said) => said !== UNCHANGED).length).toBeGreaterThan(0);
    expect((await pack()).digest).toBe(digest);
  });

  test.each(damage.slice(0, -3).filter(([name]) => !/folder|file/.test(name)))(
    "%s: what was made again is kept",
    async (_, change) => {
      await pack();
      change();
      await pack();
      expect(await pack()).toMatchObject({ one: UNCHANGED, two: UNCHANGED });
    },
  );

  test("without verifying, too", async () => {
    const { digest } = await pack();
    const path = at("cache", blobs()[0] as string);
    writeFileSync(path, new Uint8Array(statSync(path).size));
    const second = await pack({ buildCache: at("cache"), verify: false });
    expect(second.digest).toBe(digest);
    expect([second.one, second.two]).toContain("new: what was kept of it is damaged");
  });
});

test("what nobody has verified is verified when it comes from the cache", async () => {
  await pack({ buildCache: at("cache"), verify: false });
  const path = at("cache", entries()[0] as string, MANIFEST);
  expect(JSON.parse(readFileSync(path, "utf8")).versions[0].verified).toBeNull();
  // Bytes that are what their name says, but no archive: only decoding can tell.
  const wrong = noise(50_000, 5);
  const version = {
    ...JSON.parse(readFileSync(path, "utf8")).versions[0],
    stored: sha256Hex(wrong),
    size: wrong.length,
  };
  writeFileSync(join(path, "..", "outputs", version.stored), wrong);
  writeFileSync(path, JSON.stringify({ schema: "flavor.build-cache/1", versions: [version] }));
  expect(await failureOf(pack)).toMatchObject({ code: "build-failed" });
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

test("two builds at the same time, and one that is killed, leave a cache that works", async () => {
  const { digest } = await pack({});
  await Promise.all([
    packManifest(manifest(), {
      keySeed: "x",
      launcher: "shebang",
      output: at("a.psp"),
      buildCache: at("cache"),
    }),
    packManifest(manifest(), {
      keySeed: "x",
      launcher: "shebang",
      output: at("b.psp"),
      buildCache: at("cache"),
    }),
  ]);
  expect(readFileSync(at("a.psp")).equals(readFileSync(at("b.psp")))).toBeTrue();
  expect(await pack()).toEqual({ one: UNCHANGED, two: UNCHANGED, digest });
  const script = `
    const { packManifest } = await import(${JSON.stringify(join(import.meta.dir, "../pack.ts"))});
    const { readManifest } = await import(${JSON.stringify(join(import.meta.dir, "../manifest/manifest.ts"))});
    process.stdout.write("ready");
    for (let level = 1; ; level = (level % 5) + 1)
      await packManifest(await readManifest(${JSON.stringify(at("flavor.toml"))}), {
        keySeed: "x", launcher: "shebang", output: ${JSON.stringify(at("c.psp"))}, buildCache: ${JSON.stringify(at("cache"))}, level });`;
  writeFileSync(
    at("flavor.toml"),
    `[package]\nname = "app"\nversion = "1"\n[execution]\ncommand = "run"\n[[slots]]\nid = "one"\nsource = "one"\ntarget = "one"\n`,
  );
  for (const delay of [3, 40, 90, 150, 230]) {
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
    await child.stdout.getReader().read();
    await Bun.sleep(delay);
    child.kill("SIGKILL");
    await child.exited;
    expect(await pack()).toEqual({ one: UNCHANGED, two: UNCHANGED, digest });
    for (const level of [1, 2])
      expect((await pack({ buildCache: at("cache"), level })).digest).toBe((await pack({ level })).digest);
  }
});

describe("a build goes on", () => {
  test("where the cache cannot be written", async () => {
    const { digest } = await pack({});
    writeFileSync(at("file"), "");
    expect((await pack({ buildCache: at("file", "below") })).digest).toBe(digest);
    mkdirSync(at("cache"), { mode: 0o700 });
    writeFileSync(at("cache", "v1"), "");
    for (let i = 0; i < 2; i++) expect(await pack()).toEqual({ one: NEW, two: NEW, digest });
  });

  test.skipIf(process.platform === "win32")("without a cache that others may write into", async () => {
    await pack();
    chmodSync(at("cache"), 0o777);
    expect((await pack()).one).toBe("new: there is no build cache");
  });
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

/** A slot as a build hands it over to be kept, but for its size. */
const handedOver = () => ({
  found: { key: sha256Hex("key"), entries: 1, stamps: new Float64Array(4), cached: undefined, why: "" },
  written: { path: at("one", "run"), offset: 0, originalSize: 5, stored: sha256Hex("s"), verified: null },
});

test("what is larger than the whole cache may be is not even copied", async () => {
  const cache = openSlotCache(at("cache"), 1000);
  const { found, written } = handedOver();
  cache?.keep(found, { ...written, size: 1001 });
  expect(existsSync(at("cache"))).toBe(false);
  cache?.keep(found, { ...written, size: 5 });
  expect(entries()).toHaveLength(1);
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

test("what cannot be copied to its end leaves nothing", () => {
  const cache = openSlotCache(at("cache"));
  const { found, written } = handedOver();
  cache?.keep(found, { ...written, size: 500_000 });
  const files = new Bun.Glob("**/*").scanSync({ cwd: at("cache"), dot: true });
  expect([...files]).toEqual([]);
});
