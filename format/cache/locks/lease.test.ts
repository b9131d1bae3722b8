import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { acquire, endLock, isLocked, share, tryAcquire, tryShare } from "./lock.ts";

// Leases: shared locks that programs inherit. Windows has none.

let dir: ReturnType<typeof tempDir>;
beforeAll(() => {
  dir = tempDir();
});
afterAll(() => dir[Symbol.dispose]());

let locks = 0;
const newPath = () => join(dir.path, "locks", `lock-${locks++}`);
const here = (path: string) => JSON.stringify(join(import.meta.dir, path));

describe.skipIf(process.platform === "win32")("a lease", () => {
  test("goes with others, and not with a lock", async () => {
    const path = newPath();
    mkdirSync(join(dir.path, "locks"), { recursive: true });
    expect(tryShare(path)).toBe("missing"); // looking makes no file
    expect(existsSync(path)).toBe(false);
    {
      using first = await share(path);
      using second = await share(path);
      expect([first, second]).not.toContain(undefined);
      expect(tryShare(path)).toHaveProperty("fd");
      expect([await tryAcquire(path), await isLocked(path)]).toEqual([undefined, true]);
    }
  });

  test("is not to be had while somebody has the lock, and is waited for", async () => {
    const path = newPath();
    const lock = await acquire(path, () => {});
    expect(tryShare(path)).toBe("busy");
    let has = false;
    const waiting = share(path).then((lease) => {
      has = true;
      return lease;
    });
    await Bun.sleep(20);
    expect(has).toBe(false);
    lock[Symbol.dispose]();
    using lease = await waiting;
    expect(lease).toHaveProperty("fd");
  });

  test("on a lock file that was removed meanwhile is none", async () => {
    const path = newPath();
    using _old = await share(path);
    rmSync(path);
    using fresh = await tryAcquire(path);
    expect(fresh).toBeDefined();
    expect(tryShare(path)).toBe("busy");
  });

  test("where no lock file can be is undefined, and no error", async () => {
    writeFileSync(join(dir.path, "file"), "");
    expect(await share(join(dir.path, "file", "lock"))).toBeUndefined();
    expect(tryShare(join(dir.path, "file", "lock"))).toBe("none");
  });

  test("outlives SIGKILL of who took it, in the program that inherited it", async () => {
    const path = newPath();
    const signal = `${path}-signal`;
    // Starts a child that keeps the lease, by the way that a launcher hands it to an application.
    const script = `
      import { share } from ${here("lock.ts")};
      import { loadLibc } from ${here("../../io/libc.ts")};
      const lease = await share(${JSON.stringify(path)});
      const libc = loadLibc();
      libc.keepOpen(lease.fd);
      // Both hold it; the grandchild ends when the file is there.
      libc.execve("/bin/sh", ["sh", "-c", 'while [ ! -e "$0" ]; do sleep 0.02; done & echo started; wait', ${JSON.stringify(signal)}], ["PATH=/usr/bin:/bin"]);`;
    const parent = Bun.spawn([process.execPath, "-e", script], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
      env: { PATH: "/usr/bin:/bin" },
    });
    const reader = parent.stdout.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe("started\n");
    expect(await isLocked(path)).toBe(true);
    parent.kill("SIGKILL");
    await parent.exited;
    expect(await isLocked(path)).toBe(true);
    writeFileSync(signal, "");
    expect((await reader.read()).done).toBe(true); // the output ends with the last who has it
    expect(await isLocked(path)).toBe(false);
  });
});

test("a lock that is ended for good leaves no file", async () => {
  const path = newPath();
  const lock = await acquire(path, () => {});
  endLock(path, lock);
  expect([existsSync(path), await isLocked(path)]).toEqual([false, false]);
});

test("asking whether a lock is held leaves no file", async () => {
  const path = newPath();
  expect([await isLocked(path), existsSync(path)]).toEqual([false, false]);
});
