import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { layoutOf, storeOf } from "../../format/cache/layout.ts";
import { keyPairFromText } from "../../format/seal/keys.ts";
import { toHex } from "../../format/wire/hashes.ts";
import { oneFolder, packApp, runPackage, startPackage } from "../support/launcher.ts";
import { cannotMount, mounted } from "../support/mounts.ts";
import { tempDir } from "../support/temp-dir.ts";

// A strict start runs what was signed, whatever became of the workenv since it was unpacked.

const MORE = `
[[slots]]
id = "settings"
source = "settings"
target = "etc"
lifecycle = "config"
[[setup_commands]]
type = "write_file"
path = "{workenv}/made/words.sh"
content = "made='by the setup'"
[workenv]
directories = ["data"]
`;
const FILES = {
  "app/hello.sh":
    '#!/bin/sh\ncd "$FLAVOR_WORKENV"\n. app/words.sh; . made/words.sh; . etc/colour\necho "$words $made $colour"\necho run >>data/log\n[ -z "$HOLD" ] || { mkfifo "$HOLD"; read -r _ <"$HOLD"; }\n',
  "app/words.sh": "words='as signed'\n",
  "settings/colour": "colour=blue\n",
};

let dir: ReturnType<typeof tempDir>;
let app: string;
beforeAll(async () => {
  dir = tempDir();
  const manifest = oneFolder("strict", "{workenv}/app/hello.sh", MORE);
  app = await packApp(dir.path, manifest, FILES, { keySeed: "strict" });
});
afterAll(() => dir[Symbol.dispose]());

const ran = (colour = "blue") => ({
  stdout: `as signed by the setup ${colour}\n`,
  stderr: "",
  exitCode: 0,
  signal: null,
});
const warning = (what: string) =>
  `strict.psp: warning: the workenv is not as it was made: ${what}: it is unpacked again\n`;

const STRICT = {
  FLAVOR_VALIDATION: "strict",
  FLAVOR_TRUSTED_KEYS: toHex(keyPairFromText("strict").publicKey),
};

let homes = 0;
/** A package that was started once, under a level. */
async function started(level = "strict") {
  const home = join(dir.path, `home-${homes++}`);
  const cache = join(home, "cache");
  const run = (env: Readonly<Record<string, string>> = {}) =>
    runPackage(app, [], { home, env: { ...STRICT, ...env } });
  expect(await run({ FLAVOR_VALIDATION: level })).toEqual(ran());
  const id = readdirSync(cache).find((name) => /^[0-9a-f]{16}$/.test(name)) as string;
  const layout = layoutOf(cache, id);
  const at = (path: string) => join(layout.content, path);
  return { home, cache, layout, run, at };
}

const withoutTrace = (path: string, content: string): void => {
  const { atime, mtime } = statSync(path);
  writeFileSync(path, content);
  utimesSync(path, atime, mtime);
};

describe("a strict start", () => {
  test("that finds nothing says nothing, and unpacks nothing", async () => {
    const { run, layout } = await started();
    const before = statSync(layout.content).ino;
    expect([await run(), await run()]).toEqual([ran(), ran()]);
    expect(statSync(layout.content).ino).toBe(before);
  });

  test.each<readonly [string, string, (at: (path: string) => string) => void]>([
    [
      "a file of the same size and time",
      '"app/words.sh" is changed',
      (at) => withoutTrace(at("app/words.sh"), "words='as forged'\n"),
    ],
    ["a changed mode", '"app/words.sh" is changed', (at) => chmodSync(at("app/words.sh"), 0o600)],
    [
      "a link in place of a file",
      '"app/words.sh" is changed',
      (at) => {
        writeFileSync(at("data/words.sh"), "words='as forged'");
        rmSync(at("app/words.sh"));
        symlinkSync("../data/words.sh", at("app/words.sh"));
      },
    ],
    ["an added file", '"app/more.sh" is added', (at) => writeFileSync(at("app/more.sh"), "")],
    ["a missing file", '"app/words.sh" is missing', (at) => rmSync(at("app/words.sh"))],
    [
      "what the setup made, of the same size and time",
      '"made/words.sh" is changed',
      (at) => withoutTrace(at("made/words.sh"), "made='by strangers'"),
    ],
    [
      "several of them",
      '"app/more.sh" is added, the first of 3',
      (at) => {
        chmodSync(at("made"), 0o777);
        for (const path of ["app/more.sh", "bin"]) writeFileSync(at(path), "");
      },
    ],
  ])("that finds %s says so once, and runs what was signed", async (_, what, harm) => {
    const { run, at } = await started();
    writeFileSync(at("etc/colour"), "colour=red\n");
    harm(at);
    expect(await run()).toEqual({ ...ran("red"), stderr: warning(what) });
    expect(await run()).toEqual(ran("red"));
  });

  test("makes a workenv anew, without a word, of which nobody knows what its setup did", async () => {
    const { run, layout } = await started("standard");
    const before = statSync(layout.content).ino;
    expect(await run()).toEqual(ran());
    const made = statSync(layout.content).ino;
    expect(made).not.toBe(before);
    expect([await run({ FLAVOR_VALIDATION: "standard" }), await run()]).toEqual([ran(), ran()]);
    expect(statSync(layout.content).ino).toBe(made);
  });

  test("waits for an application that runs from what must be made anew", async () => {
    const { home, run, at } = await started();
    const hold = join(home, "hold");
    const running = startPackage(app, [], { home, env: { ...STRICT, HOLD: hold } });
    try {
      await running.stdout.getReader().read();
      expect(await run()).toEqual(ran());
      writeFileSync(at("app/more.sh"), "");
      const waiting = run();
      await untilIsNamed(join(storeOf(join(home, "cache")).staging));
      writeFileSync(hold, "\n");
      expect(await running.exited).toBe(0);
      expect((await waiting).stdout).toBe(ran().stdout);
    } finally {
      running.kill();
      await running.exited;
    }
  });

  test("is one of many at once, of which one unpacks", async () => {
    const { run, at, layout } = await started();
    const together = () => Promise.all(Array.from({ length: 6 }, () => run()));
    expect(await together()).toEqual(Array.from({ length: 6 }, () => ran()));
    const before = statSync(layout.content).ino;
    writeFileSync(at("app/words.sh"), "words='as forged'\n");
    const all = await together();
    expect(all.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 6 }, () => ran().stdout));
    expect(all.filter(({ stderr }) => stderr.includes("warning"))).toHaveLength(1);
    expect(statSync(layout.content).ino).not.toBe(before);
  });

  test("of six, all on an empty cache", async () => {
    const home = join(dir.path, `home-${homes++}`);
    const all = await Promise.all(
      Array.from({ length: 6 }, () => runPackage(app, [], { home, env: STRICT })),
    );
    expect(all.map(({ stdout, exitCode }) => [stdout, exitCode])).toEqual(
      Array.from({ length: 6 }, () => [ran().stdout, 0]),
    );
  });
});

test.each(["standard", "relaxed", "minimal", "none"])("at %s nothing is compared", async (level) => {
  const { run, at } = await started(level);
  withoutTrace(at("app/words.sh"), "words='as forged'\n");
  const { stdout, stderr } = await run({ FLAVOR_VALIDATION: level });
  expect([stdout, stderr]).toEqual(["as forged by the setup blue\n", ""]);
});

test("slots that come and go, and scripts for the launcher's Bun, are what they were", async () => {
  const folder = join(dir.path, "coming");
  const more = ["startup", "temp", "shutdown", "cache"]
    .map((word) => {
      const at = `id = "${word}"\nsource = "${word}.sh"\ntarget = "${word}/it.sh"`;
      return `[[slots]]\n${at}\nlifecycle = "${word}"\npermissions = "0755"\n`;
    })
    .join("");
  const files = {
    "app/main.ts":
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the script has the template
      'const { FLAVOR_WORKENV: w = "" } = process.env;\nfor (const s of ["startup", "temp"]) process.stdout.write(await Bun.file(`${w}/${s}/it.sh`).text());\nfor (const s of ["startup", "cache"]) await Bun.write(`${w}/${s}/it.sh`, "other");\n',
    "startup.sh": "#!/bin/sh\n#startup\n",
    "temp.sh": "#!/bin/sh\n#temp\n",
    "shutdown.sh": "#!/bin/sh\necho the end\n",
    "cache.sh": "#!/bin/sh\n",
  };
  const path = await packApp(folder, oneFolder("coming", "{bun} {workenv}/app/main.ts", more), files, {
    keySeed: "strict",
  });
  const home = join(folder, "home");
  const expected = {
    stdout: "#!/bin/sh\n#startup\n#!/bin/sh\n#temp\nthe end\n",
    stderr: "",
    exitCode: 0,
    signal: null,
  };
  for (let start = 0; start < 3; start++)
    expect(await runPackage(path, [], { home, env: STRICT })).toEqual(expected);
  const [id] = readdirSync(join(home, "cache")).filter((name) => /^[0-9a-f]{16}$/.test(name));
  const layout = layoutOf(join(home, "cache"), id as string);
  writeFileSync(join(layout.bun, "preload.js"), "process.stdout.write('PRELOADED\\n')");
  mkdirSync(join(layout.content, "temp"));
  writeFileSync(join(layout.content, "temp", "it.sh"), "tampered\n");
  expect(await runPackage(path, [], { home, env: STRICT })).toEqual(expected);
});

const probe = tempDir();
const reason = cannotMount(join(probe.path, "mount"));
probe[Symbol.dispose]();
if (reason !== undefined)
  process.stderr.write(`not tested: strict starts from caches that cannot be written (${reason})\n`);

describe.skipIf(reason !== undefined)("a cache that cannot be written", () => {
  async function viewOf(harm: (at: (path: string) => string) => void) {
    const { home, cache, at } = await started();
    harm(at);
    using view = mounted(join(dir.path, `view-${homes}`), "--bind", cache);
    expect(Bun.spawnSync(["mount", "-o", "remount,bind,ro", view.path]).exitCode).toBe(0);
    const temp = join(dir.path, `temp-${homes}`);
    mkdirSync(temp);
    const env = { ...STRICT, FLAVOR_CACHE: view.path, TMPDIR: temp };
    return await runPackage(app, [], { home, env });
  }

  test("is used when nothing in it was changed", async () => {
    expect((await viewOf(() => {})).stdout).toBe(ran().stdout);
  });

  test("is not used otherwise", async () => {
    const { stdout, stderr, exitCode } = await viewOf((at) =>
      withoutTrace(at("app/words.sh"), "words='as forged'\n"),
    );
    expect([stdout, exitCode]).toEqual(["", 103]);
    expect(stderr).toContain("its file system is read-only");
  });
});

/** Until there is something in a folder. */
async function untilIsNamed(folder: string): Promise<void> {
  while (readdirSync(folder).length === 0) await Bun.sleep(5);
}
