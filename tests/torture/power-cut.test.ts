import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { entriesOf } from "../../format/cache/entries.ts";
import type { WorkenvLayout } from "../../format/cache/layout.ts";
import { checkFiles } from "../../format/workenv/mending/check.ts";
import { readMarker } from "../../format/workenv/entry.ts";
import { readStatIndex } from "../../format/workenv/mending/stat-index.ts";
import { testLauncher } from "../support/compiled.ts";
import { oneFolder, packApp } from "../support/launcher.ts";
import { mounted } from "../support/mounts.ts";
import { tempDir } from "../support/temp-dir.ts";
import { cacheIn } from "./cache-state.ts";
import { packWitness, said } from "./witness.ts";

// The power is cut at the moment in which the marker is there: the image of the disk is copied, and what is not in the
// copy is lost.

const dir = tempDir();
const reason = cannotCut();
if (reason !== undefined) process.stderr.write(`not tested: power cuts (${reason})\n`);

function cannotCut(): string | undefined {
  if (process.platform !== "linux") return "they need Linux";
  if (process.getuid?.() !== 0) return "only root can mount an image";
  try {
    using _ = mountedImage("probe");
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function mountedImage(name: string, image = newImage(name)) {
  return mounted(join(dir.path, `${name}-disk`), "-o", "loop", image);
}

function imageOf(name: string): string {
  return join(dir.path, `${name}.img`);
}

function newImage(name: string): string {
  const image = imageOf(name);
  writeFileSync(image, "");
  truncateSync(image, 48 * 2 ** 20);
  sh("mkfs.ext4", "-q", "-F", image);
  return image;
}

function sh(...command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...command], { stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${command[0]}: ${stderr}`);
}

const KEPT = '[[slots]]\nsource = "data"\nlifecycle = "persistent"\n';

type Cache = ReturnType<typeof cacheIn>;
type Child = ReturnType<Cache["start"]>;

describe.skipIf(reason !== undefined)("after a power cut", () => {
  let app: string;
  let keeper: string;
  beforeAll(async () => {
    app = await packWitness(dir.path, { version: "1.0" });
    const manifest = oneFolder("keeper", "cat {workenv}/data/notes", KEPT);
    const files = { "app/nothing": "", "data/notes": "no notes\n" };
    keeper = await packApp(join(dir.path, "keeper"), manifest, files, {
      launcher: (await testLauncher()).path,
    });
  }, 60_000);

  interface Cut {
    readonly name: string;
    /** What is there before, and on the disk. */
    readonly prepare?: (at: Cache) => Promise<unknown>;
    /** What runs until it has come to a point; a first start until its marker is there, when not given. */
    readonly victim?: (at: Cache, env: Record<string, string>) => Child;
    readonly point?: string;
    /** Brought onto the disk by chance. */
    readonly early?: (layout: WorkenvLayout) => readonly string[];
  }

  const firstStart = (at: Cache, env: Record<string, string>) => at.start(app, [], env);

  const quickStart = (at: Cache, env: Record<string, string>) =>
    at.start(app, [], { ...env, FLAVOR_DURABLE: "0" });

  /** Lets something come to a point, and then cuts the power. What the disk has after it is the image. */
  async function cut({ name, prepare, victim = firstStart, point = "marker-in-place", early }: Cut) {
    using disk = mountedImage(name);
    const at = cacheIn(disk.path);
    await prepare?.(at);
    sync(disk.path, "everything");
    const file = join(dir.path, `${name}-stop`);
    const child = victim(at, { FLAVOR_TEST_PAUSE: `${point}:${file}` });
    while (!existsSync(file)) {
      if (child.exitCode !== null)
        throw new Error(`it did not come to ${point}: ${await child.stderr.text()}`);
      await Bun.sleep(2);
    }
    for (const layout of entriesOf(at.cache)) for (const path of early?.(layout) ?? []) sync(path);
    const image = imageOf(`${name}-after`);
    sh("cp", "--sparse=always", imageOf(name), image);
    rmSync(file);
    await child.exited;
    return image;
  }

  /** What a start finds there, and what it does. */
  async function startOn(path: string, wrap: readonly string[] = [], what = app) {
    const at = cacheIn(path);
    const hits = join(path, "hits");
    const ran = await at.run(wrap[0] ?? what, wrap[0] === undefined ? [] : [...wrap.slice(1), what], {
      FLAVOR_TEST_HITS: hits,
    });
    const passed = existsSync(hits) ? readFileSync(hits, "utf8").split("\n") : [];
    return { ran, hasUnpacked: passed.includes("slot-unpacked") };
  }

  const found = (path: string) => {
    const [layout] = entriesOf(join(path, "cache"));
    if (layout === undefined) return { marker: undefined, damaged: undefined };
    const { missing, truncated } = checkFiles(layout.content, readStatIndex(layout) ?? []);
    return { marker: readMarker(layout), damaged: missing.length + truncated.length };
  };

  test("a marker that says so has all of its content on the disk", async () => {
    const image = await cut({ name: "durable" });
    // At the same path: at another one it would be set up again.
    using disk = mountedImage("durable", image);
    const { marker } = found(disk.path);
    expect(marker?.durable).toBe(true);
    const content = entriesOf(join(disk.path, "cache"))[0]?.content as string;
    const check = Bun.spawnSync([join(content, "app/witness.sh")], {
      env: { FLAVOR_WORKENV: content, PATH: process.env["PATH"] },
    });
    expect([check.stdout.toString(), check.stderr.toString()]).toEqual([said("1.0"), ""]);
    expect(await startOn(disk.path)).toEqual({
      ran: { stdout: said("1.0"), stderr: "", exitCode: 0, signal: null },
      hasUnpacked: false,
    });
  }, 60_000);

  test("without FLAVOR_DURABLE, a start finds nothing that counts, and unpacks", async () => {
    const image = await cut({ name: "quick", victim: quickStart });
    using disk = mountedImage("quick-after", image);
    expect(found(disk.path).marker).toBeUndefined();
    expect(await startOn(disk.path)).toMatchObject({
      ran: { stdout: said("1.0"), stderr: "" },
      hasUnpacked: true,
    });
  }, 60_000);

  test("a marker that was on the disk before the content is not believed when the system was started anew", async () => {
    const image = await cut({
      name: "early",
      victim: quickStart,
      early: ({ marker, files }) => [files, marker, dirname(marker)],
    });
    using disk = mountedImage("early-after", image);
    expect(found(disk.path)).toMatchObject({ marker: { durable: false }, damaged: expect.any(Number) });
    expect(found(disk.path).damaged).toBeGreaterThan(10);
    expect(await startOn(disk.path, inAnotherRunOfTheSystem())).toMatchObject({
      ran: { stdout: said("1.0"), stderr: "" },
      hasUnpacked: true,
    });
    expect(found(disk.path).damaged).toBe(0);
  }, 60_000);

  function sync(path: string, what: "it" | "everything" = "it"): void {
    if (what === "everything") return sh("sync", "-f", path);
    const fd = openSync(path, "r");
    fsyncSync(fd);
    closeSync(fd);
  }

  const made = (at: Cache) => at.run(app);
  async function damaged(at: Cache): Promise<void> {
    await made(at);
    for (const { content } of entriesOf(at.cache))
      for (const path of ["app/witness.sh", "app/deep/2", "heavy"])
        rmSync(join(content, path), { recursive: true });
  }
  const cleaning = (at: Cache, env: Record<string, string>) => at.startCleaner([], env);

  const MOMENTS: Readonly<
    Record<string, Omit<Cut, "name" | "point"> & { readonly points: readonly string[] }>
  > = {
    "a first start": { points: ["unpacked", "published", "set-up", "synced"] },
    "a mending": {
      prepare: damaged,
      points: ["suspected", "file-put-back", "repaired", "synced", "marker-in-place@2"],
    },
    "a cleaning": {
      prepare: made,
      victim: cleaning,
      points: ["retired-marker", "retired-content", "evicted-bookkeeping", "evicted-lock"],
    },
  };
  const moments = Object.entries(MOMENTS).flatMap(([what, { points }]) =>
    points.map((point) => [what, point] as const),
  );

  test.each(moments)(
    "in the middle of %s, at %s, the next start runs from whole content",
    async (what, point) => {
      const { points: _, ...moment } = MOMENTS[what] as (typeof MOMENTS)[string];
      const name = `${what}-${point}`.replace(/[^a-z0-9]/g, "-");
      const image = await cut({ ...moment, name, point });
      using disk = mountedImage(`${name}-after`, image);
      const { marker, damaged: count } = found(disk.path);
      const isKnown = what === "a mending" && point !== "marker-in-place@2";
      if (marker?.durable === true && !marker.suspect && !isKnown) expect(count).toBe(0);
      const { ran } = await startOn(disk.path, inAnotherRunOfTheSystem());
      expect(ran).toEqual({ stdout: said("1.0"), stderr: "", exitCode: 0, signal: null });
      expect(found(disk.path)).toMatchObject({ marker: { durable: true, suspect: false }, damaged: 0 });
    },
    60_000,
  );

  test.each(["1", "0"])(
    "what a user has written is on the disk before its old place is deleted, with FLAVOR_DURABLE=%s",
    async (FLAVOR_DURABLE) => {
      const image = await cut({
        name: `users-${FLAVOR_DURABLE}`,
        prepare: async (at) => {
          await at.run(keeper);
          for (const { content, marker } of entriesOf(at.cache)) {
            writeFileSync(join(content, "data/notes"), "my notes\n");
            rmSync(marker);
          }
        },
        victim: (at, env) => at.start(keeper, [], { ...env, FLAVOR_DURABLE }),
        point: "before-lease",
        // What the file system does by itself within some seconds, or when anybody else asks for it.
        early: ({ content, marker }) => [dirname(content), content, dirname(marker), marker],
      });
      using disk = mountedImage(`users-${FLAVOR_DURABLE}-after`, image);
      const { ran } = await startOn(disk.path, inAnotherRunOfTheSystem(), keeper);
      expect(ran).toEqual({ stdout: "my notes\n", stderr: "", exitCode: 0, signal: null });
    },
    60_000,
  );

  /** A command that runs another one in a system with another boot id. */
  function inAnotherRunOfTheSystem(): readonly string[] {
    const file = join(dir.path, "boot-id");
    writeFileSync(file, `${crypto.randomUUID()}\n`);
    const script = `mount --bind ${file} /proc/sys/kernel/random/boot_id && exec "$0" "$@"`;
    return ["/usr/bin/env", "unshare", "--mount", "sh", "-c", script];
  }
});
afterAll(() => dir[Symbol.dispose]());
