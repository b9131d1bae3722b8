import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { goldenPath } from "../../../tests/golden/golden.ts";
import { fileSlot, packageBytes } from "../../../tests/support/packages.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { documentOf, runCli } from "../testing.ts";

const dir = tempDir();
const path = join(dir.path, "small.psp");
afterAll(() => dir[Symbol.dispose]());
beforeAll(async () => {
  const bytes = await packageBytes({
    slots: [
      fileSlot("note", "text", { operations: [], platform: "linux" }),
      fileSlot("\u001b[2J", "x", { operations: ["GZIP"] }),
    ],
    about: {
      package: { name: "small", version: "1.0.0", description: "a small one" },
      setupCommands: [
        { type: "execute", command: "make it" },
        { type: "write_file", path: "{workenv}/a", content: "12345" },
        { type: "chmod", path: "{workenv}/a", mode: 0o600 },
      ],
    },
  });
  writeFileSync(path, bytes);
});

test("a package on one screen", async () => {
  const { out, err, exitCode } = await runCli(["inspect", path]);
  expect(
    out
      .replaceAll(path, "small.psp")
      .replace(/[0-9a-f]{64}/, "KEY")
      .replace(/\b[0-9a-f]{16}\b/, "ID"),
  ).toBe(`small 1.0.0
a small one

File      small.psp, 10.4 KB
Launcher  17 B, stub 0
Slots     2 slots, 25 B stored
Seal      valid, Ed25519 KEY
Command   true
Workenv   ID

#  id         target           operations  stored  original  lifecycle  mode  platform
0  note       share/note       raw            4 B       4 B  runtime    0644  linux
1  \\u001b[2J  share/\\u001b[2J  gzip          21 B       1 B  runtime    0644  any

Setup:
  execute make it
  write {workenv}/a, 5 characters
  chmod 0600 {workenv}/a
`);
  expect({ err, exitCode }).toEqual({ err: "", exitCode: 0 });
});

test("the same as a document", async () => {
  const document = documentOf(await runCli(["inspect", goldenPath("rust"), "--json"]));
  expect(Object.keys(document)).toEqual([
    "schema",
    "path",
    "size",
    "format",
    "formatVersion",
    "packageId",
    "name",
    "version",
    "description",
    "seal",
    "launcher",
    "metadata",
    "slots",
    "command",
    "primarySlot",
    "env",
    "runtimeEnv",
    "workenv",
    "setupCommands",
    "build",
  ]);
  expect(document).toMatchObject({
    schema: "flavor.inspect/1",
    size: 17746,
    name: "fixture",
    version: "1.2.3",
    seal: { state: "valid", key: "edcf7af5bd19035711c8a4d4dde178e89a1746ba9d123eb1bac27744a9de8743" },
    slots: [
      { index: 0, id: "hello", target: "bin/hello.sh", operations: "raw", size: 110, permissions: "0755" },
      { index: 1, id: "conf", operations: "tar|gzip" },
      { index: 2, id: "note", operations: "gzip", size: 42 },
    ],
  });
});

test("--bytes shows index and descriptors with their offsets", async () => {
  const { out } = await runCli(["inspect", goldenPath("go"), "--bytes"]);
  const lines = out.split("\n").map((line) => line.trim().replace(/ +/g, " "));
  // 9442 bytes: the trailer's 8200 begin at 1242, the index 4 later
  expect(lines.slice(0, 2)).toEqual(["Index block", "0x4de 4 formatVersion 539295745"]);
  expect(lines).toContain("0x4ee 8 launcherSize 17");
  expect(lines.filter((line) => line.startsWith("Slot descriptor"))).toEqual([
    "Slot descriptor 0",
    "Slot descriptor 1",
    "Slot descriptor 2",
  ]);
  const document = documentOf(await runCli(["inspect", goldenPath("go"), "--bytes", "--json"]));
  expect(document).toMatchObject({
    schema: "flavor.inspect-bytes/1",
    index: expect.arrayContaining([{ name: "packageSize", offset: 0x4e6, size: 8, value: "9442" }]),
  });
});
