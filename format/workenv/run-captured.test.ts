import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../tests/support/temp-dir.ts";

test("a program that talks without end is no burden", () => {
  using dir = tempDir();
  // In a process of its own: how much of a large heap is garbage is nobody's business here.
  const script = join(dir.path, "talk.ts");
  writeFileSync(
    script,
    `import { runCaptured } from ${JSON.stringify(join(import.meta.dir, "run-captured.ts"))};
     const before = process.memoryUsage.rss();
     const talk = "head -c 1000000000 /dev/zero; echo; echo last; exit 1";
     const { lines } = await runCaptured(["sh", "-c", talk], { cwd: "/", env: { PATH: "/usr/bin:/bin" } });
     process.stdout.write(JSON.stringify([lines.at(-1), process.memoryUsage.rss() - before]));`,
  );
  const { stdout, stderr } = Bun.spawnSync([process.execPath, script]);
  expect(stderr.toString()).toBe("");
  const [last, grown] = JSON.parse(stdout.toString());
  expect(last).toBe("last");
  expect(grown).toBeLessThan(300e6);
});
