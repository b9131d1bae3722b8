import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { goldenPath } from "../../../tests/golden/golden.ts";
import { compiledLauncher } from "../../../tests/support/compiled.ts";
import { noteProgress } from "../../../tests/support/noted-progress.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { documentOf, runCli } from "../testing.ts";

let dir: ReturnType<typeof tempDir>;
let env: { readonly FLAVOR_CACHE: string };
let go: string;
let rust: string;
beforeEach(async () => {
  dir = tempDir();
  env = { FLAVOR_CACHE: join(dir.path, "cache") };
  const { path } = await compiledLauncher();
  go = prepare(path, "go");
  rust = prepare(path, "rust");
});
afterEach(() => dir[Symbol.dispose]());

/** Unpacks a package into the cache, as a launcher does; its id. */
function prepare(launcher: string, name: "go" | "rust"): string {
  const { stdout } = Bun.spawnSync([launcher, "--package", goldenPath(name), "prepare"], {
    env: { ...env, FLAVOR_LAUNCHER_CLI: "1", PATH: process.env["PATH"] },
  });
  return basename(stdout.toString().trim());
}

const workenv = (args: readonly string[], answer?: boolean) =>
  runCli(["workenv", ...args], { env, ...(answer === undefined ? {} : { answer }) });
const contentOf = (id: string) => join(env.FLAVOR_CACHE, id);
const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? relative(folder, join(entry.parentPath, entry.name)) : [],
  );
const markerOf = (id: string) => join(env.FLAVOR_CACHE, `.${id}.pspf`, "instance", "extract", "complete");

test("list shows name, id, size and time, the latest first", async () => {
  utimesSync(markerOf(go), 1700000000, 1700000000);
  utimesSync(markerOf(rust), 1600000000, 1600000000);
  const { out, err, exitCode } = await workenv(["list"]);
  const time = (date: string | number) => new Date(date).toLocaleString("sv-SE");
  const shown = (id: string, seconds: number) => {
    const { created } = JSON.parse(readFileSync(markerOf(id), "utf8"));
    const times = [`   Modified: ${time(created)}`, `   Last used: ${time(seconds * 1000)}`];
    return ["fixture 1.2.3", `   ID: ${id}`, "   Size: N KB", ...times].join("\n");
  };
  expect(out.replaceAll(/\d+\.\d KB/g, "N KB")).toBe(`${shown(go, 1.7e9)}\n\n${shown(rust, 1.6e9)}\n`);
  expect({ err, exitCode }).toEqual({ err: "", exitCode: 0 });
  expect(documentOf(await workenv(["list", "--json"]))).toMatchObject({
    schema: "flavor.workenv-list/1",
    packages: [
      { id: go, name: "fixture", version: "1.2.3", lastUsed: "2023-11-14T22:13:20.000Z", ready: true },
      { id: rust, lastUsed: "2020-09-13T12:26:40.000Z", cacheDir: env.FLAVOR_CACHE },
    ],
  });
});

test("an incomplete one says so", async () => {
  rmSync(markerOf(go));
  expect((await workenv(["list"])).out).toContain("fixture 1.2.3 (incomplete)\n");
  expect((await workenv(["info"])).out).toEndWith("Number of packages: 2, 1 of them ready\n");
  expect((await workenv(["inspect", go])).out).toMatch(/^State +incomplete$/m);
});

test("info says where the cache is", async () => {
  expect((await workenv(["info"])).out).toMatch(
    new RegExp(`^Cache directory: ${env.FLAVOR_CACHE}\nTotal size: [0-9.]+ KB\nNumber of packages: 2\n$`),
  );
  expect(documentOf(await workenv(["info", "--json"]))).toEqual({
    schema: "flavor.workenv-info/1",
    cacheDir: env.FLAVOR_CACHE,
    size: expect.any(Number),
    count: 2,
    ready: 2,
    places: [
      { cacheDir: env.FLAVOR_CACHE, why: "FLAVOR_CACHE", size: expect.any(Number), count: 2, ready: 2 },
    ],
  });
});

test("inspect takes the beginning of an id", async () => {
  const { out } = await workenv(["inspect", go.slice(0, 6)]);
  expect(out).toStartWith("fixture 1.2.3\n\nID ");
  expect(out).toContain(contentOf(go));
  expect(documentOf(await workenv(["inspect", go, "--json"]))).toMatchObject({
    schema: "flavor.workenv-inspect/1",
    id: go,
    contentDir: contentOf(go),
    files: 3,
    marker: { seal: "valid" },
    packageInfo: { name: "fixture" },
  });
});

test.each(["zz", "0000000000000000", "../x", ""])("%j is no id that is there", async (id) => {
  for (const command of ["inspect", "remove", "verify", "repair"]) {
    const run = await workenv([command, id]);
    expect(run.err).toStartWith(`error: Cannot find the workenv ${JSON.stringify(id)}: `);
    expect(run).toMatchObject({ out: "", exitCode: 105 });
  }
});

test.each([
  { args: ["clean"], answer: undefined },
  { args: ["clean", "--json"], answer: true },
  { args: ["remove", "ID"], answer: undefined },
])("$args never asks where nobody can answer", async ({ args, answer }) => {
  const run = await workenv(
    args.map((arg) => (arg === "ID" ? go : arg)),
    answer,
  );
  expect(run.err + run.out).toContain(
    "Cannot ask whether to remove it: there is no terminal, or --json was given",
  );
  expect(run).toMatchObject({ asked: [], exitCode: 105 });
  expect(existsSync(contentOf(go))).toBe(true);
});

test("on a terminal, no keeps everything", async () => {
  expect(await workenv(["remove", go.slice(0, 8)], false)).toMatchObject({
    out: "",
    err: "nothing was removed\n",
    asked: [`remove ${go}?`],
    exitCode: 0,
  });
  const { asked } = await workenv(["clean"], false);
  expect(asked).toEqual([expect.stringMatching(/^remove 2 packages, [0-9.]+ KB\?$/)]);
  expect(existsSync(contentOf(go))).toBe(true);
});

test("remove removes one", async () => {
  expect((await workenv(["remove", go], true)).out).toMatch(
    new RegExp(`^removed ${go} \\(fixture 1\\.2\\.3\\), [0-9.]+ KB\n$`),
  );
  expect([existsSync(contentOf(go)), existsSync(contentOf(rust))]).toEqual([false, true]);
  expect(documentOf(await workenv(["remove", rust, "-y", "--json"]))).toMatchObject({
    schema: "flavor.workenv-remove/1",
    removed: { id: rust },
  });
});

test("clean removes what is older, and a dry run only says so", async () => {
  utimesSync(markerOf(go), 1700000000, 1700000000);
  const { out } = await workenv(["clean", "--older-than", "30", "--dry-run"]);
  expect(out).toMatch(
    new RegExp(
      `^would remove  ${go}  fixture 1.2.3  [0-9.]+ KB  unused for too long\n` +
        `would keep    ${rust}  fixture 1.2.3  [0-9.]+ KB  used lately, and there is room\n` +
        "would free [0-9.]+ KB of 1 package\n$",
    ),
  );
  expect(existsSync(contentOf(go))).toBe(true);
  expect(documentOf(await workenv(["clean", "--older-than", "30", "-y", "--json"]))).toMatchObject({
    schema: "flavor.workenv-clean/1",
    dryRun: false,
    removed: [{ id: go, why: "old" }],
    kept: [{ id: rust, why: "recent" }],
    busy: [],
    failed: [],
  });
  expect([existsSync(contentOf(go)), existsSync(contentOf(rust))]).toEqual([false, true]);
  expect((await workenv(["clean"], true)).out).toContain(`removed  ${rust}`);
  expect(await workenv(["clean"])).toMatchObject({
    out: "freed 0 B of 0 packages\n",
    asked: [],
    exitCode: 0,
  });
  expect((await workenv(["list"])).out).toBe("No cached packages\n");
});

test("clean says of what failed why, and what helps", async () => {
  const file = join(dir.path, "file");
  writeFileSync(file, "");
  const clean = (...more: readonly string[]) =>
    runCli(["workenv", "clean", "-y", ...more], { env: { ...env, FLAVOR_CACHE: file } });
  const cause = `ENOTDIR: not a directory, scandir '${file}'`;
  expect(await clean()).toMatchObject({
    out:
      `FAILED  ${file}: Cannot list ${file} [io-failed]\n  caused by: ${cause}\n` +
      "  hint: a part of that path is a file\nfreed 0 B of 0 packages\n",
    exitCode: 106,
  });
  expect(documentOf(await clean("--json"))).toMatchObject({
    failed: [{ path: file, code: "io-failed", causes: [cause], hint: "a part of that path is a file" }],
  });
});

test("clean to a size removes what was used least recently", async () => {
  utimesSync(markerOf(rust), 1700000000, 1700000000);
  const { size } = documentOf(await workenv(["info", "--json"])) as { size: number };
  const run = await workenv(["clean", "--max-size", String(size - 1), "-y"]);
  expect(run.out).toMatch(new RegExp(`^removed  ${rust} .* the cache was too large\nkept     ${go} `));
  expect([existsSync(contentOf(go)), existsSync(contentOf(rust))]).toEqual([true, false]);
});

test.each(["-1", "x", "1.5", "", "5y"])("%j is no age and no size", async (limit) => {
  for (const option of ["older-than", "max-size"])
    expect(await workenv(["clean", `--${option}=${limit}`, "-y"])).toMatchObject({ out: "", exitCode: 105 });
  expect(existsSync(contentOf(go))).toBe(true);
});

test("verify compares with the package, and repair puts back what is missing", async () => {
  const { out, exitCode } = await workenv(["verify", go.slice(0, 8)]);
  expect(out).toEndWith(`files intact; compared with ${goldenPath("go")}\n${go} (fixture 1.2.3) is intact\n`);
  expect(exitCode).toBe(0);
  const [lost = ""] = filesBelow(contentOf(go));
  rmSync(join(contentOf(go), lost));
  const damaged = await workenv(["verify", go]);
  expect(damaged.out).toStartWith(`missing  ${lost}\n`);
  expect(damaged.out).toEndWith(
    `${go} (fixture 1.2.3) is DAMAGED\n  hint: "flavor workenv repair ${go}" puts back what it can\n`,
  );
  expect(damaged.exitCode).toBe(103);
  const document = documentOf(await workenv(["verify", go, "--json"]));
  expect(document).toMatchObject({
    schema: "flavor.workenv-verify/1",
    id: go,
    valid: false,
    complete: true,
    missing: [lost],
    truncated: [],
    damaged: [],
    changed: [],
    package: goldenPath("go"),
    notCompared: null,
  });
  expect(await workenv(["repair", go])).toMatchObject({
    out: `put back  ${lost}\nput back 1 file of ${go} (fixture 1.2.3) from ${goldenPath("go")}\n`,
    exitCode: 0,
  });
  expect(documentOf(await workenv(["verify", go, "--json"]))).toMatchObject({ valid: true, missing: [] });
  writeFileSync(join(contentOf(go), lost), "changed by a person, at some length that it did not have before");
  expect(documentOf(await workenv(["repair", go, "--json"]))).toMatchObject({
    schema: "flavor.workenv-repair/1",
    repaired: [],
    changed: [lost],
  });
  expect((await workenv(["verify", go])).exitCode).toBe(0);
  expect(documentOf(await workenv(["repair", go, "--all", "--json"]))).toMatchObject({ repaired: [lost] });
});

test("verify and repair show a bar, where nobody wants a document", async () => {
  const { bar, steps } = noteProgress();
  const watched = (...args: readonly string[]) => runCli(["workenv", ...args], { env, bar });
  await watched("verify", go.slice(0, 8), "--json");
  expect(steps).toEqual([]);
  await watched("verify", go.slice(0, 8));
  const [lost = ""] = filesBelow(contentOf(go));
  rmSync(join(contentOf(go), lost));
  await watched("repair", go);
  expect(steps.map(({ label, isOver }) => [label, isOver])).toEqual([
    [`comparing ${go}`, true],
    [`comparing ${go}`, true],
    [`mending ${go}`, true],
  ]);
  expect(steps.every(({ done }) => done > 0)).toBe(true);
});

test("verify and repair say what they lack", async () => {
  const other = await workenv(["verify", go, "--package", goldenPath("rust")]);
  expect(other).toMatchObject({ out: "", exitCode: 105 });
  expect(other.err).toStartWith(`error: Cannot use ${goldenPath("rust")}: `);
  rmSync(markerOf(rust));
  expect(await workenv(["verify", rust])).toMatchObject({
    out: `${rust} (fixture 1.2.3) is INCOMPLETE\n  hint: the next start makes it anew\n`,
    exitCode: 103,
  });
  expect(documentOf(await workenv(["verify", rust, "--json"]))).toMatchObject({
    complete: false,
    valid: false,
  });
  expect(await workenv(["repair", rust])).toMatchObject({
    err:
      `error: Cannot repair the workenv ${rust}: it is not complete [workenv-damaged]\n` +
      "  hint: the next start makes it anew\n",
    exitCode: 103,
  });
});
