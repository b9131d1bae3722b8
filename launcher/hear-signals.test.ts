import { expect, test } from "bun:test";

/** Gets a signal while it works, and says whether it has heard of it. */
const PROGRAM = `
const { hearSignals } = await import(process.argv.at(-1));
let isHeard = false;
process.on("SIGTERM", () => (isHeard = true));
await new Promise((resume) => setImmediate(resume));
process.kill(process.pid, "SIGTERM");
Bun.sleepSync(5);
await hearSignals();
console.log(isHeard);
process.exit(0);
`;

test.skipIf(process.platform === "win32")("a signal that has come is heard", () => {
  const module = `${import.meta.dir}/hear-signals.ts`;
  const { stdout } = Bun.spawnSync([process.execPath, "-e", PROGRAM, module]);
  expect(stdout.toString()).toBe("true\n");
});
