import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, linkSync, mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { hostLauncher, oneFolder, packApp } from "../support/launcher.ts";
import { cannotMount, mounted } from "../support/mounts.ts";
import { tempDir } from "../support/temp-dir.ts";

// A system where one program does the work of all and looks at argv[0] to know which is meant.

const busybox = Bun.which("busybox");
const dir = tempDir();
const reason =
  busybox === null ? "there is no busybox" : (cannotMount(join(dir.path, "scratch")) ?? undefined);
if (reason !== undefined) process.stderr.write(`not tested: packages on a system of BusyBox (${reason})\n`);

const root = join(dir.path, "root");
const mounts: Disposable[] = [];
const APPLETS = ["sh", "env", "echo", "cat", "cp", "true"];

beforeAll(async () => {
  if (reason !== undefined || busybox === null) return;
  for (const folder of ["bin", "dev", "proc", "tmp", "home"])
    mkdirSync(join(root, folder), { recursive: true });
  copyFileSync(busybox, join(root, "bin/busybox"));
  for (const applet of APPLETS) symlinkSync("busybox", join(root, "bin", applet));
  for (const program of [busybox, await hostLauncher()])
    for (const library of librariesOf(program)) copyIn(library);
  mounts.push(mounted(join(root, "proc"), "-t", "proc", "proc"));
  Bun.spawnSync(["mknod", "-m", "666", join(root, "dev/null"), "c", "1", "3"]);
});
afterAll(() => {
  for (const mount of mounts) mount[Symbol.dispose]();
  dir[Symbol.dispose]();
});

/** The paths that a dynamic program is loaded with. */
const librariesOf = (program: string): readonly string[] => [
  ...new Set(Bun.spawnSync(["ldd", program]).stdout.toString().match(/\/\S+/g)),
];

function copyIn(path: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  copyFileSync(path, join(root, path));
}

const RUN = '#!/bin/sh\necho "$(cat "$FLAVOR_WORKENV/app/data") $*"\n';

test.skipIf(reason !== undefined).each([
  ["sh", "sh {workenv}/app/run.sh", "data a b\n"],
  ["sh, as FlavorPack writes it", "{workenv}/sh {workenv}/app/run.sh", "data a b\n"],
  ["env", "env GREETING=hello sh -c 'echo $GREETING $*' sh", "hello a b\n"],
  ["echo", "echo hello", "hello a b\n"],
  ["a script for sh", "{workenv}/app/run.sh", "data a b\n"],
  ["a link to a BusyBox that the package brings", "{workenv}/app/sh {workenv}/app/run.sh", "data a b\n"],
])("a package whose command is %s", async (name, command, answer) => {
  const folder = join(dir.path, name);
  const setup = '[[setup_commands]]\ntype = "execute"\ncommand = "cp {workenv}/app/data {workenv}/copy"\n';
  mkdirSync(join(folder, "app"), { recursive: true });
  copyFileSync(busybox as string, join(folder, "app/busybox"));
  symlinkSync("busybox", join(folder, "app/sh"));
  const app = await packApp(folder, oneFolder("boxed", command, setup), {
    "app/run.sh": RUN,
    "app/data": "data",
  });
  const inRoot = join(root, "home", "boxed.psp");
  Bun.spawnSync(["rm", "-rf", join(root, "home")]);
  mkdirSync(join(root, "home"));
  linkSync(app, inRoot);
  for (const mode of ["exec", "exec", "spawn"]) {
    const { stdout, stderr, exitCode } = Bun.spawnSync(
      [Bun.which("chroot") ?? "chroot", root, "/home/boxed.psp", "a", "b"],
      {
        env: { HOME: "/home", PATH: "/bin", FLAVOR_EXEC_MODE: mode },
      },
    );
    expect({ mode, stdout: `${stdout}`, stderr: `${stderr}`, exitCode }).toEqual({
      mode,
      stdout: answer,
      stderr: "",
      exitCode: 0,
    });
  }
});
