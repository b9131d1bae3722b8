import { expect, test } from "bun:test";
import { isWatched } from "./watched.ts";

test.each([
  [{ TERM: "xterm-256color" }, false, true],
  [{ TERM: "xterm", NO_COLOR: "1" }, false, true],
  [{ TERM: "dumb" }, false, false],
  [{ TERM: "" }, false, false],
  [{}, false, false],
  [{}, true, true],
  [{ TERM: "xterm", CI: "true" }, false, false],
  [{ CI: "1" }, true, false],
  [{ TERM: "xterm", CI: "false" }, false, true],
])("with %p, on Windows %p: %p", (env, windows, expected) => {
  expect(isWatched(env, windows)).toBe(expected);
});

const SAY = `process.stdout.write((await import("${import.meta.dir}/watched.ts")).isInForeground() + " ")`;

const hasJobs = process.platform === "linux" && Bun.which("bash") !== null;
if (!hasJobs) process.stderr.write("skipped: jobs in the background, for want of bash or /proc\n");

test.skipIf(!hasJobs)("a job in the background does not have the terminal", async () => {
  let shown = "";
  const script = 'set -m; "$0" -e "$1"; "$0" -e "$1" & wait';
  const child = Bun.spawn(["bash", "-c", script, process.execPath, SAY], {
    terminal: { data: (_, bytes) => (shown += new TextDecoder().decode(bytes)) },
  });
  await child.exited;
  child.terminal?.close();
  expect(shown).toStartWith("true false ");
});

test("without a terminal nobody else has it", async () => {
  const child = Bun.spawn([process.execPath, "-e", SAY], { detached: true, stdout: "pipe" });
  expect(await child.stdout.text()).toBe("true ");
});
