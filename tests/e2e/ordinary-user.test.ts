import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { layoutOf, storeOf } from "../../format/cache/layout.ts";
import { cleanEnv, packApp } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

// Root may write everywhere, so what a user may not is tried as one.

const reason = whyNot();
if (reason !== undefined) process.stderr.write(`not tested: starts by an ordinary user (${reason})\n`);

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return "only root can become somebody else";
  return Bun.which("setpriv") === null ? "there is no setpriv" : undefined;
}

const USER = 54321;
const MANIFEST = `
[package]
name = "closed"
version = "1.0"
[execution]
command = "{workenv}/app/hello.sh"
[[slots]]
id = "app"
source = "app"
target = "app"
[[slots]]
id = "root"
source = "whole"
target = "{workenv}"
[workenv]
directories = [{ path = "hidden", mode = "0300" }]
`;

let dir: ReturnType<typeof tempDir>;
let app: string;
beforeAll(async () => {
  dir = tempDir();
  mkdirSync(join(dir.path, "whole"));
  const files = {
    "app/hello.sh": "#!/bin/sh\necho hello\n[ $(umask) = 0022 ] || umask\n",
    "app/deep/data": "data",
    "whole/file": "file",
  };
  for (const path of ["app/deep", "whole"]) mkdirSync(join(dir.path, path), { recursive: true });
  for (const [path, text] of Object.entries(files))
    writeFileSync(join(dir.path, path), text, { mode: path.endsWith(".sh") ? 0o555 : 0o444 });
  for (const path of ["app/deep", "app"]) chmodSync(join(dir.path, path), 0o555);
  app = await packApp(dir.path, MANIFEST, {});
  chmodSync(dir.path, 0o755);
});
afterAll(() => dir[Symbol.dispose]());

let homes = 0;
function newHome() {
  const home = join(dir.path, `home-${homes++}`);
  mkdirSync(home);
  chownSync(home, USER, USER);
  const cache = join(home, "cache");
  return {
    cache,
    run(program = app, ...args: readonly string[]) {
      const as = ["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups", program, ...args];
      const { stdout, stderr, exitCode } = Bun.spawnSync(as, { cwd: home, env: cleanEnv(home) });
      return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode };
    },
    layout() {
      const id = readdirSync(cache).find((name) => /^[0-9a-f]{16}$/.test(name));
      return layoutOf(cache, id as string);
    },
  };
}
const HELLO = { stdout: "hello\n", stderr: "", exitCode: 0 };

describe.skipIf(reason !== undefined)("folders that the package has closed", () => {
  test("are filled, and the workenv is used again", () => {
    const { run, layout } = newHome();
    expect([run(), run()]).toEqual([HELLO, HELLO]);
    expect(statSync(join(layout().content, "app", "deep")).mode & 0o777).toBe(0o555);
    expect(statSync(join(layout().content, "hidden")).mode & 0o777).toBe(0o300);
  });

  test.each(["deep", "deep/data"])("get back what was taken out of them: %s", (path) => {
    const { run, layout, cache } = newHome();
    expect(run()).toEqual(HELLO);
    const { content, marker } = layout();
    const log = join(content, "written by the application");
    writeFileSync(log, "");
    rmSync(join(content, "app", path), { recursive: true });
    rmSync(join(content, "app", "hello.sh"));
    utimesSync(marker, 1e9, 1e9);
    expect(run()).toEqual(HELLO);
    expect([readdirSync(join(content, "app", "deep")), existsSync(log)]).toEqual([["data"], true]);
    expect(statSync(join(content, "app", "deep")).mode & 0o777).toBe(0o555);
    expect(statSync(join(content, "app", "deep", "data")).uid).toBe(USER);
    expect(readdirSync(storeOf(cache).staging)).toEqual([]);
  });

  test("make way when the workenv must be made anew", () => {
    const { run, layout, cache } = newHome();
    expect(run()).toEqual(HELLO);
    chmodSync(layout().content, 0o555);
    writeFileSync(layout().marker, "");
    expect(run()).toEqual(HELLO);
    expect([...readdirSync(storeOf(cache).trash), ...readdirSync(storeOf(cache).staging)]).toEqual([]);
  });
});

describe.skipIf(reason !== undefined)("a mask that closes everything to its owner", () => {
  test.each(["exec", "spawn"])(
    "is the application's, and leaves nothing behind that nobody can enter (%s)",
    (mode) => {
      const { run, cache } = newHome();
      const start = `umask 0777; FLAVOR_EXEC_MODE=${mode} "$0"`;
      expect(run("/bin/sh", "-c", start, app)).toEqual({ ...HELLO, stdout: "hello\n0777\n" });
      expect(run()).toEqual(HELLO);
      for (const folder of [cache, storeOf(cache).locks]) expect(statSync(folder).mode & 0o777).toBe(0o700);
    },
  );
});

test.skipIf(reason !== undefined)(
  "a cache that root has filled serves a script of Bun, also when the package was moved",
  async () => {
    const folder = join(dir.path, "filled");
    const head = '[package]\nname = "script"\nversion = "1"\n';
    const rest = '[execution]\ncommand = "{bun} {workenv}/app/main.ts"\n[[slots]]\nsource = "app"\n';
    mkdirSync(folder);
    const script = await packApp(folder, head + rest, { "app/main.ts": 'console.log("hello");' });
    const env = { ...cleanEnv(folder), FLAVOR_CACHE: join(folder, "cache") };
    const start = (...command: readonly string[]) => {
      const { stdout, stderr, exitCode } = Bun.spawnSync([...command], { cwd: "/", env });
      return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode };
    };
    expect(start(script)).toEqual(HELLO);
    expect(Bun.spawnSync(["chmod", "-R", "a+rX", env.FLAVOR_CACHE]).exitCode).toBe(0);
    const moved = join(folder, "moved.psp");
    renameSync(script, moved);
    const asUser = ["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups", moved];
    expect([start(...asUser), start(...asUser)]).toEqual([HELLO, HELLO]);
  },
);
