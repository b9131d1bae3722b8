import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { cleanEnv, oneFolder, packApp, runPackage, startPackage } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

// FLAVOR_EXEC_MODE=spawn: the launcher stays as the program's parent, which Windows always does.

const PROBE = `#!/bin/sh
case "$1" in
  exit) exit "$2" ;;
  kill) kill "-$2" $$ ;;
  echo) cat; echo err >&2; echo "<$2>" ;;
  parent) [ "$$" = "$2" ] && echo same || echo other ;;
  stay) echo $$; exec sleep 600 ;;
  pause) echo $$; read -r line; echo "went on" ;;
  wait) trap 'echo "got $2"; exit 7' "$2"; echo ready; i=0; while [ $i -lt 400 ]; do i=$((i+1)); sleep 0.05; done ;;
esac
`;

let dir: ReturnType<typeof tempDir>;
let app: string;
let broken: string;
beforeAll(async () => {
  dir = tempDir();
  app = await packApp(dir.path, oneFolder("probe", "{workenv}/app/probe.sh"), {
    "app/probe.sh": PROBE,
    "app/data.bin": "\0\0\0\0 no program",
  });
  broken = await packApp(dir.path, oneFolder("broken", "{workenv}/app/data.bin"), {});
});
afterAll(() => dir[Symbol.dispose]());

const env = { FLAVOR_EXEC_MODE: "spawn" };

test.each([0, 1, 42, 127, 255])("exit code %d is the program's", async (code) => {
  expect(await runPackage(app, ["exit", String(code)], { env })).toMatchObject({
    exitCode: code,
    stderr: "",
  });
});

test.each(["TERM", "KILL", "INT", "HUP", "QUIT", "ABRT", "SEGV", "PIPE", "USR1", "ALRM", "XFSZ"] as const)(
  "a death by SIG%s is the launcher's, too, and a shell says 128 and its number",
  async (name) => {
    expect(await runPackage(app, ["kill", name], { env })).toEqual({
      stdout: "",
      stderr: "",
      exitCode: null,
      signal: `SIG${name}`,
    });
    const shell = await runPackage("/bin/sh", ["-c", '"$0" kill "$1"; echo $?', app, name], {
      env,
      home: join(dirname(app), "home"),
    });
    expect(shell.stdout).toBe(`${128 + constants.signals[`SIG${name}`]}\n`);
  },
);

test("the streams are the caller's", async () => {
  expect(await runPackage(app, ["echo", "a b"], { env, stdin: "in\n" })).toEqual({
    stdout: "in\n<a b>\n",
    stderr: "err\n",
    exitCode: 0,
    signal: null,
  });
});

test.each([
  ["spawn", "other\n"],
  ["exec", "same\n"],
])("with FLAVOR_EXEC_MODE=%s the program has the process id: %j", (mode, answer) => {
  const { stdout } = Bun.spawnSync(["sh", "-c", 'exec "$1" parent $$', "sh", app], {
    env: { ...cleanEnv(join(dirname(app), "home")), FLAVOR_EXEC_MODE: mode },
  });
  expect(stdout.toString()).toBe(answer);
});

type Signal = "TERM" | "INT" | "HUP" | "QUIT" | "USR1" | "USR2";

/** Starts the program, waits for its first line, sends a signal; what it wrote until its end. */
async function signalled(name: Signal, mode: typeof env | undefined) {
  const child = startPackage(app, ["wait", name], mode === undefined ? {} : { env: mode });
  let text = "";
  for await (const piece of child.stdout) {
    if (text === "") child.kill(`SIG${name}`);
    text += new TextDecoder().decode(piece);
  }
  await child.exited;
  return { text, exitCode: child.exitCode };
}

test.each(["TERM", "INT", "HUP", "QUIT", "USR1", "USR2"] as const)(
  "SIG%s is handed on, also when it comes at the child's first line",
  async (name) => {
    expect(await signalled(name, env)).toEqual({ text: `ready\ngot ${name}\n`, exitCode: 7 });
  },
);

test("without the variable the program is in the launcher's place and gets signals itself", async () => {
  expect(await signalled("TERM", undefined)).toEqual({ text: "ready\ngot TERM\n", exitCode: 7 });
});

test.each(["exec", "spawn"])("a program that cannot be started is 104 (%s)", async (mode) => {
  const { stderr, exitCode } = await runPackage(broken, [], { env: { FLAVOR_EXEC_MODE: mode } });
  expect(stderr).toStartWith("broken.psp: Cannot start ");
  expect(stderr).toContain("[start-failed]");
  expect(exitCode).toBe(104);
});

describe.skipIf(process.platform !== "linux")("on Linux", () => {
  /** The program, when it has said its process id. */
  async function started(how: "pause" | "stay") {
    const child = Bun.spawn([app, how], {
      env: { ...cleanEnv(join(dirname(app), "home")), ...env },
      stdin: "pipe",
      stdout: "pipe",
    });
    const reader = child.stdout.getReader();
    const program = Number(new TextDecoder().decode((await reader.read()).value));
    const rest = async () => new TextDecoder().decode((await reader.read()).value);
    return { launcher: child, program, rest };
  }
  /** One letter, such as T for a stopped process; undefined for one that is gone. */
  const stateOf = (pid: number): string | undefined => {
    try {
      return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
    } catch {
      return undefined;
    }
  };
  const until = async (condition: () => boolean) => {
    for (let i = 0; !condition(); i++) {
      if (i === 800) throw new Error("it does not happen");
      await Bun.sleep(5);
    }
  };

  test("a program whose launcher is killed ends", async () => {
    const { launcher, program } = await started("stay");
    launcher.kill("SIGKILL");
    await launcher.exited;
    try {
      // Whoever adopts it may let it lie dead.
      await until(() => [undefined, "Z", "X"].includes(stateOf(program)));
    } finally {
      if (stateOf(program) === "S") process.kill(program, "SIGKILL");
    }
  });

  /**
   * The same in a process group of its own, beside that of a shell: in one without a parent from another group of its
   * session, as everything has that was started without a terminal, nobody stops by SIGTSTP.
   */
  async function startedAsJob() {
    const job =
      'set -m; "$0" pause & echo "launcher $!"; while wait $!; code=$?; kill -0 $! 2>/dev/null; do :; done; echo "code $code"';
    const shell = Bun.spawn(["bash", "-c", job, app], {
      env: { ...cleanEnv(join(dirname(app), "home")), ...env },
      stdin: "pipe",
      stdout: "pipe",
    });
    const reader = shell.stdout.getReader();
    let said = "";
    const found = async (pattern: RegExp): Promise<string> => {
      for (;;) {
        const match = pattern.exec(said);
        if (match !== null) return match[1] as string;
        const { done, value } = await reader.read();
        if (done) throw new Error(`only this was said: ${said}`);
        said += new TextDecoder().decode(value);
      }
    };
    return { shell, found };
  }

  test.each(["launcher", "program"] as const)(
    "the other stops when the %s is stopped, and both go on",
    async (who) => {
      const { shell, found } = await startedAsJob();
      const launcher = Number(await found(/^launcher (\d+)$/m));
      const program = Number(await found(/^(\d+)$/m));
      process.kill(who === "launcher" ? launcher : program, "SIGTSTP");
      await until(() => stateOf(program) === "T" && stateOf(launcher) === "T");
      process.kill(launcher, "SIGCONT");
      await until(() => stateOf(program) !== "T" && stateOf(launcher) !== "T");
      shell.stdin.write("\n");
      shell.stdin.end();
      expect(await found(/^(went on)$/m)).toBe("went on");
      expect(await found(/^code (\d+)$/m)).toBe("0");
      await shell.exited;
    },
  );
});
