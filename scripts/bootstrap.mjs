/**
 * Runs one of the project's scripts, or its tests, from a fresh clone: plain JavaScript for Node or Bun, whichever
 * is there. Installs the packages of package-lock.json when they are missing, finds the pinned Bun and becomes it.
 *
 *   node scripts/bootstrap.mjs <script.ts> [args]      node scripts/bootstrap.mjs test [args]
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const windows = process.platform === "win32";

try {
  const [what, ...args] = process.argv.slice(2);
  if (what === undefined) fail("what to run is missing: a script, or the word test", 105);
  if (!packagesMatchLock()) installPackages();
  const bun = findBun();
  // Tests find their files from the root; a script is about the files of the person who calls it.
  if (what === "test") become(bun, ["test", "--timeout", "120000", ...args], root);
  else become(bun, [join(root, what), ...args], process.cwd());
} catch (error) {
  fail(error instanceof Error ? error.message : String(error), 110);
}

/** Whether every package that the lock file asks for on this machine lies there in its version. */
function packagesMatchLock() {
  const { packages } = readJson(join(root, "package-lock.json"));
  return Object.entries(packages).every(
    // Optional packages are for other platforms, or their owner checks for them.
    ([path, wanted]) => path === "" || wanted.optional || installedVersion(path) === wanted.version,
  );
}

function installedVersion(path) {
  try {
    return readJson(join(root, path, "package.json")).version;
  } catch {
    return undefined;
  }
}

/**
 * npm first, because the lock file is its own; Bun reads the same file and writes no other. Not `npm ci`: it refuses
 * a lock file without the optional packages of every platform, also of those that it would not install.
 */
function installPackages() {
  say("installing the packages of package-lock.json");
  const npm = runToEnd("npm", ["install", "--no-save", "--no-fund", "--no-audit", "--loglevel=error"]);
  const bun = process.versions.bun === undefined ? "bun" : process.execPath;
  const code = npm ?? runToEnd(bun, ["install", "--no-save", "--frozen-lockfile"]);
  if (code === undefined) throw new Error("Cannot install the packages: there is neither npm nor bun");
  if (code !== 0)
    throw new Error(`Cannot install the packages: ${npm === undefined ? "bun" : "npm"} ended with ${code}`);
  if (!packagesMatchLock())
    throw new Error("Cannot install the packages: they are not those of package-lock.json");
}

/** The Bun that we run under when it is new enough, else the one that package.json pins. */
function findBun() {
  const wanted = readJson(join(root, "package.json")).devDependencies.bun;
  if (process.versions.bun !== undefined && !isOlder(process.versions.bun, wanted)) return process.execPath;
  const bun = join(root, "node_modules", "bun", "bin", "bun.exe");
  // Where install scripts are switched off, the file is a placeholder until the package's own installer runs.
  if (versionOf(bun) !== wanted)
    runToEnd(process.execPath, [join(root, "node_modules", "bun", "install.js")]);
  const found = versionOf(bun);
  if (found === wanted) return bun;
  throw new Error(`Cannot find Bun ${wanted}: node_modules/bun has ${found ?? "none that runs here"}`);
}

function versionOf(bun) {
  if (!existsSync(bun)) return undefined;
  const { status, stdout } = spawnSync(bun, ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

function isOlder(version, wanted) {
  const [a, b] = [version, wanted].map((text) => text.split("-")[0].split(".").map(Number));
  const i = a.findIndex((part, at) => part !== b[at]);
  return i !== -1 && a[i] < b[i];
}

/** The exit code of a command whose output goes to stderr; undefined when there is no such command. */
function runToEnd(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: windows && command === "npm",
  });
  return error?.code === "ENOENT" ? undefined : (status ?? 1);
}

/** Runs a command in our place: its streams are ours, signals reach it, and we end as it ends. */
function become(command, args, cwd) {
  const child = spawn(command, args, { cwd, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => {
      // A terminal sends SIGINT to the whole group: the child has it already.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  child.on("error", (error) => fail(`Cannot start ${command}: ${error.message}`, 110));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    if (!windows) process.kill(process.pid, signal);
    // Reached only where the signal did not end us.
    setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 100);
  });
}

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

function say(text) {
  process.stderr.write(`bootstrap: ${text}\n`);
}

function fail(text, code) {
  say(text);
  process.exit(code);
}
