import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cannotMount, mounted, tmpfs } from "../../../tests/support/mounts.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { readManifest } from "../../manifest/manifest.ts";
import { documentOf, runCli } from "../testing.ts";

test("a new folder gets a manifest that is right and a program to run", async () => {
  using dir = tempDir();
  const folder = join(dir.path, "my app!");
  const [manifest, program] = [join(folder, "flavor.toml"), join(folder, "src", "main.ts")];
  expect(await runCli(["init", folder])).toMatchObject({
    out: `${manifest}\n${program}\n`,
    err: "",
    exitCode: 0,
  });
  const { package: about, execution, slots } = await readManifest(manifest);
  expect(about).toMatchObject({ name: "my-app-", version: "0.1.0" });
  expect(execution.command).toBe("{bun} {workenv}/app/main.ts");
  expect(slots).toMatchObject([{ id: "app", target: "app", source: join(folder, "src") }]);
  expect(readdirSync(join(folder, "src"))).toEqual(["main.ts"]);
});

test.each([
  [["index.js", "other.ts"], "{bun} {workenv}/app/index.js", ""],
  [["cli.ts", "main.mjs"], "{bun} {workenv}/app/main.mjs", ""],
  [
    ["code.py"],
    "{bun} {workenv}/app/main.ts",
    "note: src has no main or index file: set execution.command in flavor.toml\n",
  ],
])("a src folder with %p stays as it is", async (files, command, note) => {
  using dir = tempDir();
  mkdirSync(join(dir.path, "src"));
  for (const name of files) writeFileSync(join(dir.path, "src", name), "mine");
  const run = await runCli(["init", dir.path, "--json"]);
  expect(documentOf(run)).toMatchObject({
    schema: "flavor.init/1",
    written: [join(dir.path, "flavor.toml")],
    runnable: note === "",
  });
  expect(run.err).toBe(note);
  expect((await readManifest(join(dir.path, "flavor.toml"))).execution.command).toBe(command);
  expect(readdirSync(join(dir.path, "src")).sort()).toEqual(files.toSorted());
});

test("a manifest that is there stays, and nothing is written", async () => {
  using dir = tempDir();
  const manifest = join(dir.path, "flavor.toml");
  writeFileSync(manifest, "mine");
  expect(await runCli(["init", dir.path])).toMatchObject({
    out: "",
    err: `error: Cannot write ${manifest}: it exists [output-exists]\n  hint: edit it, or choose another folder\n`,
    exitCode: 106,
  });
  expect(readdirSync(dir.path)).toEqual(["flavor.toml"]);
  expect(readFileSync(manifest, "utf8")).toBe("mine");
});

test("a failure leaves no half project", async () => {
  using dir = tempDir();
  writeFileSync(join(dir.path, "src"), "a file");
  expect(await runCli(["init", dir.path])).toMatchObject({ out: "", exitCode: 106 });
  expect(readdirSync(dir.path)).toEqual(["src"]);
});

const reason = whyNotFull();
function whyNotFull(): string | undefined {
  using dir = tempDir();
  return cannotMount(join(dir.path, "probe"));
}
if (reason !== undefined) process.stderr.write(`not tested: init on a full disk (${reason})\n`);
test.skipIf(reason !== undefined)(
  "a full disk leaves no empty manifest, on which the next try would stumble",
  async () => {
    using dir = tempDir();
    using disk = mounted(join(dir.path, "disk"), ...tmpfs("size=16k"));
    const fill = join(disk.path, "fill");
    try {
      writeFileSync(fill, "x".repeat(20_000));
    } catch {
      // now it is full
    }
    expect(await runCli(["init", disk.path])).toMatchObject({ out: "", exitCode: 106 });
    expect(readdirSync(disk.path)).toEqual(["fill"]);
  },
);
