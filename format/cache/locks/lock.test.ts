import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failureOf } from "../../../tests/support/failure.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { WITHOUT_FLOCK } from "./flock.ts";
import { acquire, endLock, hasLeases, isLocked, tryAcquire } from "./lock.ts";

let dir: ReturnType<typeof tempDir>;
beforeAll(() => {
  dir = tempDir();
  writeFileSync(join(dir.path, "holder.ts"), HOLDER);
  writeFileSync(join(dir.path, "race.ts"), RACE);
});
afterAll(() => dir[Symbol.dispose]());
const children: Bun.Subprocess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

let folders = 0;
/** In a folder of its own, because notes of what does not work are for a whole folder. */
const newLock = () => join(dir.path, `locks-${folders++}`, "lock");

/**
 * Says what becomes of its attempts: `try` once, `hold` until its input ends, or `enter` a folder that only one may be
 * in, again and again.
 */
const HOLDER = `
import { mkdirSync, rmdirSync } from "node:fs";
import { acquire, endLock, tryAcquire } from ${JSON.stringify(join(import.meta.dir, "lock.ts"))};
const [mode = "", path = "", inside = ""] = process.argv.slice(2);
const silent = () => {};
if (mode === "try") {
  const lock = await tryAcquire(path);
  process.stdout.write(lock === undefined ? "busy" : "free");
  lock?.[Symbol.dispose]();
} else if (mode === "enter") {
  for (let i = 0; i < 15; i++) {
    const lock = await acquire(path, silent);
    mkdirSync(inside);
    await Bun.sleep(1);
    rmdirSync(inside);
    if (i % 2 === 0) endLock(path, lock);
    else lock[Symbol.dispose]();
  }
  process.stdout.write("done");
} else {
  const lock = await acquire(path, () => process.stdout.write("waiting\\n"));
  // Another attempt of the same process does not end its lock for others.
  process.stdout.write((await tryAcquire(path)) === undefined ? "held\\n" : "held twice\\n");
  await Bun.stdin.text();
  lock[Symbol.dispose]();
  process.stdout.write("released\\n");
  await new Promise(() => setTimeout(() => {}, 60_000));
}
`;

/** A C library in whose flock() somebody else removes the file that was just opened. */
const RACE = `
import { rmSync } from "node:fs";
import { plugin } from "bun";
plugin({
  name: "race",
  setup(build) {
    build.onLoad({ filter: /[/\\\\]io[/\\\\]libc\\.ts$/ }, () => ({
      contents: \`
        import { rmSync } from "node:fs";
        export const LOCK_SHARED_NOW = 5, LOCK_EXCLUSIVE_NOW = 6;
        export const libraryNames = () => [], dlopen = () => {}, pointerTo = () => 0;
        export const loadLibc = () => ({ flock: () => (rmSync(process.argv[3], { force: true }), 0) });\`,
      loader: "ts",
    }));
  },
});
`;

const FAIL_POINTS = join(import.meta.dir, "..", "..", "..", "tests", "support", "fail-points.ts");
const commandOf = (...args: readonly string[]) => [
  process.execPath,
  "--preload",
  FAIL_POINTS,
  "holder.ts",
  ...args,
];
const optionsOf = (without: string) => ({
  cwd: dir.path,
  env: { PATH: "/usr/bin:/bin", FLAVOR_TEST_WITHOUT: without },
});

function tryNow(path: string, without: string): string {
  const { stdout, stderr } = Bun.spawnSync(commandOf("try", path), optionsOf(without));
  return stdout.toString() + stderr.toString();
}

/** A process that holds the lock, or waits for it. */
function start(path: string, without: string) {
  const child = Bun.spawn(commandOf("hold", path), {
    ...optionsOf(without),
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  children.push(child);
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

/** Several processes enter a folder that holds one; who meets another there fails. */
async function allEnter(path: string, abilities: readonly string[]): Promise<readonly string[]> {
  const inside = `${path}-inside`;
  mkdirSync(join(path, ".."), { recursive: true });
  const runs = abilities.map((without) =>
    Bun.spawn(commandOf("enter", path, inside), {
      ...optionsOf(without),
      stdout: "pipe",
      stderr: "pipe",
    }),
  );
  children.push(...runs);
  return Promise.all(
    runs.map(
      async ({ stdout, stderr }) => (await new Response(stdout).text()) + (await new Response(stderr).text()),
    ),
  );
}

const RUNGS = [
  ["flock", "", ["lock"]],
  ["SQLite, where no C library can be called", "libc", ["lock.sqlite", "without-flock"]],
  ["SQLite, where flock does not work", "flock", ["lock.sqlite", "without-flock"]],
  ["a folder, where neither works", "flock,sqlite", ["without-flock", "without-sqlite"]],
] as const;

describe.each(RUNGS)("with %s", (_, without, left) => {
  test("one process at a time has the lock", async () => {
    const path = newLock();
    expect(tryNow(path, without)).toBe("free");
    const first = start(path, without);
    expect(await first.says()).toBe("held\n");
    expect(tryNow(path, without)).toBe("busy");
    first.release();
    expect(await first.says()).toBe("released\n");
    expect(tryNow(path, without)).toBe("free");
    expect(readdirSync(join(path, "..")).sort()).toEqual([...left]);
  });

  test("of many processes that come again and again, one at a time is in", async () => {
    expect(await allEnter(newLock(), [without, without, without])).toEqual(["done", "done", "done"]);
  });
});

// Of a folder, `directory-lock.test.ts` says the same with shorter times.
test.each(RUNGS.slice(0, 3))("with %s, who waits gets it when the holder is killed", async (_, without) => {
  const path = newLock();
  const first = start(path, without);
  expect(await first.says()).toBe("held\n");
  const second = start(path, without);
  expect(await second.says()).toBe("waiting\n");
  await first.kill();
  expect(await second.says()).toBe("held\n");
  expect(tryNow(path, without)).toBe("busy");
  await second.kill();
  expect(tryNow(path, without)).toBe("free");
});

describe("processes that can do different things", () => {
  test("see each other, once one of them has found out what does not work", async () => {
    const path = newLock();
    for (const { without } of [{ without: "flock" }, { without: "flock,sqlite" }])
      expect(tryNow(path, without)).toBe("free");
    for (const holds of ["", "libc", "flock,sqlite"]) {
      const holder = start(path, holds);
      expect(await holder.says()).toBe("held\n");
      expect([tryNow(path, ""), tryNow(path, "flock"), tryNow(path, "sqlite")]).toEqual([
        "busy",
        "busy",
        "busy",
      ]);
      holder.release();
      expect(await holder.says()).toBe("released\n");
    }
  });

  test("enter one at a time", async () => {
    const path = newLock();
    expect(tryNow(path, "flock,sqlite")).toBe("free");
    expect(await allEnter(path, ["", "flock", "flock,sqlite"])).toEqual(["done", "done", "done"]);
  });

  test("leave a note of that, which also ends the leases", () => {
    const path = newLock();
    mkdirSync(join(path, ".."));
    expect(hasLeases(join(path, ".."))).toBe(process.platform !== "win32");
    expect(tryNow(path, "flock")).toBe("free");
    expect(hasLeases(join(path, ".."))).toBe(false);
  });
});

test("a database that is none is no lock that is never free: a folder does its work", async () => {
  const path = newLock();
  expect(tryNow(path, "flock")).toBe("free");
  writeFileSync(`${path}.sqlite`, "not a database ".repeat(100));
  const holder = start(path, "flock");
  expect(await holder.says()).toBe("held\n");
  expect([tryNow(path, "flock"), tryNow(path, "")]).toEqual(["busy", "busy"]);
  holder.release();
  expect(await holder.says()).toBe("released\n");
  expect(tryNow(path, "flock")).toBe("free");
});

test.skipIf(process.platform === "win32")(
  "a lock on a file that is no longer there is not counted as one",
  () => {
    const command = [process.execPath, "--preload", "./race.ts", "holder.ts", "try", newLock()];
    expect(Bun.spawnSync(command, { cwd: dir.path }).stdout.toString()).toBe("busy");
  },
);

describe("within a process", () => {
  test("a lock excludes a second one until its scope ends", async () => {
    const path = newLock();
    {
      using lock = await acquire(path, () => {});
      lock.confirm();
      expect([await tryAcquire(path), await isLocked(path)]).toEqual([undefined, true]);
    }
    expect(await isLocked(path)).toBe(false);
    using again = await tryAcquire(path);
    expect(again).toBeDefined();
  });

  test.skipIf(process.platform === "win32")(
    "a holder notices when somebody comes who locks differently",
    async () => {
      const folder = mkdtempSync(join(dir.path, "mixed-"));
      using lock = await acquire(join(folder, "lock"), () => {});
      lock.confirm();
      writeFileSync(join(folder, WITHOUT_FLOCK), "");
      expect((await failureOf(() => lock.confirm())).code).toBe("workenv-busy");
    },
  );

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
    writeFileSync(join(dir.path, "file"), "");
    const path = join(dir.path, "file", "lock");
    await expect(tryAcquire(path)).rejects.toMatchObject({
      code: "io-failed",
      message: expect.stringContaining(path),
    });
  });
});

test("where files that are open stay, those of a lock that has ended go all the same", () => {
  const path = newLock();
  const file = `${path}.sqlite`;
  // As a file that is open on Windows, a folder cannot be removed so.
  mkdirSync(file, { recursive: true });
  const lock = {
    confirm() {},
    [Symbol.dispose]() {
      rmdirSync(file);
      writeFileSync(file, "");
    },
  };
  const { platform } = process;
  try {
    Object.defineProperty(process, "platform", { value: "win32" });
    endLock(path, lock);
  } finally {
    Object.defineProperty(process, "platform", { value: platform });
  }
  expect(existsSync(file)).toBe(false);
});
