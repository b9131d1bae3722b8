import { expect, test } from "bun:test";
import { existsSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileContents } from "./file-contents.ts";
import { collect, outcome, run, tempDir } from "./testing.ts";

const open = () => (existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0);

const file = (absolute: string, size: number) =>
  ({ path: "a", kind: "file", mode: 0o644, size, mtime: 0, absolute }) as const;

test("the contents come in pieces of 1 MiB, and the file is closed", async () => {
  using dir = tempDir();
  const path = join(dir.path, "a");
  const content = new Uint8Array(2_500_000).map((_, i) => i % 251);
  writeFileSync(path, content);
  const before = open();
  const pieces = await Array.fromAsync(fileContents(file(path, content.length)));
  expect(pieces.map((piece) => piece.length)).toEqual([1024 * 1024, 1024 * 1024, 402_848]);
  expect(Buffer.concat(pieces).equals(content)).toBeTrue();
  for await (const _ of fileContents(file(path, content.length))) break;
  await outcome(() => collect(fileContents(file(path, 1))));
  expect(open()).toBe(before);
});

test.skipIf(process.platform === "win32")(
  "what became a fifo or a link neither blocks nor is followed",
  async () => {
    using dir = tempDir();
    run(["mkfifo", "fifo"], dir.path);
    expect(await outcome(() => collect(fileContents(file(join(dir.path, "fifo"), 0))))).toBe("build-failed");
    writeFileSync(join(dir.path, "target"), "");
    symlinkSync("target", join(dir.path, "link"));
    expect(await outcome(() => collect(fileContents(file(join(dir.path, "link"), 0))))).toBe("io-failed");
  },
);
