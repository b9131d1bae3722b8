import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../tests/support/temp-dir.ts";

// A project of the same shape, with one package and programs that show what reaches them.
let dir: ReturnType<typeof tempDir>;
let root: string;
beforeAll(() => {
  dir = tempDir();
  root = projectIn(join(dir.path, "project"), { installed: "1.2.3" });
});
afterAll(() => dir[Symbol.dispose]());

const SHOW = `
  import { signal } from "left";
  const [deed] = process.argv.slice(2);
  if (deed === "die") process.kill(process.pid, "SIGKILL");
  else if (deed === "wait") {
    process.on(signal, () => process.exit(11));
    process.stdout.write("ready");
    setInterval(() => {}, 1000);
  } else {
    process.stdout.write(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), said: await Bun.stdin.text() }));
    process.exitCode = 9;
  }`;

function projectIn(path: string, { installed }: { readonly installed: string }): string {
  const write = (name: string, content: unknown) =>
    writeFileSync(join(path, name), typeof content === "string" ? content : JSON.stringify(content));
  for (const folder of ["scripts", "node_modules/left"]) mkdirSync(join(path, folder), { recursive: true });
  cpSync(join(import.meta.dir, "bootstrap.mjs"), join(path, "scripts", "bootstrap.mjs"));
  write("package.json", { dependencies: { left: "1.2.3" }, devDependencies: { bun: Bun.version } });
  write("package-lock.json", {
    lockfileVersion: 3,
    packages: {
      "": { dependencies: { left: "1.2.3" } },
      "node_modules/left": { version: "1.2.3" },
      "node_modules/elsewhere": { version: "5.0.0", optional: true },
    },
  });
  write("node_modules/left/package.json", { name: "left", version: installed, main: "main.js" });
  write("node_modules/left/main.js", 'export const signal = "SIGTERM";');
  write("scripts/show.ts", SHOW);
  write("one.test.ts", 'import { test } from "bun:test"; test("one", () => {}); test.skip("two", () => {});');
  mkdirSync(join(path, "elsewhere"));
  return path;
}

const NO_NETWORK = { NPM_CONFIG_REGISTRY: "http://127.0.0.1:9/", BUN_CONFIG_REGISTRY: "http://127.0.0.1:9/" };

const start = (project: string, args: readonly string[], env = {}) =>
  Bun.spawn([process.execPath, join(project, "scripts", "bootstrap.mjs"), ...args], {
    cwd: join(project, "elsewhere"),
    env: { ...process.env, ...NO_NETWORK, ...env },
    stdin: new Blob(["from stdin"]),
    stdout: "pipe",
    stderr: "pipe",
  });

async function run(project: string, args: readonly string[], env = {}) {
  const child = start(project, args, env);
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { stdout, stderr, exitCode: await child.exited, signal: child.signalCode };
}

test("a script gets arguments, folder and streams of the caller, who gets its exit code", async () => {
  const { stdout, stderr, exitCode } = await run(root, ["scripts/show.ts", "two words", "--flag"]);
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual({
    args: ["two words", "--flag"],
    cwd: join(root, "elsewhere"),
    said: "from stdin",
  });
  expect(exitCode).toBe(9);
});

test("tests run in the root, wherever one calls", async () => {
  const { stderr, exitCode } = await run(root, ["test"]);
  expect(stderr).toContain(" 1 pass\n 1 skip\n 0 fail\n");
  expect(exitCode).toBe(0);
  expect(await run(root, ["test", "nothing-of-this-name"])).toMatchObject({ exitCode: 1 });
});

test("a signal reaches the script, which decides", async () => {
  const child = start(root, ["scripts/show.ts", "wait"]);
  await child.stdout.getReader().read();
  child.kill("SIGTERM");
  expect(await child.exited).toBe(11);
});

test("a script that a signal ends, ends us the same way", async () => {
  expect(await run(root, ["scripts/show.ts", "die"])).toMatchObject({ signal: "SIGKILL" });
});

test("packages in other versions than the lock file has are not used", async () => {
  const project = projectIn(join(dir.path, "outdated"), { installed: "1.2.2" });
  const { stdout, stderr, exitCode } = await run(project, ["scripts/show.ts"], {
    PATH: join(project, "elsewhere"),
  });
  expect(stdout).toBe("");
  expect(stderr).toStartWith("bootstrap: installing the packages of package-lock.json\n");
  expect(stderr).toEndWith("bootstrap: Cannot install the packages: bun ended with 1\n");
  expect(exitCode).toBe(110);
  expect(readdirSync(project).filter((name) => name.startsWith("bun.lock"))).toEqual([]);
});

test("what to run is to be said", async () => {
  expect(await run(root, [])).toEqual({
    stdout: "",
    stderr: "bootstrap: what to run is missing: a script, or the word test\n",
    exitCode: 105,
    signal: null,
  });
});
