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
import { checkFiles } from "../../format/workenv/check.ts";
import { readMarker } from "../../format/workenv/entry.ts";
import { readStatIndex } from "../../format/workenv/stat-index.ts";
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

describe.skipIf(reason !== undefined)("after a power cut", () => {
  let app: string;
  beforeAll(async () => {
    app = await packWitness(dir.path, { version: "1.0" });
  }, 60_000);

  /** A first start until its marker is there, then the cut. What the disk has after it is mounted at `path`. */
  async function cut(
    name: string,
    env: Record<string, string>,
    before: (layout: WorkenvLayout) => void = () => {},
  ) {
    using disk = mountedImage(name);
    const at = cacheIn(disk.path);
    const file = join(dir.path, `${name}-stop`);
    const start = at.start(app, [], { ...env, FLAVOR_TEST_PAUSE: `marker-in-place:${file}` });
    while (!existsSync(file)) {
      if (start.exitCode !== null) throw new Error(await start.stderr.text());
      await Bun.sleep(2);
    }
    const [layout] = entriesOf(at.cache);
    before(layout as WorkenvLayout);
    const image = imageOf(`${name}-after`);
    sh("cp", "--sparse=always", imageOf(name), image);
    rmSync(file);
    await start.exited;
    return image;
  }

  /** What a start finds there, and what it does. */
  async function startOn(path: string, wrap: readonly string[] = []) {
    const at = cacheIn(path);
    const hits = join(path, "hits");
    const ran = await at.run(wrap[0] ?? app, wrap[0] === undefined ? [] : [...wrap.slice(1), app], {
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
    const image = await cut("durable", {});
    using disk = mountedImage("durable-after", image);
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
    const image = await cut("quick", { FLAVOR_DURABLE: "0" });
    using disk = mountedImage("quick-after", image);
    expect(found(disk.path).marker).toBeUndefined();
    expect(await startOn(disk.path)).toMatchObject({
      ran: { stdout: said("1.0"), stderr: "" },
      hasUnpacked: true,
    });
  }, 60_000);

  test("a marker that was on the disk before the content is not believed when the system was started anew", async () => {
    const image = await cut("early", { FLAVOR_DURABLE: "0" }, ({ marker, files }) => {
      for (const path of [files, marker, dirname(marker)]) sync(path);
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

  function sync(path: string): void {
    const fd = openSync(path, "r");
    fsyncSync(fd);
    closeSync(fd);
  }

  /** A command that runs another one in a system with another boot id. */
  function inAnotherRunOfTheSystem(): readonly string[] {
    const file = join(dir.path, "boot-id");
    writeFileSync(file, `${crypto.randomUUID()}\n`);
    const script = `mount --bind ${file} /proc/sys/kernel/random/boot_id && exec "$0" "$@"`;
    return ["/usr/bin/env", "unshare", "--mount", "sh", "-c", script];
  }
});
afterAll(() => dir[Symbol.dispose]());
