import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { memorySource } from "../../format/io/byte-source.ts";
import { openPackage } from "../../format/reader.ts";
import { keyPairFromText } from "../../format/seal/keys.ts";
import { toHex } from "../../format/wire/hashes.ts";
import { testLauncher } from "../support/compiled.ts";
import { cleanEnv, oneFolder, packApp } from "../support/launcher.ts";
import { barsIn, isPlain, screenOf } from "../support/screen.ts";
import { tempDir } from "../support/temp-dir.ts";
import { hasTerminals, onTerminal } from "../support/terminal.ts";

// What a slow start shows, and that its application finds a terminal where nothing of it is left.

if (!hasTerminals) process.stderr.write("skipped: bars of launchers, Windows has no such terminal\n");
const canUseThreads = availableParallelism() > 1;
if (!canUseThreads) process.stderr.write("skipped: bars of threads, there is one processor only\n");

const [HASTY, STILL] = [{ FLAVOR_TEST_CLOCK: "hasty" }, { FLAVOR_TEST_CLOCK: "still" }];

/** A program that says what a process gets from who starts it. */
const LOOK = `#!/bin/sh
ls /proc/self/fd
grep -E "^Sig[BIC]|^ShdPnd" /proc/self/status
for fd in 0 1 2; do grep flags /proc/self/fdinfo/$fd; done
stty -a
`;

let dir: ReturnType<typeof tempDir>;
const apps: Record<string, string> = {};
beforeAll(async () => {
  dir = tempDir();
  const launcher = (await testLauncher()).path;
  const files = {
    "app/look": LOOK,
    "app/run": "#!/bin/sh\necho to stdout\necho to stderr >&2\n",
    "app/content": crypto.getRandomValues(new Uint8Array(3_000_000)),
    ...Object.fromEntries(
      Array.from({ length: 8 }, (_, i) => [`more/${i}`, crypto.getRandomValues(new Uint8Array(5_000_000))]),
    ),
  };
  const pack = (name: string, more = "", program = "run") =>
    packApp(dir.path, oneFolder(name, `{workenv}/app/${program}`, more), files, {
      launcher,
      level: 1,
      keySeed: "test",
    });
  apps["small"] = await pack("small");
  apps["large"] = await pack("large", '[[slots]]\nid = "more"\nsource = "more"\n');
  apps["waiting"] = await pack(
    "waiting",
    `[[setup_commands]]\ntype = "execute"\ncommand = 'sh -c "echo $$ $PPID > $HOME/begun.part; mv $HOME/begun.part $HOME/begun; exec sleep 60"'\n`,
  );
  apps["looking"] = await pack("looking", "", "look");
  apps["failing"] = await pack(
    "failing",
    `[[setup_commands]]\ntype = "execute"\ncommand = 'sh -c "echo no luck; exit 3"'\n`,
  );
}, 60_000);
afterAll(() => dir[Symbol.dispose]());

let homes = 0;
/** Starts a package on a terminal, for the first time unless it has a home already. */
async function start(name: string, env = {}, redirections = "", home = join(dir.path, `home-${homes++}`)) {
  mkdirSync(home, { recursive: true });
  const command = ["sh", "-c", `exec "$0" ${redirections}`, apps[name] as string];
  const options = { cwd: home, env: { ...cleanEnv(home), TERM: "xterm", FLAVOR_DURABLE: "0", ...env } };
  return { home, ...(await onTerminal(command, options)) };
}
const small = () => apps["small"] as string;

/** A start to which a signal is sent when it has drawn its bar; where threads unpack, they wait until its end. */
async function signalled(
  name: NodeJS.Signals,
  command: readonly string[],
  where: "first thread" | "threads" = "first thread",
) {
  const home = join(dir.path, `home-${homes++}`);
  const pause = join(home, "pause");
  mkdirSync(home);
  let isSent = false;
  const ended = await onTerminal(command, {
    env: {
      ...cleanEnv(home),
      TERM: "xterm",
      ...HASTY,
      FLAVOR_TEST_PAUSE: `${where === "threads" ? "frame" : "slot"}-unpacked:${pause}`,
      FLAVOR_TEST_PAUSE_IN: where,
    },
    onShown(shown, child) {
      if (isSent || barsIn(shown).length === 0) return;
      isSent = true;
      while (!existsSync(pause)) Bun.sleepSync(1);
      child.kill(name);
      if (where === "first thread") rmSync(pause);
    },
  });
  expect(isSent).toBe(true);
  return ended;
}

const SAYS = "to stdout\nto stderr\n";
const QUIET = /^to stdout\r\nto stderr\r\n$/;

describe.skipIf(!hasTerminals)("a first start", () => {
  test("shows a bar, which is gone before the application's first byte", async () => {
    const { shown, exitCode } = await start("small", HASTY);
    const bars = barsIn(shown);
    expect(bars[0]).toBe("unpacking small.psp  [>         ]    0%      0.0/3.0 MB       0 B/s");
    const complete = /^unpacking small.psp {2}\[={10}\] +100% +3\.0\/3\.0 MB +\d.* [KM]B\/s$/;
    expect(bars).toContainEqual(expect.stringMatching(complete));
    // By this clock it has all come in one moment, and nothing for long.
    expect(bars.at(-1)).toMatch(/ 100% +3\.0\/3\.0 MB /);
    expect(shown).toMatch(/^(\r\P{Cc}+\p{Cc}\[K)+\r\p{Cc}\[Kto stdout\r\nto stderr\r\n$/u);
    expect(screenOf(shown)).toBe(SAYS);
    expect(exitCode).toBe(0);
  });

  test("shows nothing when it is quick, and neither does one that finds all ready", async () => {
    const { shown, home } = await start("small", STILL);
    expect(shown).toMatch(QUIET);
    expect((await start("small", HASTY, "", home)).shown).toMatch(QUIET);
  });

  test("shows one for comparing, when all must be as it was signed", async () => {
    const strict = {
      FLAVOR_VALIDATION: "strict",
      FLAVOR_TRUSTED_KEYS: toHex(keyPairFromText("test").publicKey),
    };
    const { home } = await start("small", { ...STILL, ...strict });
    const { shown } = await start("small", { ...HASTY, ...strict }, "", home);
    expect(barsIn(shown).at(-1)).toMatch(/^comparing small.psp {2}\[={10}\] +100% +3\.0\/3\.0 MB /);
    expect(screenOf(shown)).toBe(SAYS);
  });

  test("writes nothing to what the application writes to", async () => {
    const { shown, home } = await start("small", HASTY, ">out");
    expect(barsIn(shown)).not.toEqual([]);
    expect(screenOf(shown)).toBe("to stderr\n");
    expect(readFileSync(join(home, "out"), "utf8")).toBe("to stdout\n");
  });

  test.each<[string, string, object, string, string]>([
    ["stderr is a file", "2>err", {}, "to stdout\r\n", "to stderr\n"],
    ["stderr is closed", "2>&-", {}, "to stdout\r\n", ""],
    ["stderr is nowhere", "2>/dev/null", {}, "to stdout\r\n", ""],
    ["the terminal is dumb", "", { TERM: "dumb" }, "to stdout\r\nto stderr\r\n", ""],
    ["it is a build machine", "", { CI: "1" }, "to stdout\r\nto stderr\r\n", ""],
  ])("shows nothing where %s", async (_, redirections, env, expected, written) => {
    const { shown, home } = await start("small", { ...HASTY, ...env }, redirections);
    expect(shown.replace(/.*Bad file descriptor\r\n/, "")).toBe(expected);
    const err = join(home, "err");
    expect(existsSync(err) ? readFileSync(err, "utf8") : "").toBe(written);
  });

  test("has its bar under what it logs", async () => {
    const { shown } = await start("small", { ...HASTY, FLAVOR_LOG_LEVEL: "debug" });
    expect(barsIn(shown)).not.toEqual([]);
    const lines = screenOf(shown).split("\n");
    expect(lines.filter((line) => line.startsWith("small.psp: ")).length).toBeGreaterThan(4);
    expect(lines.filter((line) => !/^(small.psp: (debug|info) .*|to \w+|)$/.test(line))).toEqual([]);
  });

  test("shows the bar before setup commands, of which only the failure is seen", async () => {
    const { shown, exitCode } = await start("failing", HASTY);
    expect(barsIn(shown)).not.toEqual([]);
    expect(screenOf(shown)).toMatch(
      /^failing.psp: Cannot set up the package: .*\n {2}no luck\n {2}hint: .*\n$/,
    );
    expect(exitCode).toBe(103);
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const)(
    "that %s ends leaves a clean line",
    async (name) => {
      const { shown, signal } = await signalled(name, [small()]);
      expect(signal).toBe(name);
      expect(screenOf(shown)).toBe("");
    },
  );

  test.skipIf(!canUseThreads)(
    "leaves a clean line when a signal comes while its bar stands there",
    async () => {
      const { shown, signal } = await signalled("SIGTERM", [apps["large"] as string], "threads");
      expect(signal).toBe("SIGTERM");
      expect(screenOf(shown)).toBe("");
    },
  );

  test("that a signal ends in a setup command ends that, too", async () => {
    const home = join(dir.path, `home-${homes++}`);
    const begun = join(home, "begun");
    const ended = start("waiting", HASTY, "", home);
    while (!existsSync(begun)) await Bun.sleep(5);
    const [command = 0, launcher = 0] = readFileSync(begun, "utf8").trim().split(" ").map(Number);
    process.kill(launcher, "SIGTERM");
    const { shown, signal } = await ended;
    expect(signal).toBe("SIGTERM");
    expect(barsIn(shown)).not.toEqual([]);
    expect(screenOf(shown)).toBe("");
    expect(() => process.kill(command, 0)).toThrow();
  });

  test("that fails while it unpacks leaves nothing but the error", async () => {
    const bytes = new Uint8Array(readFileSync(small()));
    const { slots } = await openPackage(memorySource(bytes));
    const { offset, size } = slots[0]!.stored;
    bytes[offset + size - 1]! ^= 1;
    apps["damaged"] = join(dir.path, "damaged.psp");
    writeFileSync(apps["damaged"], bytes, { mode: 0o755 });
    const { shown, exitCode } = await start("damaged", HASTY);
    expect(barsIn(shown)).not.toEqual([]);
    expect(screenOf(shown)).toMatch(/^damaged.psp: Cannot trust slot 0 \(app\): .*\n {2}hint: .*\n$/);
    expect(exitCode).toBe(107);
  });

  test.skipIf(!existsSync("/proc/self/fdinfo"))("hands on what it would without a bar", async () => {
    const [seen, expected] = await Promise.all([start("looking", HASTY), start("looking", STILL)]);
    expect(barsIn(seen.shown)).not.toEqual([]);
    expect(barsIn(expected.shown)).toEqual([]);
    expect(screenOf(seen.shown)).toBe(screenOf(expected.shown));
    expect(screenOf(seen.shown)).toContain("SigIgn:");
  });

  test("is not ended by a signal that its caller ignores", async () => {
    const { shown, exitCode } = await signalled("SIGHUP", ["sh", "-c", 'trap "" HUP; exec "$0"', small()]);
    expect(screenOf(shown)).toBe(SAYS);
    expect(exitCode).toBe(0);
  });

  test.skipIf(!canUseThreads)("tells what threads have unpacked", async () => {
    const home = join(dir.path, "home-threads");
    mkdirSync(home);
    const { shown } = await onTerminal([apps["large"] as string], {
      env: { ...cleanEnv(home), TERM: "xterm", ...HASTY, FLAVOR_LOG_LEVEL: "debug" },
    });
    expect(shown).toMatch(/unpacked by \d threads/);
    expect(barsIn(shown).some((bar) => /unpacking large.psp .* [1-9]\d*% .*\/43\.0 MB/.test(bar))).toBe(true);
    expect(screenOf(shown)).toEndWith(`\n${SAYS}`);
  });
});

describe.skipIf(!hasTerminals)("the launcher's own command", () => {
  const own = async (...args: readonly string[]) => {
    const home = join(dir.path, `home-${homes++}`);
    mkdirSync(home);
    const env = { ...cleanEnv(home), TERM: "xterm", FLAVOR_LAUNCHER_CLI: "1", FLAVOR_DURABLE: "0" };
    const run = (more: object) => onTerminal([small(), ...args], { cwd: home, env: { ...env, ...more } });
    const hasty = await run(HASTY);
    rmSync(home, { recursive: true });
    mkdirSync(home);
    return { hasty, quick: await run(STILL) };
  };

  test.each([
    ["verifying", ["verify"]],
    ["extracting", ["extract", "0", "out"]],
    ["unpacking", ["prepare"]],
    ["unpacking", ["run"]],
  ])("shows a bar for %s (%p)", async (label, args) => {
    const { hasty, quick } = await own(...args);
    const bars = barsIn(hasty.shown);
    expect(bars[0]).toStartWith(`${label} small.psp  [`);
    expect(bars.at(-1)).toContain(" 100% ");
    expect(isPlain(quick.shown)).toBe(true);
    expect(screenOf(hasty.shown)).toBe(screenOf(quick.shown));
    expect([hasty.exitCode, quick.exitCode]).toEqual([0, 0]);
  });
});
