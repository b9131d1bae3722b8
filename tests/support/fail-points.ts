/**
 * Gives the fail points a meaning in this process, as these variables ask:
 * FLAVOR_TEST_KILL=name:n ends it by SIGKILL at the n-th hit; FLAVOR_TEST_PAUSE=name:file makes that file at the
 * first hit, or name@n:file at the n-th, and waits until it is gone, with FLAVOR_TEST_PAUSE_IN=threads only in those that
 * are not the first; FLAVOR_TEST_HITS=file gets a line for each hit; FLAVOR_TEST_WITHOUT=flock,sqlite,libc
 * takes these away. FLAVOR_TEST_CLOCK: see odd-clock.ts.
 */
import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import "./odd-clock.ts";
import type { FailPoint } from "../../format/io/fail-point.ts";

const { FLAVOR_TEST_KILL, FLAVOR_TEST_PAUSE, FLAVOR_TEST_PAUSE_IN, FLAVOR_TEST_HITS, FLAVOR_TEST_WITHOUT } =
  process.env;
const [killedAt, hit = "1"] = FLAVOR_TEST_KILL?.split(":") ?? [];
const [, pausedAt, pauseHit = "1", pause = ""] =
  /^([a-z-]+)(?:@(\d+))?:(.+)$/.exec(FLAVOR_TEST_PAUSE ?? "") ?? [];
let untilKill = Number(hit);
let untilPause = Number(pauseHit);

globalThis.failPoint = (name: FailPoint) => {
  if (FLAVOR_TEST_HITS !== undefined) appendFileSync(FLAVOR_TEST_HITS, `${name}\n`);
  if (name === killedAt && --untilKill === 0) die();
  if (name !== pausedAt || (FLAVOR_TEST_PAUSE_IN === "threads" && Bun.isMainThread)) return;
  if (--untilPause !== 0) return;
  writeFileSync(pause, "");
  // Nobody waits for ever for a test that has failed.
  for (let ms = 0; existsSync(pause); ms += 2) {
    if (ms > LONGEST_PAUSE) die();
    Bun.sleepSync(2);
  }
};

const LONGEST_PAUSE = 60_000;

/** The signal is there at once, but the thread may run on for a moment: nothing more may happen in it. */
function die(): never {
  process.kill(process.pid, "SIGKILL");
  for (;;) Bun.sleepSync(1000);
}

globalThis.isWithout = (what) => FLAVOR_TEST_WITHOUT?.split(",").includes(what) === true;
