import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { oneFolder, packApp, runPackage } from "../support/launcher.ts";
import { cannotMount, mounted, tmpfs } from "../support/mounts.ts";
import { tempDir } from "../support/temp-dir.ts";

// Where a package is unpacked when the usual place will not do.

let dir: ReturnType<typeof tempDir>;
let app: string;
beforeAll(async () => {
  dir = tempDir();
  const files = { "app/where.sh": '#!/bin/sh\necho "$FLAVOR_WORKENV"\n', "app/data": "0".repeat(600_000) };
  app = await packApp(dir.path, oneFolder("where", "{workenv}/app/where.sh"), files);
});
afterAll(() => dir[Symbol.dispose]());

const folder = (name: string) => {
  const path = join(dir.path, name);
  mkdirSync(path);
  return path;
};
const UID = process.getuid?.() ?? 0;
const reason = cannotMount(join(tempDirOfProbe(), "mount"));
if (reason !== undefined) process.stderr.write(`not tested: caches on other file systems (${reason})\n`);

function tempDirOfProbe(): string {
  const { path } = tempDir();
  afterAll(() => void Bun.spawnSync(["rmdir", join(path, "mount"), path]));
  return path;
}

/** A run that may choose its place. */
const runIn = (home: string, TMPDIR: string, more: Record<string, string> = {}) =>
  runPackage(app, [], { home, env: { HOME: home, TMPDIR, FLAVOR_CACHE: undefined, ...more } });

describe("with a home where nothing can be made", () => {
  test("the temporary folder is used, and found again by the next start", async () => {
    const [home, temp] = [folder("file-home"), folder("temp")];
    await Bun.write(join(home, ".cache"), "a file");
    const first = await runIn(home, temp);
    expect(first.stderr).toBe("");
    const cache = join(temp, `flavor-${UID}`, "workenv");
    expect(dirname(first.stdout.trim())).toBe(cache);
    expect(statSync(dirname(cache)).mode & 0o777).toBe(0o700);
    const second = await runIn(home, temp, { FLAVOR_LOG_LEVEL: "info" });
    expect(second).toEqual({ ...first, stderr: "" }); // it would say so if it had unpacked
  });

  test("the log says what was passed over", async () => {
    const [home, temp] = [folder("file-home-2"), folder("temp-2")];
    await Bun.write(join(home, ".cache"), "a file");
    const { stderr } = await runIn(home, temp, { FLAVOR_LOG_LEVEL: "info" });
    expect(stderr).toContain(
      `cannot unpack to ${home}/.cache/flavor/workenv (in the home folder): a part of the path is a file`,
    );
  });

  test("a workenv there that others could have changed is not believed", async () => {
    const [home, temp] = [folder("file-home-3"), folder("temp-3")];
    await Bun.write(join(home, ".cache"), "a file");
    expect((await runIn(home, temp)).exitCode).toBe(0);
    chmodSync(join(temp, `flavor-${UID}`), 0o777);
    const { stdout, stderr, exitCode } = await runIn(home, temp);
    expect(stderr).toContain(`${temp}/flavor-${UID} can be written by everybody`);
    expect([stdout, exitCode]).toEqual(["", 103]);
  });
});

test("a FLAVOR_CACHE that cannot be used is an error, and nothing else is tried", async () => {
  const [home, temp] = [folder("home-4"), folder("temp-4")];
  const file = join(home, "file");
  await Bun.write(file, "");
  const { stderr, exitCode } = await runIn(home, temp, { FLAVOR_CACHE: join(file, "x") });
  expect(stderr)
    .toBe(`where.psp: Cannot find a place to unpack to: no folder for it can be used [no-workenv-location]
  ${file}/x (from FLAVOR_CACHE): a part of the path is a file
  hint: set FLAVOR_CACHE to a folder that you may write to
`);
  expect(exitCode).toBe(103);
  expect([readdirSync(home), readdirSync(temp)]).toEqual([["file"], []]);
});

describe.skipIf(reason !== undefined)("on other file systems", () => {
  test("noexec: the message names the mount", async () => {
    using disk = mounted(join(dir.path, "noexec"), ...tmpfs("noexec,mode=700"));
    const { stdout, stderr, exitCode } = await runPackage(app, [], { env: { FLAVOR_CACHE: disk.path } });
    expect(stderr).toContain(`${disk.path} is mounted noexec`);
    expect(stderr).toContain("hint: set FLAVOR_CACHE to a folder on a file system that");
    expect([stdout, exitCode]).toEqual(["", 103]);
    expect(readdirSync(disk.path)).toEqual([]);
  });

  test("a disk that is too small: said before anything is unpacked", async () => {
    using disk = mounted(join(dir.path, "small"), ...tmpfs("size=1m,mode=700"));
    const { stdout, stderr, exitCode } = await runPackage(app, [], { env: { FLAVOR_CACHE: disk.path } });
    expect(stderr).toMatch(/there is not enough space: 1\.0 MiB are free, 1\.\d MiB are needed/);
    expect([stdout, exitCode]).toEqual(["", 103]);
    expect(readdirSync(disk.path)).toEqual([]);
  });

  test("a read-only cache that holds the workenv is used as it is", async () => {
    const cache = folder("shared");
    const made = await runPackage(app, [], { env: { FLAVOR_CACHE: cache } });
    using view = mounted(join(dir.path, "view"), "--bind", cache);
    expect(Bun.spawnSync(["mount", "-o", "remount,bind,ro", view.path]).exitCode).toBe(0);
    const ran = await runPackage(app, [], { env: { FLAVOR_CACHE: view.path } });
    expect(ran).toEqual({ ...made, stdout: made.stdout.replace(cache, view.path) });
  });

  test.each([
    { lifecycle: "shutdown", says: "warning: nothing is done at the end: the cache cannot be written\n" },
    { lifecycle: "temporary", says: "" },
  ])("a read-only cache, with a $lifecycle slot: nothing is done at the end", async ({ lifecycle, says }) => {
    const home = folder(`end-${lifecycle}`);
    const slot = `[[slots]]\nid = "extra"\nsource = "extra"\nlifecycle = "${lifecycle}"\n`;
    const atEnd = await packApp(home, `${oneFolder("ends", "{workenv}/app/end.sh")}${slot}`, {
      "app/end.sh": "#!/bin/sh\nexit 7\n",
      extra: "#!/bin/sh\n",
    });
    const cache = join(home, "cache");
    await runPackage(atEnd, [], { env: { FLAVOR_CACHE: cache } });
    using view = mounted(join(home, "view"), "--bind", cache);
    expect(Bun.spawnSync(["mount", "-o", "remount,bind,ro", view.path]).exitCode).toBe(0);
    const ran = await runPackage(atEnd, [], { env: { FLAVOR_CACHE: view.path } });
    expect(ran).toMatchObject({ stdout: "", stderr: says && `${basename(atEnd)}: ${says}`, exitCode: 7 });
  });

  test("a read-only home: the temporary folder", async () => {
    const [home, temp] = [folder("ro-home"), folder("temp-5")];
    using view = mounted(join(dir.path, "ro-view"), "--bind", home);
    expect(Bun.spawnSync(["mount", "-o", "remount,bind,ro", view.path]).exitCode).toBe(0);
    const { stdout, stderr } = await runIn(view.path, temp);
    expect(stderr).toBe("");
    expect(stdout).toStartWith(`${temp}/flavor-${UID}/workenv/`);
  });

  test("a temporary folder of ours that somebody else has made is left alone", async () => {
    const [home, temp] = [folder("file-home-6"), folder("temp-6")];
    await Bun.write(join(home, ".cache"), "a file");
    const theirs = join(temp, `flavor-${UID}`);
    mkdirSync(theirs);
    chownSync(theirs, 54321, 54321);
    const { stderr, exitCode } = await runIn(home, temp);
    expect(stderr).toContain(`${theirs} belongs to another user (54321)`);
    expect(exitCode).toBe(103);
    expect(existsSync(join(theirs, "workenv"))).toBe(false);
  });
});
