import { expect, test } from "bun:test";
import { join } from "node:path";
import { failureOf } from "../../tests/support/failure.ts";
import { become, runAsChild } from "./become.ts";

test("a child's exit code is ours, 128 and the number when a signal ended it", async () => {
  const sh = (script: string) => runAsChild("/bin/sh", ["-c", script], { CODE: "7" });
  expect(await sh("exit $CODE")).toBe(7);
  expect(await sh("kill -TERM $$")).toBe(143);
});

test("a signal for us goes to the child, and our own handlers come back", async () => {
  const heard: string[] = [];
  const own = () => void heard.push("own");
  process.on("SIGHUP", own);
  try {
    const script = `trap 'exit 9' HUP; kill -HUP ${process.pid}; while :; do sleep 0.05; done`;
    expect(await runAsChild("/bin/sh", ["-c", script], { PATH: process.env["PATH"] ?? "" })).toBe(9);
    expect(heard).toEqual([]);
    expect(process.listeners("SIGHUP")).toContain(own);
  } finally {
    process.off("SIGHUP", own);
  }
});

test("a program that cannot be started is an error of ours", async () => {
  expect(await failureOf(() => become("/nowhere/launcher", [], { A: undefined }))).toMatchObject({
    code: "start-failed",
    message: "Cannot start the launcher /nowhere/launcher",
  });
});

test.skipIf(process.platform === "win32")(
  "a signal that came just before ends us, and the program does not start",
  async () => {
    const script = `
      process.on("SIGTERM", () => setImmediate(() => process.exit(143)));
      const { become } = await import(${JSON.stringify(join(import.meta.dir, "become.ts"))});
      process.kill(process.pid, "SIGTERM");
      await become("/bin/echo", ["started"], {});`;
    const { exitCode, stdout } = Bun.spawnSync([process.execPath, "-e", script]);
    expect([exitCode, stdout.toString()]).toEqual([143, ""]);
  },
);
