import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { layoutOf, storeOf } from "../../format/cache/layout.ts";
import { oneFolder, packApp, runPackage, startPackage } from "../support/launcher.ts";
import { cannotMount, mounted, tmpfs } from "../support/mounts.ts";
import { tempDir } from "../support/temp-dir.ts";

// What a cleaner, a power cut or a full disk did to a workenv, as its user sees it: nothing.

let dir: ReturnType<typeof tempDir>;
let app: string;
beforeAll(async () => {
  dir = tempDir();
  const files = {
    "app/hello.sh":
      '#!/bin/sh\n. "$FLAVOR_WORKENV/app/words.sh"\necho "$words"; [ -z "$HOLD" ] || { mkfifo "$HOLD"; read -r _ <"$HOLD"; }\n',
    "app/words.sh": "words='hello from all of it'\n",
    ...Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`app/data/${i}`, `data ${i}`])),
  };
  app = await packApp(dir.path, oneFolder("mend", "{workenv}/app/hello.sh"), files);
});
afterAll(() => dir[Symbol.dispose]());

let homes = 0;
async function started() {
  const home = join(dir.path, `home-${homes++}`);
  const cache = join(home, "cache");
  const run = (env: Record<string, string> = {}) => runPackage(app, [], { home, env });
  expect(await run()).toEqual(HELLO);
  const id = readdirSync(cache).find((name) => /^[0-9a-f]{16}$/.test(name)) as string;
  const layout = layoutOf(cache, id);
  writeFileSync(join(layout.content, "app", "log"), "written by the application");
  return {
    home,
    cache,
    layout,
    run,
    at: (path: string) => join(layout.content, "app", path),
    /** As if the last start had been days ago. */
    daysLater: () => utimesSync(layout.marker, 1e9, 1e9),
  };
}
const HELLO = { stdout: "hello from all of it\n", stderr: "", exitCode: 0, signal: null };

describe("the next start puts back", () => {
  test("the program itself, at once", async () => {
    const { run, at } = await started();
    rmSync(at("hello.sh"));
    expect(await run()).toEqual(HELLO);
    truncateSync(at("hello.sh"), 0);
    expect(await run()).toEqual(HELLO);
    expect(existsSync(at("log"))).toBe(true);
  });

  test("after a day anything, and what the application wrote stays", async () => {
    const { run, at, daysLater, layout } = await started();
    rmSync(at("data"), { recursive: true });
    truncateSync(at("words.sh"), 3);
    daysLater();
    expect(await run()).toEqual(HELLO);
    expect(readdirSync(at("data"))).toHaveLength(50);
    expect(readFileSync(at("log"), "utf8")).toBe("written by the application");
    expect(Date.now() - statSync(layout.marker).mtimeMs).toBeLessThan(60 * 60 * 1000);
  });

  test("everything that is missing while another one runs, which is not disturbed", async () => {
    const { home, run, at, daysLater } = await started();
    const running = startPackage(app, [], { home, env: { HOLD: join(home, "hold") } });
    try {
      await running.stdout.getReader().read();
      const before = statSync(at("hello.sh")).ino;
      rmSync(at("data/7"));
      daysLater();
      expect(await run()).toEqual(HELLO);
      expect([existsSync(at("data/7")), statSync(at("hello.sh")).ino]).toEqual([true, before]);
    } finally {
      running.kill();
      await running.exited;
    }
  });

  test("nothing more when there is nothing missing", async () => {
    const { run, at, daysLater } = await started();
    const before = statSync(at("hello.sh"));
    daysLater();
    expect(await run()).toEqual(HELLO);
    expect(statSync(at("hello.sh")).ctimeMs).toBe(before.ctimeMs);
  });
});

const probe = tempDir();
const reason = cannotMount(join(probe.path, "mount"));
probe[Symbol.dispose]();
if (reason !== undefined) process.stderr.write(`not tested: caches that cannot be written (${reason})\n`);

describe.skipIf(reason !== undefined)("a cache that cannot be written", () => {
  /** What a start says in a read-only view of a cache, after something was done to the workenv in it. */
  async function viewOf(harm: (at: (path: string) => string, marker: string) => void) {
    const { home, cache, at, daysLater, layout } = await started();
    harm(at, layout.marker);
    daysLater();
    using view = mounted(join(dir.path, `view-${homes}`), "--bind", cache);
    expect(Bun.spawnSync(["mount", "-o", "remount,bind,ro", view.path]).exitCode).toBe(0);
    const temp = join(dir.path, `temp-${homes}`);
    mkdirSync(temp);
    const log = { FLAVOR_LOG_LEVEL: "info", TMPDIR: temp };
    const named = await runPackage(app, [], { home, env: { ...log, FLAVOR_CACHE: view.path } });
    return { named, view: view.path };
  }

  test("is used as it is, also after days", async () => {
    const { named } = await viewOf(() => {});
    expect(named).toEqual(HELLO);
  });

  test("is used after a thorough look when its marker does not count any more", async () => {
    const { named } = await viewOf((_, marker) => {
      const text = readFileSync(marker, "utf8").replace('"suspect":false', '"suspect":true');
      expect(text).toContain("true");
      writeFileSync(marker, text);
    });
    expect(named).toEqual(HELLO);
  });

  test("is used where it was copied to, as with the image of a container", async () => {
    const { home, cache } = await started();
    using image = mounted(join(dir.path, `image-${homes}`), ...tmpfs("mode=700"));
    const copy = join(image.path, "cache");
    expect(Bun.spawnSync(["cp", "-a", cache, copy]).exitCode).toBe(0);
    expect(Bun.spawnSync(["mount", "-o", "remount,ro", image.path]).exitCode).toBe(0);
    expect(await runPackage(app, [], { home, env: { FLAVOR_CACHE: copy } })).toEqual(HELLO);
  });

  test("is used by a program of Bun that was moved since", async () => {
    const folder = join(dir.path, `bun-${homes++}`);
    const command = "{bun} {workenv}/app/main.ts";
    const [first, home] = [
      await packApp(folder, oneFolder("moved", command), { "app/main.ts": "console.log(1)" }),
      join(folder, "home"),
    ];
    using image = mounted(join(folder, "image"), ...tmpfs("mode=700"));
    const env = { FLAVOR_CACHE: join(image.path, "cache") };
    expect((await runPackage(first, [], { home, env })).stdout).toBe("1\n");
    expect(Bun.spawnSync(["mount", "-o", "remount,ro", image.path]).exitCode).toBe(0);
    const moved = join(folder, "moved elsewhere");
    renameSync(first, moved);
    const ran = await runPackage(moved, [], { home, env });
    expect(ran).toEqual({ stdout: "1\n", stderr: "", exitCode: 0, signal: null });
  });

  test("and has lost the program: the start ends, and says where it cannot write", async () => {
    const { named, view } = await viewOf((at) => rmSync(at("hello.sh")));
    expect(named.stdout).toBe("");
    expect(named.stderr).toContain(`${view} (from FLAVOR_CACHE): its file system is read-only`);
    expect(named.exitCode).toBe(103);
  });
});

const overlaid = reason ?? whyNoOverlay();
if (overlaid !== undefined)
  process.stderr.write(`not tested: caches in images of containers (${overlaid})\n`);

function whyNoOverlay(): string | undefined {
  using folder = tempDir();
  try {
    overlay(folder.path, folder.path)[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** A folder as a container sees it: what the image has, and what is written goes elsewhere. */
function overlay(image: string, scratch: string) {
  const [upper, work] = [join(scratch, "upper"), join(scratch, "work")];
  const disk = mounted(join(scratch, "disk"), ...tmpfs("mode=700"));
  for (const path of [upper, work]) mkdirSync(path.replace(scratch, disk.path));
  const layers = `lowerdir=${image},upperdir=${upper.replace(scratch, disk.path)},workdir=${work.replace(scratch, disk.path)}`;
  const view = mounted(join(scratch, "view"), "-t", "overlay", "-o", layers, "overlay");
  return {
    path: view.path,
    [Symbol.dispose]() {
      view[Symbol.dispose]();
      disk[Symbol.dispose]();
    },
  };
}

describe.skipIf(overlaid !== undefined)("a cache in the image of a container", () => {
  test.each([
    ["as it is", () => {}],
    ["without its program", (content: string) => rmSync(join(content, "app", "hello.sh"))],
    ["without its marker", (_: string, marker: string) => rmSync(marker)],
  ] as const)("is used %s, and mended and made anew beside it", async (_, harm) => {
    const { home, cache, layout } = await started();
    using folder = tempDir();
    using view = overlay(cache, folder.path);
    const there = layoutOf(view.path, layout.id);
    harm(there.content, there.marker);
    const run = () => runPackage(app, [], { home, env: { FLAVOR_CACHE: view.path } });
    expect([await run(), await run()]).toEqual([HELLO, HELLO]);
    const { staging, trash } = storeOf(view.path);
    expect([...readdirSync(staging), ...readdirSync(trash)]).toEqual([]);
    expect(existsSync(join(layout.content, "app", "hello.sh"))).toBe(true);
  });
});
