import { describe, expect, test } from "bun:test";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { removeUnfinished } from "../../format/io/replacement.ts";
import { sha256Hex } from "../../format/wire/hashes.ts";
import { failureOf } from "../../tests/support/failure.ts";
import { packManifest } from "../pack.ts";
import { encodePrints, printsOf } from "../prints.ts";
import { encodeManifest, parseManifest } from "./entry-manifest.ts";
import { MANIFEST } from "./layout.ts";
import { openSlotCache, type SlotCache } from "./slot-cache.ts";
import {
  at,
  blobs,
  entries,
  manifest,
  NEW,
  noise,
  pack,
  prints,
  stamps,
  UNCHANGED,
  useTwoSlots,
} from "./testing.ts";

useTwoSlots();

describe("what is damaged is made again, and never an error", () => {
  const manifestFile = () => at("cache", entries().toSorted()[0] as string, MANIFEST);
  const damage: readonly (readonly [string, () => void])[] = [
    ["a manifest that is empty", () => writeFileSync(manifestFile(), "")],
    ["a manifest that breaks off", () => truncateSync(manifestFile(), 40)],
    [
      "a manifest of another program",
      () => writeFileSync(manifestFile(), '{"schema":"flavor.build-cache/9","versions":[]}'),
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
    [
      "a manifest with another size of the content",
      () =>
        writeFileSync(
          manifestFile(),
          readFileSync(manifestFile(), "utf8").replace(/"originalSize":\d/, '"originalSize":9'),
        ),
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
        const versions = parseManifest(readFileSync(manifest, "utf8")) ?? [];
        writeFileSync(
          manifest,
          encodeManifest(versions.map((version) => ({ ...version, size: size + 50_000 }))),
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
    ["prints that are gone", () => rmSync(at("cache", prints()[0] as string))],
    ["prints that break off", () => truncateSync(at("cache", prints()[0] as string), 48)],
    [
      "prints of other bytes",
      () => {
        const path = at("cache", prints()[0] as string);
        const bytes = readFileSync(path);
        bytes[bytes.length - 1]! ^= 1;
        writeFileSync(path, bytes);
      },
    ],
    [
      "no notes about the files",
      () => {
        for (const path of stamps()) rmSync(at("cache", path));
      },
    ],
    [
      "notes about the files that are others",
      () => {
        for (const path of stamps()) truncateSync(at("cache", path), 8);
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
  const prints = encodePrints(printsOf(wrong));
  const version = {
    ...JSON.parse(readFileSync(path, "utf8")).versions[0],
    stored: sha256Hex(wrong),
    size: wrong.length,
    prints: sha256Hex(prints),
  };
  writeFileSync(join(path, "..", "outputs", version.stored), wrong);
  writeFileSync(join(path, "..", "outputs", version.prints), prints);
  writeFileSync(path, encodeManifest([version]));
  expect(await failureOf(pack)).toMatchObject({ code: "build-failed" });
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

/** Begins to hand over the file "run" of the first slot, as a build does, and as so many bytes. */
function begin(cache: SlotCache | undefined, size: number) {
  const found = {
    key: sha256Hex("key"),
    entries: 1,
    stamps: () => new Float64Array(4),
    cached: undefined,
    why: "",
  };
  const file = { path: at("one", "run"), offset: 0, size };
  const facts = { originalSize: size, stored: sha256Hex("s"), prints: [], verified: null };
  return cache?.keep(found, { ...file, ...facts });
}

async function handOver(cache: SlotCache | undefined, size: number, isGood = true): Promise<void> {
  await using keeping = begin(cache, size);
  if (isGood) await keeping?.commit();
}

const filesInCache = () => [...new Bun.Glob("**/*").scanSync({ cwd: at("cache"), dot: true })];

test("what is larger than the whole cache may be is not even copied", async () => {
  const cache = openSlotCache(at("cache"), 1000);
  await handOver(cache, 1001);
  expect(existsSync(at("cache"))).toBe(false);
  await handOver(cache, 5);
  expect(entries()).toHaveLength(1);
});

test("what cannot be copied to its end leaves nothing", async () => {
  await handOver(openSlotCache(at("cache")), 500_000);
  expect(filesInCache()).toEqual([]);
});

test("what is not found to be good leaves nothing", async () => {
  await handOver(openSlotCache(at("cache")), 5, false);
  expect(filesInCache()).toEqual([]);
});

test("a signal that ends the process leaves nothing of what is being copied", async () => {
  await using _ = begin(openSlotCache(at("cache")), 5);
  while (!filesInCache().some((path) => path.includes(".tmp-"))) await Bun.sleep(1);
  removeUnfinished();
  expect(filesInCache()).toEqual([]);
});
