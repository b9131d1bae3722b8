import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { memorySource } from "../../format/io/byte-source.ts";
import { openPackage } from "../../format/reader.ts";
import { compiledLauncher } from "../support/compiled.ts";
import { writeFiles } from "../support/launcher.ts";
import { fileSlot, packageBytes } from "../support/packages.ts";
import { barsIn, isPlain, screenOf } from "../support/screen.ts";
import { tempDir } from "../support/temp-dir.ts";
import { hasTerminals, onTerminal } from "../support/terminal.ts";

// What flavor shows of long work, and that nothing of it is left: neither on the terminal, nor in what others read.

const MAIN = join(import.meta.dir, "..", "..", "builder", "cli", "main.ts");
const CLOCK = join(import.meta.dir, "..", "support", "odd-clock.ts");
if (!hasTerminals) process.stderr.write("skipped: bars of flavor, Windows has no such terminal\n");

let dir: ReturnType<typeof tempDir>;
let environment: Readonly<Record<string, string>>;
beforeAll(async () => {
  dir = tempDir();
  environment = {
    PATH: process.env["PATH"] ?? "",
    HOME: join(dir.path, "home"),
    XDG_CACHE_HOME: join(dir.path, "home", "cache"),
    TMPDIR: dir.path,
    FLAVOR_LAUNCHERS: dirname((await compiledLauncher()).path),
    TERM: "xterm",
    NO_COLOR: "1",
    SOURCE_DATE_EPOCH: "0",
    FLAVOR_TEST_CLOCK: "hasty",
  };
  writeFiles(dir.path, {
    "flavor.toml":
      '[package]\nname = "app"\nversion = "1"\n[execution]\ncommand = "true"\n[[slots]]\nsource = "src"\n',
    "src/large": crypto.getRandomValues(new Uint8Array(3_000_000)),
    stub: "#!/bin/sh\n",
    "x.psp": await packageBytes({ slots: [fileSlot("big", "text ".repeat(500_000)), fileSlot("a", "text")] }),
  });
});
afterAll(() => dir[Symbol.dispose]());
const at = (name: string) => join(dir.path, name);

const PACK = ["pack", "--launcher", "stub", "--key-seed", "test", "-o"] as const;

/** Runs flavor as if it had worked for long already, on a terminal unless the shell's `redirections` lead elsewhere. */
const flavor = (args: readonly string[], redirections = "", env = {}) =>
  onTerminal(
    ["sh", "-c", `"$@" ${redirections}`, "sh", process.execPath, "--preload", CLOCK, MAIN, ...args],
    {
      cwd: dir.path,
      env: { ...environment, ...env },
    },
  );

const COMMANDS: readonly [name: string, args: readonly string[], labels: readonly string[]][] = [
  ["pack", [...PACK, "out.psp"], ["packing out.psp", "verifying out.psp"]],
  ["verify", ["verify", "x.psp"], ["verifying x.psp"]],
  ["extract", ["extract", "x.psp", "big", "big", "--force"], ["extracting big"]],
  ["extract --raw", ["extract", "x.psp", "a", "raw", "--raw", "--force"], ["extracting a"]],
  ["extract-all", ["extract-all", "x.psp", "FRESH"], ["extracting x.psp"]],
];
let fresh = 0;
const withFresh = (args: readonly string[]) =>
  args.map((arg) => (arg === "FRESH" ? `fresh-${fresh++}` : arg));

describe.skipIf(!hasTerminals).each(COMMANDS)("flavor %s", (_, args, labels) => {
  test("shows bars while it works, and then only what it always prints", async () => {
    const given = withFresh(args);
    const { shown, exitCode } = await flavor(given);
    const bars = barsIn(shown);
    expect([...new Set(bars.map((bar) => bar.split("  ")[0]))]).toEqual([...labels]);
    expect(bars.every((bar) => bar.length < 80)).toBe(true);
    expect(exitCode).toBe(0);
    await flavor(
      given.map((arg) => arg.replace("fresh-", "again-")),
      ">out 2>err",
    );
    expect(screenOf(shown)).toBe(
      (readFileSync(at("err"), "utf8") + readFileSync(at("out"), "utf8")).replaceAll("again-", "fresh-"),
    );
  });

  test.each([
    ["stderr is a file", [], "2>err", {}],
    ["the terminal is dumb", [], "", { TERM: "dumb" }],
    ["there is no name for the terminal", [], "", { TERM: "" }],
    ["it is a build machine", [], "", { CI: "true" }],
    ...(["pack", "verify", "extract-all"].includes(args[0] as string)
      ? ([["a document is asked for", ["--json"], "", {}]] as const)
      : []),
    ...(args[0] === "pack" ? ([["nothing shall be said", ["--quiet"], "", {}]] as const) : []),
  ] as const)("shows none where %s", async (_, more, redirections, env) => {
    const { shown, exitCode } = await flavor([...withFresh(args), ...more], redirections, env);
    expect(isPlain(shown)).toBe(true);
    if (redirections !== "") expect(isPlain(readFileSync(at("err"), "utf8"))).toBe(true);
    expect(exitCode).toBe(0);
  });
});

describe.skipIf(!hasTerminals)("a bar", () => {
  test("goes to stderr: stdout is the same to the byte", async () => {
    await flavor(["verify", "x.psp"], ">alone 2>/dev/null");
    const { shown } = await flavor(["verify", "x.psp"], ">out");
    expect(barsIn(shown)).not.toEqual([]);
    expect(screenOf(shown)).toBe("");
    expect(readFileSync(at("out"))).toEqual(readFileSync(at("alone")));
  });

  test("is there without any colour, as all of it is", async () => {
    const { shown } = await flavor(["verify", "x.psp"], ">/dev/null", { NO_COLOR: "" });
    expect(barsIn(shown)).not.toEqual([]);
    expect(shown).not.toContain("\u001b[3");
  });

  test("of quick work is never there", async () => {
    const { shown } = await flavor(["verify", "x.psp"], "", { FLAVOR_TEST_CLOCK: "still" });
    expect(shown).toContain("x.psp is valid");
    expect(isPlain(shown)).toBe(true);
  });

  test("makes way for an error", async () => {
    const bytes = new Uint8Array(readFileSync(at("x.psp")));
    const { slots } = await openPackage(memorySource(bytes));
    const { offset, size } = slots[1]!.stored;
    bytes[offset + size - 1]! ^= 1;
    writeFileSync(at("bad.psp"), bytes);
    const { shown, exitCode } = await flavor(["extract-all", "bad.psp", "bad"]);
    expect(barsIn(shown)).not.toEqual([]);
    expect(screenOf(shown)).toStartWith("error: Cannot trust slot 1 (a): ");
    expect(exitCode).toBe(107);
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("goes when %s ends the work", async (name, code) => {
    // Too much for a quick end: what is slow is the codec.
    writeFileSync(at("slow"), crypto.getRandomValues(new Uint8Array(65536)).toHex().repeat(100));
    writeFiles(at("slowly"), {
      "flavor.toml":
        '[package]\nname = "slow"\nversion = "1"\n[execution]\ncommand = "true"\n[[slots]]\nsource = "../slow"\noperations = "xz"\n',
    });
    let isSent = false;
    const { shown, exitCode } = await onTerminal(
      [process.execPath, "--preload", CLOCK, MAIN, ...PACK, "slow.psp", "slowly"],
      {
        cwd: dir.path,
        env: environment,
        onShown(text, child) {
          if (!isSent && text.includes("%")) child.kill(name);
          isSent ||= text.includes("%");
        },
      },
    );
    expect(exitCode).toBe(code);
    expect(barsIn(shown)).not.toEqual([]);
    expect(screenOf(shown)).toBe("");
  });
});
