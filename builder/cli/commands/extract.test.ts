import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { goldenPath } from "../../../tests/golden/golden.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { documentOf, runCli } from "../testing.ts";

const pkg = goldenPath("go");
let dir: ReturnType<typeof tempDir>;
let out: string;
beforeEach(() => {
  dir = tempDir();
  out = join(dir.path, "out");
});
afterEach(() => dir[Symbol.dispose]());

test("a slot is written, by index or id, and stderr says so", async () => {
  expect(await runCli(["extract", pkg, "note", out])).toMatchObject({
    out: "",
    err: `wrote slot 2 (note) to ${out}\n`,
    exitCode: 0,
  });
  expect(readFileSync(out, "utf8")).toBe("this note was gzipped\n");
  expect(await runCli(["extract", pkg, "2", out])).toMatchObject({ exitCode: 106 });
  expect(await runCli(["extract", pkg, "0", out, "--force"])).toMatchObject({ exitCode: 0 });
  expect(readFileSync(out, "utf8")).toStartWith("#!");
});

test("--raw writes the stored bytes", async () => {
  expect(await runCli(["extract", pkg, "note", out, "--raw"])).toMatchObject({ exitCode: 0 });
  expect(Buffer.from(Bun.gunzipSync(readFileSync(out))).toString()).toBe("this note was gzipped\n");
});

test.each([
  [["1"], 105],
  [["--raw"], 105],
  [["nope", "OUT"], 103],
])("%p is refused with %p, and nothing is written", async (args, exitCode) => {
  const run = await runCli(["extract", pkg, ...args.map((arg) => (arg === "OUT" ? out : arg))]);
  expect(run.err).toStartWith("error: Cannot ");
  expect(run.err).toContain("\n  hint: ");
  expect(run).toMatchObject({ out: "", exitCode });
  expect(readdirSync(dir.path)).toEqual([]);
});

test("extract-all writes slots and metadata and lists them", async () => {
  expect(await runCli(["extract-all", pkg, out])).toMatchObject({
    out: ["00_hello", "01_conf", "02_note", "metadata.json"].map((name) => `${join(out, name)}\n`).join(""),
    err: "",
    exitCode: 0,
  });
  expect(readdirSync(out).sort()).toEqual(["00_hello", "01_conf", "02_note", "metadata.json"]);
  const again = await runCli(["extract-all", pkg, out, "--json"]);
  expect(documentOf(again)).toMatchObject({ schema: "flavor.error/1", code: "output-exists", exitCode: 106 });
});

test("extract-all as a document", async () => {
  expect(documentOf(await runCli(["extract-all", pkg, out, "--json"]))).toEqual({
    schema: "flavor.extract-all/1",
    folder: out,
    metadata: join(out, "metadata.json"),
    slots: [
      { index: 0, id: "hello", path: join(out, "00_hello") },
      { index: 1, id: "conf", path: join(out, "01_conf") },
      { index: 2, id: "note", path: join(out, "02_note") },
    ],
  });
});

test("what is no package writes nothing", async () => {
  const file = join(dir.path, "file");
  writeFileSync(file, "no package");
  expect(await runCli(["extract-all", file, out])).toMatchObject({ exitCode: 102 });
  expect(existsSync(out)).toBe(false);
});
