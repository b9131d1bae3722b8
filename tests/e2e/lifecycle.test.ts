import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { CacheManager } from "../../builder/cache-manager.ts";
import { cacheOf, hostLauncher, packApp, runPackage, startPackage } from "../support/launcher.ts";
import { fileSlot, packageBytes } from "../support/packages.ts";
import { APP, packWith } from "../support/slot-under-test.ts";
import { tempDir } from "../support/temp-dir.ts";

// What becomes of a slot by its lifecycle, row by row of the table in docs/workenv.md. That other words mean the same is
// tested in format/workenv/lifecycles/slot-plan.test.ts.

let dir: ReturnType<typeof tempDir>;
beforeAll(() => {
  dir = tempDir();
});
afterAll(() => dir[Symbol.dispose]());

const SHOW = "cat extra/note 2>/dev/null || echo none";

test.each(["runtime"])("%s: there at every start, as the package has it", async (lifecycle) => {
  const { run, inside } = await packWith(dir.path, lifecycle, { lifecycle });
  expect(await run(SHOW)).toBe("original\n");
  expect(await run("rm extra/note; echo ok")).toBe("ok\n");
  expect(existsSync(inside("app/run.sh"))).toBe(true);
});

test.each(["init"])("%s: there for the setup commands only", async (lifecycle) => {
  const { run, workenv } = await packWith(
    dir.path,
    lifecycle,
    { lifecycle },
    '[[setup_commands]]\ntype = "execute"\ncommand = "cp {workenv}/extra/note {workenv}/copy"',
  );
  expect(await run(`${SHOW}; cat copy`)).toBe("none\noriginal\n");
  expect(await run(`${SHOW}; cat copy`)).toBe("none\noriginal\n");
  expect(readdirSync(workenv()).sort()).toEqual(["app", "copy"]);
});

test("init: what it unpacked into the workenv itself goes, and only that", async () => {
  const { workenv, run } = await packWith(
    dir.path,
    "init-flat",
    { lifecycle: "init", target: "{workenv}" },
    '[[setup_commands]]\ntype = "execute"\ncommand = "sh -c \'echo made > made\'"',
  );
  await run("true");
  expect(readdirSync(workenv()).sort()).toEqual(["app", "made"]);
});

/** A start that stays until it is released; `said` is what its script wrote before. */
async function hold(app: string, script: string) {
  const gate = join(dir.path, `gate-${crypto.randomUUID()}`);
  const wait = `i=0; while [ ! -e ${gate} ] && [ $i -lt 1000 ]; do i=$((i+1)); sleep 0.02; done`;
  const child = startPackage(app, [`${script}; echo ready; ${wait}`]);
  const reader = child.stdout.getReader();
  let said = "";
  while (!said.includes("ready")) said += new TextDecoder().decode((await reader.read()).value);
  return {
    child,
    said: said.replace("ready\n", ""),
    async release() {
      writeFileSync(gate, "");
      await child.exited;
      // Also when the launcher was killed: the application writes to the same pipe until it ends.
      while (!(await reader.read()).done);
    },
  };
}

test.each(["startup"])("%s: anew before every start that is alone", async (lifecycle) => {
  const { run, app } = await packWith(dir.path, lifecycle, { lifecycle });
  const spoil = "echo changed > extra/note; touch extra/added";
  expect(await run(`${SHOW}; ${spoil}`)).toBe("original\n");
  expect(await run(`${SHOW}; ls extra; ${spoil}`)).toBe("original\nnote\n");
  // A second one shares what the first one has.
  const first = await hold(app, `${SHOW}; echo mine > extra/note`);
  expect(first.said).toBe("original\n");
  expect(await run(SHOW)).toBe("mine\n");
  await first.release();
  expect(await run(SHOW)).toBe("original\n");
});

test.each(["temporary"])("%s: anew before a start, gone after the last one", async (lifecycle) => {
  const { run, app, inside, workenv } = await packWith(dir.path, lifecycle, { lifecycle });
  expect(await run(`${SHOW}; touch extra/added`)).toBe("original\n");
  expect(readdirSync(workenv())).toEqual(["app"]);
  const first = await hold(app, "echo mine > extra/note");
  expect(await run(SHOW)).toBe("mine\n");
  expect(existsSync(inside("extra/note"))).toBe(true);
  await first.release();
  expect(readdirSync(workenv())).toEqual(["app"]);
  expect(await run(SHOW)).toBe("original\n");
});

test("temporary: what a killed launcher left is anew at the next start", async () => {
  const { run, app, inside } = await packWith(dir.path, "killed", { lifecycle: "temporary" });
  const first = await hold(app, "echo mine > extra/note; touch extra/added");
  first.child.kill("SIGKILL");
  await first.release();
  expect(existsSync(inside("extra/added"))).toBe(true);
  expect(await run("ls extra; cat extra/note")).toBe("note\noriginal\n");
  expect(existsSync(inside("extra"))).toBe(false);
});

describe("shutdown", () => {
  const PROGRAM = '#!/bin/sh\necho "end of $FLAVOR_WORKENV" >> "$FLAVOR_WORKENV/../ended"; exit 3\n';
  async function packProgram(name: string) {
    const folder = join(dir.path, name);
    mkdirSync(folder);
    writeFileSync(join(folder, "finish.sh"), PROGRAM, { mode: 0o755 });
    return packWith(
      dir.path,
      name,
      { lifecycle: "runtime" },
      '[[slots]]\nid = "finish"\nsource = "finish.sh"\ntarget = "bin/finish"\nlifecycle = "shutdown"\n',
    );
  }

  test("one program is run by the last one when it has ended, and is not there otherwise", async () => {
    const { app, workenv } = await packProgram("finisher");
    const ended = () =>
      readFileSync(join(cacheOf(app), "ended"), "utf8")
        .trim()
        .split("\n").length;
    const first = await hold(app, "test ! -e bin/finish && echo absent");
    expect(first.said).toBe("absent\n");
    const second = await runPackage(app, ["exit 7"]);
    expect(second).toMatchObject({ exitCode: 7, stderr: "" });
    expect(existsSync(join(cacheOf(app), "ended"))).toBe(false);
    await first.release();
    expect(ended()).toBe(1);
    expect(readdirSync(workenv()).sort()).toEqual(["app", "extra"]);
    const third = await runPackage(app, ["exit 9"]);
    expect(third.exitCode).toBe(9);
    expect(third.stderr).toMatch(
      /^finisher\.psp: warning: the shutdown program .*bin\/finish failed: it ended with 3\n$/,
    );
    expect(ended()).toBe(2);
    expect(third.stderr).not.toContain("[");
  });
});

test.each(["cache"])(
  "%s: the application's changes stay, and what it removes is put back",
  async (lifecycle) => {
    const { run, workenv } = await packWith(dir.path, lifecycle, { lifecycle });
    expect(await run("cat extra/note; echo changed > extra/note; echo more > extra/more")).toBe("original\n");
    expect(await run("cat extra/note extra/more; rm extra/note")).toBe("changed\nmore\n");
    outdate(workenv());
    expect(await run("cat extra/note extra/more")).toBe("original\nmore\n");
    // What changed in size only is the application's business.
    expect(await run(": > extra/note")).toBe("");
    outdate(workenv());
    expect(await run("wc -c < extra/note")).toMatch(/^\s*0\n$/);
  },
);

/** Makes the next start look at every file, as it does each day. */
function outdate(workenv: string): void {
  const marker = join(workenv, "..", `.${basename(workenv)}.pspf`, "instance", "extract", "complete");
  utimesSync(marker, 1, 1);
}

describe("lazy", () => {
  test("a slot that nobody names is not there, until it is asked for, also while the application runs", async () => {
    const { app, run, inside } = await packWith(dir.path, "lazy", { lifecycle: "lazy" });
    expect(await run(SHOW)).toBe("none\n");
    const ask = 'FLAVOR_LAUNCHER_CLI=1 "$FLAVOR_PACKAGE" unpack extra';
    expect(await run(`p=$(${ask}) && echo "$p" && cat "$p/note"`)).toBe(`${inside("extra")}\noriginal\n`);
    expect(await run(SHOW)).toBe("original\n");
    expect(await run(`${ask}; echo changed by it > extra/note; ${ask}; cat extra/note`)).toEndWith(
      "changed by it\n",
    );
    // It belongs to the workenv now: what is missing of it is put back.
    expect(await run("rm extra/note")).toBe("");
    outdate(inside("."));
    expect(await run(SHOW)).toBe("original\n");
    const env = { FLAVOR_LAUNCHER_CLI: "1" };
    expect((await runPackage(app, ["unpack", "1"], { env })).stdout).toBe(`${inside("extra")}\n`);
    expect(await runPackage(app, ["unpack", "nothing"], { env })).toMatchObject({ exitCode: 103 });
    expect(await runPackage(app, ["unpack"], { env })).toMatchObject({ exitCode: 105 });
  });

  test.each([
    ["command", "", "{workenv}/app/run.sh true {slot:1}"],
    [
      "setup command",
      '[[setup_commands]]\ntype = "execute"\ncommand = "test -e {workenv}/extra/note"',
      undefined,
    ],
  ])("a slot that a %s names is there from the beginning", async (what, more, command) => {
    const { app, inside } = await packWith(
      dir.path,
      `lazy-${what.replace(" ", "-")}`,
      { lifecycle: "lazy" },
      more,
      command,
    );
    expect(await runPackage(app, ["true"])).toMatchObject({ stderr: "", exitCode: 0 });
    expect(existsSync(inside("extra/note"))).toBe(true);
  });
});

test.each(["dev"])("%s: with FLAVOR_DEV, then and later", async (lifecycle) => {
  const { app, run } = await packWith(dir.path, lifecycle, { lifecycle });
  expect(await run(SHOW)).toBe("none\n");
  // Added to a workenv that an application runs from.
  const first = await hold(app, "echo mine > made");
  expect(await run(`${SHOW}; cat made`, { env: { FLAVOR_DEV: "1" } })).toBe("original\nmine\n");
  await first.release();
  expect(await run(SHOW)).toBe("original\n");
  const home = join(dir.path, `home-${lifecycle}`);
  expect(await run(SHOW, { env: { FLAVOR_DEV: "on" }, home })).toBe("original\n");
  expect(await run(SHOW, { home: join(dir.path, `other-${lifecycle}`), env: { FLAVOR_DEV: "0" } })).toBe(
    "none\n",
  );
});

describe.each(["config", "persistent"])("%s", (lifecycle) => {
  const pack = async (version: string, note: string, seed = "ours") => {
    const folder = join(dir.path, `${lifecycle}-${version}-${seed}`);
    const manifest = `[package]\nname = "settings"\nversion = "${version}"
[execution]\ncommand = "{workenv}/app/run.sh"
[[slots]]\nid = "app"\nsource = "app"
[[slots]]\nid = "etc"\nsource = "etc"\nlifecycle = "${lifecycle}"`;
    const files = { "app/run.sh": APP, "etc/note": note, "etc/other": "same\n" };
    return packApp(folder, manifest, files, { keySeed: seed });
  };

  test("what the user made goes along to the next version, and cleaning waits for that", async () => {
    const home = join(dir.path, `home-of-${lifecycle}`);
    const env = { FLAVOR_CACHE: join(home, "cache") };
    const first = await pack("1", "one\n");
    const run = async (app: string, script: string, state = join(home, "state")) => {
      const ran = await runPackage(app, [script], { home, env: { XDG_STATE_HOME: state } });
      expect(ran).toMatchObject({ stderr: "", exitCode: 0 });
      return ran.stdout;
    };
    const clean = () => new CacheManager({ env }).clean();
    expect(await run(first, "cat etc/note; echo mine > etc/note; echo data > etc/data; pwd")).toStartWith(
      "one\n",
    );
    expect(await run(first, "cat etc/note etc/data")).toBe("mine\ndata\n");
    expect((await clean()).removed).toEqual([]);
    const second = await pack("2", "two\n");
    expect(await run(second, "cat etc/note etc/note.new etc/data etc/other; ls etc | wc -l")).toBe(
      "mine\ntwo\ndata\nsame\n4\n",
    );
    const stranger = await pack("3", "three\n", "strangers");
    // Started by somebody who does not remember the signer of the others.
    const forgetful = join(home, "other-state");
    expect(await run(stranger, "cat etc/note; ls etc | wc -l", forgetful)).toBe("three\n2\n");
    const removed = (await clean()).removed.map(({ version }) => version).sort();
    expect(removed).toEqual(lifecycle === "config" ? ["1", "3"] : ["1"]);
    expect(await run(second, "cat etc/note etc/data")).toBe("mine\ndata\n");
  });
});

test("a slot for another platform is not unpacked, whatever its lifecycle", async () => {
  for (const lifecycle of ["runtime", "startup", "shutdown"]) {
    const path = join(dir.path, `foreign-${lifecycle}.psp`);
    const slots = [
      fileSlot("run", APP, { target: "run", permissions: 0o755 }),
      fileSlot("other", "#!/bin/sh\necho wrong\n", {
        target: "other",
        platform: "windows",
        lifecycle,
        permissions: 0o755,
      }),
      fileSlot("this", "", { target: "this", platform: "linux", lifecycle: "runtime" }),
    ];
    const launcher = new Uint8Array(readFileSync(await hostLauncher()));
    const about = { execution: { primarySlot: 0, command: "{workenv}/run", env: {} } };
    writeFileSync(path, await packageBytes({ slots, launcher, about }), { mode: 0o755 });
    expect(await runPackage(path, ["ls"])).toMatchObject({ stdout: "run\nthis\n", stderr: "", exitCode: 0 });
  }
});
