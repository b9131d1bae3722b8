import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheOf, cleanEnv, runPackage, startPackage } from "../support/launcher.ts";
import { packWith } from "../support/slot-under-test.ts";
import { tempDir } from "../support/temp-dir.ts";

// Signals, keys and waiting for oneself, while a launcher works before its application and after it.

let dir: ReturnType<typeof tempDir>;
beforeAll(() => {
  dir = tempDir();
});
afterAll(() => dir[Symbol.dispose]());

test("a signal while the launcher cleans up goes to the shutdown program, and everything is done", async () => {
  const folder = join(dir.path, "signalled");
  const flag = (name: string) => join(folder, name);
  mkdirSync(folder);
  const program = `#!/bin/sh
trap 'touch ${flag("got")}; exit 0' TERM
touch ${flag("at-end")}
i=0; while [ $i -lt 500 ]; do i=$((i+1)); sleep 0.02; done
exit 1
`;
  writeFileSync(join(folder, "finish.sh"), program, { mode: 0o755 });
  const { app, workenv } = await packWith(
    dir.path,
    "signalled",
    { lifecycle: "temporary" },
    '[[slots]]\nid = "finish"\nsource = "finish.sh"\nlifecycle = "shutdown"\n',
  );
  const child = startPackage(app, ["exit 4"]);
  while (!existsSync(flag("at-end"))) await Bun.sleep(5);
  child.kill("SIGTERM");
  await child.exited;
  expect([child.exitCode, child.signalCode]).toEqual([4, null]);
  expect(existsSync(flag("got"))).toBe(true);
  expect(await new Response(child.stderr).text()).toBe("");
  expect(readdirSync(workenv())).toEqual(["app"]);
});

test.skipIf(process.platform !== "linux")(
  "what a setup was doing when its launcher was killed does not go on in the workenv that the next start makes",
  async () => {
    const { app, workenv } = await packWith(
      dir.path,
      "killed",
      { lifecycle: "lazy" },
      `[[setup_commands]]\ntype = "execute"\ncommand = 'sh -c "(touch \\$HOME/begun; sleep 1; echo done >>{workenv}/log); true"'`,
    );
    const first = startPackage(app, ["true"]);
    while (!existsSync(join(dirname(app), "home", "begun"))) await Bun.sleep(5);
    first.kill("SIGKILL");
    await first.exited;
    expect((await runPackage(app, ["true"])).exitCode).toBe(0);
    expect(readFileSync(join(workenv(), "log"), "utf8")).toBe("done\n");
  },
);

test("what a setup command leaves in the background stays, also when the workenv is made anew", async () => {
  const { app, workenv } = await packWith(
    dir.path,
    "background",
    { lifecycle: "lazy" },
    `[[setup_commands]]\ntype = "execute"\ncommand = 'sh -c "sleep 60 >/dev/null 2>&1 & echo \\$! >>\\$HOME/pids"'`,
  );
  expect((await runPackage(app, ["true"])).exitCode).toBe(0);
  rmSync(workenv(), { recursive: true });
  expect((await runPackage(app, ["true"])).exitCode).toBe(0);
  const pids = readFileSync(join(dirname(app), "home", "pids"), "utf8")
    .trim()
    .split("\n")
    .map(Number);
  expect(pids.length).toBe(2);
  for (const pid of pids) process.kill(pid, "SIGTERM"); // throws where there is none
});

test("a setup command cannot start its own package: that would wait for itself", async () => {
  const { app } = await packWith(
    dir.path,
    "impatient",
    { lifecycle: "lazy" },
    `[[setup_commands]]\ntype = "execute"\ncommand = 'sh -c "FLAVOR_LAUNCHER_CLI=1 \\$FLAVOR_PACKAGE unpack extra"'`,
  );
  const { exitCode, stderr } = await runPackage(app, ["true"]);
  expect(exitCode).toBe(103);
  expect(stderr).toContain("waits for the program that asked for it [start-failed]");
});

test("a shutdown program cannot start its own package: that would wait for itself", async () => {
  const folder = join(dir.path, "itself");
  mkdirSync(folder);
  const program = '#!/bin/sh\n"$FLAVOR_PACKAGE" true 2>"$HOME/said"; echo $? > "$HOME/code"\n';
  writeFileSync(join(folder, "finish.sh"), program, { mode: 0o755 });
  const { app } = await packWith(
    dir.path,
    "itself",
    { lifecycle: "runtime" },
    '[[slots]]\nid = "finish"\nsource = "finish.sh"\nlifecycle = "shutdown"\n',
  );
  expect(await runPackage(app, ["true"])).toMatchObject({ exitCode: 0, stderr: "" });
  const home = dirname(cacheOf(app));
  expect(readFileSync(join(home, "code"), "utf8")).toBe("104\n");
  expect(readFileSync(join(home, "said"), "utf8")).toContain(
    "waits for the program that asked for it [start-failed]",
  );
});

describe("setup commands", () => {
  const packSetup = (name: string) =>
    packWith(
      dir.path,
      name,
      { lifecycle: "runtime" },
      `[[setup_commands]]\ntype = "execute"\ncommand = 'sh -c "echo $$ > $HOME/pid; touch $HOME/ready; [ -e $HOME/go ] || exec sleep 60"'`,
    );
  const isAlive = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "%s ends them and the start, and leaves nothing",
    async (signal) => {
      const { app } = await packSetup(`setup-${signal}`);
      const home = join(dir.path, `home-${signal}`);
      const child = startPackage(app, ["true"], { home });
      while (!existsSync(join(home, "ready"))) await Bun.sleep(5);
      child.kill(signal);
      await child.exited;
      expect(child.signalCode).toBe(signal);
      expect(isAlive(Number(readFileSync(join(home, "pid"), "utf8")))).toBe(false);
      const left = readdirSync(join(home, "cache"), { recursive: true }).filter(
        (path) => !String(path).endsWith("pspf"),
      );
      expect(left.filter((path) => /staging.|trash.|complete|^[0-9a-f]{16}$/.test(String(path)))).toEqual([]);
      writeFileSync(join(home, "go"), "");
      expect(await runPackage(app, ["cat extra/note"], { home })).toMatchObject({
        stdout: "original\n",
        exitCode: 0,
      });
    },
  );
});

/** The program that gives others a terminal. */
const SCRIPT = Bun.which("script");
const hasTerminals = process.platform === "linux" && SCRIPT !== null;
if (!hasTerminals) process.stderr.write("skipped: keys of a terminal, for want of script(1) of Linux\n");

test.skipIf(!hasTerminals)(
  "a key of the terminal reaches the application once, and the launcher cleans up",
  async () => {
    const { app, workenv } = await packWith(
      dir.path,
      "terminal",
      { lifecycle: "temporary" },
      "",
      "{bun} {workenv}/app/count.ts",
    );
    const home = join(dir.path, "home-terminal");
    mkdirSync(home, { recursive: true });
    const count = join(home, "count");
    const ready = join(home, "ready");
    const command = `trap : INT QUIT; '${app}' '${count}' '${ready}'; echo "ended with $?"`;
    const env = { ...cleanEnv(home), FLAVOR_CACHE: cacheOf(app), SHELL: "/bin/sh" };
    // Without its terminal, whatever is left of a test that failed ends as well.
    await using terminal = Bun.spawn([SCRIPT as string, "-qfec", command, "/dev/null"], {
      env,
      stdin: "pipe",
      stdout: "pipe",
    });
    const lines = () => (existsSync(count) ? readFileSync(count, "utf8").trim().split("\n") : []);
    while (!existsSync(ready)) await Bun.sleep(5);
    const until = async (...expected: readonly string[]) => {
      while (lines().length < expected.length) await Bun.sleep(5);
      expect(lines()).toEqual([...expected]);
    };
    const press = (key: string) => {
      terminal.stdin.write(key);
      terminal.stdin.flush();
    };
    // Several times: two that come very close together may be seen as one.
    const seen: string[] = [];
    for (let round = 0; round < 5; round++) {
      press("\x03");
      await until(...seen, "INT");
      // What the launcher hands on comes after all that it got before: by then, a second one would be there.
      process.kill(Number(readFileSync(ready, "utf8")), "SIGUSR1");
      seen.push("INT", "USR1");
      await until(...seen);
    }
    press("\x1c");
    expect(await new Response(terminal.stdout).text()).toContain("ended with 5");
    terminal.stdin.end();
    await terminal.exited;
    expect(lines()).toEqual([...seen, "QUIT"]);
    expect(readdirSync(workenv())).toEqual(["app"]);
  },
);
