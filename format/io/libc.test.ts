import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Libc, LOCK_EXCLUSIVE_NOW, loadLibc } from "./libc.ts";

test("there is one, except on Windows", async () => {
  expect((await loadLibc()) === undefined).toBe(process.platform === "win32");
});

// Bun 1.4.5 returns this error instead of throwing it, beneath "bun:ffi".
test("there is none where nothing can be called: without compiled code", () => {
  const script = `
    import { loadLibc } from ${JSON.stringify(join(import.meta.dir, "libc.ts"))};
    console.log(loadLibc());`;
  const env = { ...process.env, BUN_JSC_useJIT: "0" };
  const { stdout } = Bun.spawnSync([process.execPath, "-e", script], { env });
  expect(stdout.toString()).toBe("undefined\n");
});

describe.skipIf(process.platform === "win32")("the C library", () => {
  let libc: Libc;
  let dir: string;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "libc-"));
    libc = (await loadLibc()) as Libc;
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  test("is looked for once", async () => {
    expect(await loadLibc()).toBe(libc);
  });

  test("locks a file for one open file at a time", () => {
    const path = join(dir, "lock");
    const [one, two] = [openSync(path, "a"), openSync(path, "a")];
    expect(libc.flock(one, LOCK_EXCLUSIVE_NOW)).toBe(0);
    expect(libc.flock(two, LOCK_EXCLUSIVE_NOW)).toBe(-1);
    closeSync(one);
    expect(libc.flock(two, LOCK_EXCLUSIVE_NOW)).toBe(0);
    closeSync(two);
  });

  test("says no to what is no file", () => {
    expect(libc.flock(-1, LOCK_EXCLUSIVE_NOW)).toBe(-1);
  });

  // Bun 1.4.5 ignores SIGPIPE, and an ignored signal stays ignored in the program that execve starts.
  test.skipIf(process.platform !== "linux")("gives a signal back what Bun took from it", () => {
    const script = `
      import { loadLibc } from ${JSON.stringify(join(import.meta.dir, "libc.ts"))};
      if (process.argv[2] === "reset") (await loadLibc()).resetSignal(13);
      process.execve("/bin/grep", ["grep", "SigIgn", "/proc/self/status"], {});`;
    const file = join(dir, "ignored.ts");
    Bun.spawnSync(["sh", "-c", 'cat > "$1"', "sh", file], { stdin: new TextEncoder().encode(script) });
    const ignoresPipe = (mode: string) => {
      const { stdout } = Bun.spawnSync([process.execPath, file, mode]);
      const mask = BigInt(`0x${stdout.toString().trim().split(/\s+/)[1]}`);
      return (mask & (1n << 12n)) !== 0n;
    };
    expect(ignoresPipe("leave")).toBe(true);
    expect(ignoresPipe("reset")).toBe(false);
  });
});
