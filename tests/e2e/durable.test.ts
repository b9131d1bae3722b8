import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cleanEnv, oneFolder, packApp, runPackage } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

// A marker must not survive a power cut that its content does not survive.

let dir: ReturnType<typeof tempDir>;
let app: string;
beforeAll(async () => {
  dir = tempDir();
  app = await packApp(
    dir.path,
    oneFolder(
      "kept",
      "{workenv}/app/app.sh",
      '[[setup_commands]]\ntype = "execute"\ncommand = "sh -c \'echo x > {workenv}/set-up; echo ran >> $COUNT\'"',
    ),
    { "app/app.sh": "#!/bin/sh\necho hello\n", "app/other.txt": "other\n" },
  );
});
afterAll(() => dir[Symbol.dispose]());

let homes = 0;
function newHome() {
  const home = join(dir.path, `home-${homes++}`);
  mkdirSync(home);
  const cache = join(home, "cache");
  return {
    home,
    env: { COUNT: join(home, "count") },
    setups: () => readFileSync(join(home, "count"), "utf8").trim().split("\n").length,
    content: () => join(cache, readdirSync(cache).find((it) => /^[0-9a-f]{16}$/.test(it)) as string),
    marker: () => {
      const name = readdirSync(cache).find((it) => it.endsWith(".pspf")) as string;
      return join(cache, name, "instance", "extract", "complete");
    },
  };
}

const canTrace =
  process.platform === "linux" &&
  Bun.which("strace") !== null &&
  Bun.spawnSync(["strace", "-o", "/dev/null", "true"]).exitCode === 0;

/** What a first start does that a disk can see the order of, as words. */
function orderOf(at: ReturnType<typeof newHome>, env: Readonly<Record<string, string>>): readonly string[] {
  const trace = join(at.home, "trace");
  const calls = "syncfs,fsync,rename,renameat,renameat2,openat,open,unlink";
  const command = ["strace", "-f", "-y", "-o", trace, "-e", `trace=${calls}`, app];
  const ran = Bun.spawnSync(command, { env: { ...cleanEnv(at.home), ...at.env, ...env }, cwd: at.home });
  expect([ran.stdout.toString(), ran.exitCode]).toEqual(["hello\n", 0]);
  const folder = dirname(at.marker());
  const events: readonly (readonly [RegExp, string])[] = [
    [/ rename\w*\(.*staging\/.*\) = 0/, "content is put into its place"],
    [/ open\w*\(.*\/set-up", .*O_CREAT/, "setup"],
    [/ syncfs\(.*\) = 0/, "everything is brought onto the disk"],
    [new RegExp(` fsync\\(\\d+<${RegExp.escape(folder)}/[^>]+>\\) = 0`), "the marker is"],
    [/ rename\w*\(.*\/complete"\) = 0|rename\w*\(.*\/complete", \w+\) = 0/, "the marker gets its name"],
    [new RegExp(` fsync\\(\\d+<${RegExp.escape(folder)}>\\) = 0`), "the name is on the disk"],
  ];
  return readFileSync(trace, "utf8")
    .split("\n")
    .flatMap((line) => events.find(([pattern]) => pattern.test(line))?.[1] ?? []);
}

const untraceable = canTrace ? "" : " (skipped: no strace here that may trace)";

test.skipIf(!canTrace)(`content and setup reach the disk before the marker${untraceable}`, () => {
  expect(orderOf(newHome(), {})).toEqual([
    "content is put into its place",
    "setup",
    "everything is brought onto the disk",
    "the marker is",
    "the marker gets its name",
    "the name is on the disk",
  ]);
});

test.skipIf(!canTrace)(
  `with FLAVOR_DURABLE=0 nothing waits for the disk, the marker neither${untraceable}`,
  () => {
    expect(orderOf(newHome(), { FLAVOR_DURABLE: "0" })).toEqual([
      "content is put into its place",
      "setup",
      "the marker gets its name",
    ]);
  },
);

const elsewhere = process.platform === "linux" ? "" : " (skipped: only Linux names the runs of a system)";

test.skipIf(elsewhere !== "").each([
  ["1", "as it is"],
  ["0", "after a look at every file"],
] as const)(
  `a workenv made with FLAVOR_DURABLE=%s counts after a new start of the system %s${elsewhere}`,
  async (value, how) => {
    const at = newHome();
    const options = { home: at.home, env: { ...at.env, FLAVOR_DURABLE: value } };
    await runPackage(app, [], options);
    const marker = JSON.parse(readFileSync(at.marker(), "utf8"));
    expect(marker).toMatchObject({
      durable: value === "1",
      bootId: expect.stringMatching(/^[-0-9a-f]{36}$/),
    });
    const before = { ...marker, bootId: crypto.randomUUID() };
    writeFileSync(at.marker(), JSON.stringify(before));
    // What a power cut leaves of a file that was not on the disk.
    if (value === "0") truncateSync(join(at.content(), "app", "other.txt"));
    expect((await runPackage(app, [], options)).stdout).toBe("hello\n");
    expect(readFileSync(join(at.content(), "app", "other.txt"), "utf8")).toBe("other\n");
    const after = JSON.parse(readFileSync(at.marker(), "utf8"));
    expect(after.bootId === before.bootId).toBe(how === "as it is");
    expect(at.setups()).toBe(1);
  },
);
