import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";

// What Bun 1.4.5 changes in its process before the first line, or in what it starts: the smallest cases. The launcher
// undoes them (launcher/caller.ts, launcher/order.ts). Should one of these fail, Bun has become better, and something
// there can go.

/** Runs a script of Bun behind a line of shell; what it says with `say`. */
function bun(script: string, shell: string): string {
  using dir = tempDir();
  const out = join(dir.path, "out");
  const head = `import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
    const say = (value) => writeFileSync(${JSON.stringify(out)}, String(value), { flag: "a" });
    const mask = (name, status = readFileSync("/proc/self/status", "utf8")) => parseInt(status.split(name + ":\\t")[1], 16);
    const has = (mask, signal) => Math.floor(mask / 2 ** (signal - 1)) % 2 === 1;
    const isMarked = (fd) => /flags:\\t0?[2367]\\d{6}$/m.test(readFileSync("/proc/self/fdinfo/" + fd, "utf8"));\n`;
  writeFileSync(join(dir.path, "script.mjs"), head + script);
  writeFileSync(out, "");
  Bun.spawnSync(["/bin/bash", "-c", shell, "bash", process.execPath, join(dir.path, "script.mjs")]);
  return Bun.spawnSync(["/bin/cat", out]).stdout.toString();
}

const START = '"$1" "$2"';

describe.skipIf(process.platform !== "linux" || Bun.which("bash", { PATH: "/bin" }) === null)("Bun", () => {
  test("marks inherited files from 4 on, so that an execve closes them, and opens two for its loop", () => {
    const script = `
      const kinds = readdirSync("/proc/self/fd").map((fd) => { try { return readlinkSync("/proc/self/fd/" + fd); } catch {} });
      say([3, 4, 7].map(isMarked) + " " + ["[eventpoll]", "[eventfd]"].map((kind) => kinds.filter((it) => it?.endsWith(kind)).length));`;
    expect(bun(script, `${START} 3</dev/null 4</dev/null 7</dev/null`)).toBe("false,true,true 1,1");
  });

  test("opens something, marked, in the place of a closed stream", () => {
    expect(bun('say(readlinkSync("/proc/self/fd/0") + isMarked(0));', `${START} <&-`)).toBe("/dev/nulltrue");
  });

  test("makes the soft limit of open files the hard one", () => {
    const script =
      'say(/Max open files +(\\d+) +(\\d+)/.exec(readFileSync("/proc/self/limits", "utf8")).slice(1));';
    expect(bun(script, `ulimit -n 2000; ulimit -Sn 300; ${START}`)).toBe("2000,2000");
  });

  test("ignores SIGPIPE and SIGXFSZ, and takes over SIGSEGV, whatever they were", () => {
    const script =
      'say([13, 25, 11].map((signal) => has(mask("SigIgn"), signal)) + " " + has(mask("SigCgt"), 11));';
    expect(bun(script, START)).toBe("true,true,false true");
    expect(bun(script, `trap '' SEGV; ${START}`)).toBe("true,true,false true");
  });

  test("damages bytes that are no UTF-8", () => {
    const script = "say(JSON.stringify([process.argv.slice(2), process.env.ODD]));";
    expect(bun(script, `ODD=$'\\xff' ${START} $'caf\\xe9'`)).toBe('[["caf\ufffd"],"\ufffd"]');
  });

  test("starts programs with no signal ignored", () => {
    const script = `
      const { stdout } = Bun.spawnSync(["/bin/cat", "/proc/self/status"]);
      say(has(mask("SigIgn"), 1) + " " + has(mask("SigIgn", String(stdout)), 1));`;
    expect(bun(script, `trap '' HUP; ${START}`)).toBe("true false");
  });

  test("cannot wait for a program where SIGCHLD is ignored", () => {
    const script =
      'await Bun.spawn(["/bin/true"]).exited.then((code) => say(code), (error) => say(error.code));';
    const perl = `python3 -c 'import os, signal, sys; signal.signal(17, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])' ${START}`;
    if (Bun.which("python3") === null)
      return void process.stderr.write("not tested: ignored SIGCHLD (no python3)\n");
    expect(bun(script, perl)).toBe("ECHILD");
  });

  test("has numbers for the names of real-time signals", () => {
    const script =
      'const child = Bun.spawn(["/bin/sh", "-c", "kill -34 $$"]); await child.exited; say(child.signalCode === 34);';
    expect(bun(script, START)).toBe("true");
  });
});
