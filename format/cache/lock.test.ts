import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { acquire, tryAcquire } from "./lock.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "lock-"));
  writeFileSync(join(dir, "holder.ts"), HOLDER);
  writeFileSync(join(dir, "no-libc.ts"), NO_LIBC);
  writeFileSync(join(dir, "race.ts"), RACE);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let locks = 0;
const newLock = () => join(dir, "locks", `lock-${locks++}`);

/** Says what becomes of its attempts: `try` once, `hold` until its input ends. */
const HOLDER = `
import { acquire, tryAcquire } from ${JSON.stringify(join(import.meta.dir, "lock.ts"))};
const [mode = "", path = ""] = process.argv.slice(2);
if (mode === "try") {
  const lock = await tryAcquire(path);
  process.stdout.write(lock === undefined ? "busy" : "free");
  lock?.[Symbol.dispose]();
} else {
  const lock = await acquire(path, () => process.stdout.write("waiting\\n"));
  process.stdout.write("held\\n");
  await Bun.stdin.text();
  lock[Symbol.dispose]();
  process.stdout.write("released\\n");
  await new Promise(() => setTimeout(() => {}, 60_000));
}
`;

/** Makes a process believe that it has no callable C library, so that it takes the other way. */
const NO_LIBC = `
import { plugin } from "bun";
plugin({
  name: "no libc",
  setup(build) {
    build.onLoad({ filter: /[/\\\\]io[/\\\\]libc\\.ts$/ }, () => ({
      contents: "export const LOCK_SHARED_NOW = 5, LOCK_EXCLUSIVE_NOW = 6; export const loadLibc = () => undefined;",
      loader: "ts",
    }));
  },
});
`;

/** A C library in whose flock() somebody else removes the file that was just opened. */
const RACE = `
import { plugin } from "bun";
plugin({
  name: "race",
  setup(build) {
    build.onLoad({ filter: /[/\\\\]io[/\\\\]libc\\.ts$/ }, () => ({
      contents: \`
        import { rmSync } from "node:fs";
        export const LOCK_SHARED_NOW = 5, LOCK_EXCLUSIVE_NOW = 6;
        export const loadLibc = () => ({ flock: () => (rmSync(process.argv[3]), 0) });\`,
      loader: "ts",
    }));
  },
});
`;

describe.each([
  ["flock", [] as string[]],
  ["SQLite", ["--preload", "./no-libc.ts"]],
])("with %s", (how, flags) => {
  const command = (mode: string, path: string) => [process.execPath, ...flags, "holder.ts", mode, path];
  const tryNow = (path: string) => Bun.spawnSync(command("try", path), { cwd: dir }).stdout.toString();

  /** A process that holds the lock, or waits for it. */
  function start(path: string) {
    const child = Bun.spawn(command("hold", path), { cwd: dir, stdin: "pipe", stdout: "pipe" });
    const reader = child.stdout.getReader();
    return {
      kill: async () => {
        child.kill("SIGKILL");
        await child.exited;
      },
      release: () => child.stdin.end(),
      says: async () => new TextDecoder().decode((await reader.read()).value),
    };
  }

  test("one process at a time has the lock", async () => {
    const path = newLock();
    expect(tryNow(path)).toBe("free");
    const first = start(path);
    expect(await first.says()).toBe("held\n");
    expect(tryNow(path)).toBe("busy");
    first.release();
    expect(await first.says()).toBe("released\n");
    expect(tryNow(path)).toBe("free");
    await first.kill();
  });

  test("who waits gets it when the holder is killed", async () => {
    const path = newLock();
    const first = start(path);
    expect(await first.says()).toBe("held\n");
    const second = start(path);
    expect(await second.says()).toBe("waiting\n");
    await first.kill();
    expect(await second.says()).toBe("held\n");
    expect(tryNow(path)).toBe("busy");
    await second.kill();
    expect(tryNow(path)).toBe("free");
  });

  test("the two ways use files of their own", async () => {
    const path = newLock();
    expect(tryNow(path)).toBe("free");
    const files = [path, `${path}.sqlite`].map(
      (file) => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false,
    );
    expect(files).toEqual([how === "flock", how === "SQLite"]);
  });
});

const tryWith = (preload: string, path: string) =>
  Bun.spawnSync([process.execPath, "--preload", preload, "holder.ts", "try", path], { cwd: dir });

test.skipIf(process.platform === "win32")(
  "a lock on a file that is no longer there is not counted as one",
  () => {
    expect(tryWith("./race.ts", newLock()).stdout.toString()).toBe("busy");
  },
);

test("a database that is none is an error with its path, not a lock that is never free", () => {
  const path = newLock();
  expect(tryWith("./no-libc.ts", path).stdout.toString()).toBe("free");
  writeFileSync(`${path}.sqlite`, "not a database ".repeat(100));
  const { stdout, stderr } = tryWith("./no-libc.ts", path);
  expect(stdout.toString()).toBe("");
  expect(stderr.toString()).toContain(`Cannot lock ${path}`);
});

describe("within a process", () => {
  test("a lock excludes a second one until its scope ends", async () => {
    const path = newLock();
    {
      using lock = await acquire(path, () => {});
      expect(lock).toBeDefined();
      expect(await tryAcquire(path)).toBeUndefined();
    }
    using again = await tryAcquire(path);
    expect(again).toBeDefined();
  });

  test("who gets it at once is told nothing", async () => {
    let told = 0;
    using _lock = await acquire(newLock(), () => told++);
    expect(told).toBe(0);
  });

  test.skipIf(process.platform === "win32")(
    "a lock file that was removed meanwhile locks nothing",
    async () => {
      const path = newLock();
      using _old = await acquire(path, () => {});
      rmSync(path);
      using fresh = await tryAcquire(path);
      expect(fresh).toBeDefined();
      expect(await tryAcquire(path)).toBeUndefined();
    },
  );

  test("a lock that cannot be made is an error with its path", async () => {
    writeFileSync(join(dir, "file"), "");
    const path = join(dir, "file", "lock");
    await expect(tryAcquire(path)).rejects.toMatchObject({
      code: "io-failed",
      message: expect.stringContaining(path),
    });
  });
});
