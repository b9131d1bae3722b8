import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failureOf } from "../../../tests/support/failure.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { type DirectoryLock, directoryAttempts } from "./directory-lock.ts";

let dir: ReturnType<typeof tempDir>;
beforeAll(() => {
  dir = tempDir();
});
afterAll(() => dir[Symbol.dispose]());
const children: Bun.Subprocess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

let locks = 0;
const newPath = () => join(dir.path, `lock-${locks++}.held`);
const HOUR = 60 * 60 * 1000;
/** Never takes over what it sees move, however slow this machine is. */
const PATIENT = { beat: 20, patience: HOUR };
/** Takes over whatever it sees a second time. */
const IMPATIENT = { beat: HOUR, patience: -1 };

/** Another process that holds the lock, and may be busy without ever waiting for anything. */
async function holder(path: string, work: "sleep" | "spin") {
  const script = `
    const { directoryAttempts } = await import(${JSON.stringify(join(import.meta.dir, "directory-lock.ts"))});
    const lock = directoryAttempts(${JSON.stringify(path)}, ${JSON.stringify(PATIENT)})();
    require("node:fs").writeSync(1, lock === undefined ? "busy" : "held");
    if (${JSON.stringify(work)} === "spin") for (;;);
    await Bun.stdin.text();
    try { lock.confirm(); console.log("still mine"); } catch (error) { console.log(error.code); }
    lock[Symbol.dispose]();
    console.log("done");`;
  const child = Bun.spawn([process.execPath, "-e", script], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  children.push(child);
  const reader = child.stdout.getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toBe("held");
  return {
    child,
    kill: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
    async end(): Promise<string> {
      child.stdin.end();
      let text = "";
      for (let part = await reader.read(); !part.done; part = await reader.read())
        text += new TextDecoder().decode(part.value);
      return text;
    },
  };
}

const tokenOf = (path: string) => join(path, readdirSync(path)[0] as string);

async function until<T>(attempt: () => T | undefined): Promise<T> {
  for (;;) {
    const result = attempt();
    if (result !== undefined) return result;
    await Bun.sleep(5);
  }
}

test("one at a time, and nothing is left of it", () => {
  const path = newPath();
  const [one, other] = [directoryAttempts(path, PATIENT), directoryAttempts(path, PATIENT)];
  const lock = one() as DirectoryLock;
  lock.confirm();
  expect([other(), one()]).toEqual([undefined, undefined]);
  lock[Symbol.dispose]();
  const next = other();
  expect(next).toBeDefined();
  next?.[Symbol.dispose]();
  expect(readdirSync(dir.path).filter((name) => name.startsWith("lock-0"))).toEqual([]);
});

test("a holder that was killed is taken over, by one observer only", async () => {
  const path = newPath();
  const dead = await holder(path, "sleep");
  await dead.kill();
  const pace = { ...PATIENT, patience: 200 };
  const observers = Array.from({ length: 4 }, () => directoryAttempts(path, pace));
  const first = await until(() => observers.map((attempt) => attempt()).find((lock) => lock !== undefined));
  first.confirm();
  expect(observers.map((attempt) => attempt())).toEqual([undefined, undefined, undefined, undefined]);
  first[Symbol.dispose]();
  expect(existsSync(path)).toBe(false);
});

test("a holder that is busy, but lives, is not: it beats from a thread of its own", async () => {
  const path = newPath();
  const { kill } = await holder(path, "spin");
  const token = tokenOf(path);
  const times = new Set<number>();
  // It beats while it never comes to wait for anything.
  while (times.size < 5) {
    times.add(Bun.file(token).lastModified);
    await Bun.sleep(5);
  }
  await kill();
});

test("every beat that an observer sees begins its patience anew", () => {
  const path = newPath();
  mkdirSync(path);
  const token = join(path, "owner-slow");
  writeFileSync(token, "");
  const attempt = directoryAttempts(path, { beat: HOUR, patience: 0 });
  for (let seconds = 10; seconds > 0; seconds--) {
    utimesSync(token, Date.now() / 1000, Date.now() / 1000 - seconds);
    expect(attempt()).toBeUndefined();
  }
  const lock = attempt();
  expect(lock).toBeDefined();
  lock?.[Symbol.dispose]();
});

test("who was stopped and robbed is told so, and does not free the lock of the new holder", async () => {
  const path = newPath();
  const robbed = await holder(path, "sleep");
  robbed.child.kill("SIGSTOP");
  const attempt = directoryAttempts(path, IMPATIENT);
  const thief = await until(attempt);
  robbed.child.kill("SIGCONT");
  expect(await robbed.end()).toBe("workenv-busy\ndone\n");
  thief.confirm();
  expect(existsSync(path)).toBe(true);
  expect(directoryAttempts(path, PATIENT)()).toBeUndefined();
  thief[Symbol.dispose]();
  expect(existsSync(path)).toBe(false);
});

test("a lock whose holder was robbed and has ended is not the old holder's to confirm", async () => {
  const path = newPath();
  const lock = directoryAttempts(path, { beat: HOUR, patience: HOUR })() as DirectoryLock;
  renameSync(tokenOf(path), join(path, "owner-thief"));
  expect((await failureOf(() => lock.confirm())).code).toBe("workenv-busy");
  lock[Symbol.dispose]();
  expect(readdirSync(path)).toEqual(["owner-thief"]);
});

test("an empty folder, left by who was killed while giving up, is no lock", () => {
  const path = newPath();
  mkdirSync(path);
  const lock = directoryAttempts(path, PATIENT)();
  expect(lock).toBeDefined();
  lock?.[Symbol.dispose]();
});

test("who looks only once takes what has not moved for more than a day", () => {
  const path = newPath();
  mkdirSync(path);
  const token = join(path, "owner-dead");
  writeFileSync(token, "");
  const hoursAgo = (hours: number) =>
    utimesSync(token, Date.now() / 1000 - hours * 3600, Date.now() / 1000 - hours * 3600);
  hoursAgo(23);
  expect(directoryAttempts(path)()).toBeUndefined();
  hoursAgo(25);
  const lock = directoryAttempts(path)();
  expect(lock).toBeDefined();
  lock?.[Symbol.dispose]();
  expect(existsSync(path)).toBe(false);
});

test("of two who take over what has not moved for more than a day, only one has it", () => {
  const path = newPath();
  mkdirSync(path);
  writeFileSync(join(path, "owner-dead"), "");
  utimesSync(join(path, "owner-dead"), 1, 1);
  // The other one comes between the two steps of this one, and sees a sign of life as old as before.
  const script = `
    const { renameSync, readdirSync } = require("node:fs");
    const path = ${JSON.stringify(path)};
    // Asked for by who has it and is about to say so.
    Object.defineProperty(process, "pid", {
      get() {
        for (const name of readdirSync(path)) renameSync(path + "/" + name, path + "/owner-other");
        return 1;
      },
    });
    const { directoryAttempts } = await import(${JSON.stringify(join(import.meta.dir, "directory-lock.ts"))});
    const lock = directoryAttempts(${JSON.stringify(path)})();
    console.log(lock === undefined ? "busy" : "held");
    process.exit();`;
  const { stdout, stderr } = Bun.spawnSync([process.execPath, "-e", script]);
  expect(stderr.toString() + stdout.toString()).toBe("busy\n");
  expect(readdirSync(path)).toEqual(["owner-other"]);
});

test("a lock that cannot be made is an error with its path", async () => {
  const path = join(dir.path, "file", "lock.held");
  writeFileSync(join(dir.path, "file"), "");
  expect(await failureOf(() => directoryAttempts(path)())).toMatchObject({
    code: "io-failed",
    message: expect.stringContaining(path),
  });
  rmSync(join(dir.path, "file"));
});
