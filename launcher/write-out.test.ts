import { expect, test } from "bun:test";
import { join } from "node:path";
import { tempDir } from "../tests/support/temp-dir.ts";

const posix = test.skipIf(process.platform === "win32");

/** Runs a script whose stderr is a pipe to the second program; what that printed. */
function throughPipe(script: string, reader: string): string {
  using dir = tempDir();
  const file = join(dir.path, "script.ts");
  const text = `import { writeOut } from ${JSON.stringify(join(import.meta.dir, "write-out.ts"))};\n${script}`;
  const shell = `cat > "$2"; { "$1" "$2" 2>&1 >/dev/null </dev/null; cat /proc/self/fdinfo/4 >&3; } 4>&1 | ${reader}`;
  const { stdout } = Bun.spawnSync(["sh", "-c", `exec 3>&1; ${shell}`, "sh", process.execPath, file], {
    stdin: new TextEncoder().encode(text),
  });
  return stdout.toString();
}

const waits = (fdinfo: string) =>
  (Number.parseInt(/flags:\s+(\d+)/.exec(fdinfo)?.[1] ?? "", 8) & 0o4000) === 0;

// Bun 1.4.5: process.stderr.write makes a pipe non-blocking, for all who have it open.
test.skipIf(process.platform !== "linux")(
  "a pipe stays one that waits, which Bun's own streams change",
  () => {
    expect(waits(throughPipe('writeOut(2, "hello");', "cat >/dev/null"))).toBe(true);
    expect(waits(throughPipe('process.stderr.write("hello");', "cat >/dev/null"))).toBe(false);
  },
);

posix("a megabyte arrives whole, also through a pipe that does not wait", () => {
  const script = 'process.stderr.write("y"); writeOut(2, "x".repeat(1_000_000));';
  expect(throughPipe(`${script}`, "{ sleep 0.05; wc -c; }").match(/^\d{7}$/m)?.[0]).toBe("1000001");
});

posix("what nobody reads is lost, and stops nothing", () => {
  const script = 'writeOut(2, "x".repeat(1_000_000)); await Bun.write("/dev/null", "");';
  expect(throughPipe(script, "true")).toContain("flags");
});
