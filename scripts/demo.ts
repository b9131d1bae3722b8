/**
 * `npm run demo`: packs the TypeScript example, runs it twice, looks into it, verifies it, and says what happens. Leaves
 * the package in dist/demo; launcher and unpacked files stay there as well, so that the caches of the user are as before.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { installPackages } from "../examples/install.ts";

const ROOT = join(import.meta.dir, "..");
const EXAMPLE = join(ROOT, "examples", "typescript");
const DEMO = join(ROOT, "dist", "demo");
const PACKAGE = join(DEMO, process.platform === "win32" ? "toc.exe" : "toc.psp");
const CACHE = join(DEMO, "cache");
const ENVIRONMENT = {
  ...process.env,
  FLAVOR_CACHE: CACHE,
  FLAVOR_LAUNCHERS: join(DEMO, "launchers"),
  XDG_STATE_HOME: join(DEMO, "state"),
};
const WARM_RUNS = 5;

function demo(): void {
  mkdirSync(DEMO, { recursive: true });
  // The first start is to be a first one also when the demo is repeated. Nothing but the demo writes here.
  rmSync(CACHE, { recursive: true, force: true });

  step("Fetch what the program is made of");
  const fetched = installPackages(EXAMPLE);
  say(`The three npm packages of ${short(EXAMPLE)} are ${fetched}, in versions that its package.json pins.`);

  step("Pack");
  show(flavor("pack", EXAMPLE, "--output", PACKAGE));
  say("Launcher, program and npm packages are one signed file now. It was read again and verified");
  say("before it got its name. Most of it is the launcher: a whole Bun, so that no runtime has to be");
  say("installed where it runs.");

  const text = join(EXAMPLE, "README.md");
  step(`Run it for the first time, on ${short(text)}`);
  const first = run([PACKAGE, text]);
  show(first);
  say(`That took ${first.milliseconds} milliseconds: the launcher checked the signature, unpacked the slots`);
  say("and became the program.");

  step("Run it again");
  const later = Array.from({ length: WARM_RUNS }, () => run([PACKAGE, text]).milliseconds);
  const [fastest, slowest] = [Math.min(...later), Math.max(...later)];
  say(
    `${WARM_RUNS} more starts took ${fastest} to ${slowest} milliseconds each: all lies unpacked, the launcher only looks`,
  );
  say("up where, and the rest is the program itself.");

  step("Look into it");
  show(flavor("inspect", short(PACKAGE)));

  step("Verify it");
  show(flavor("verify", short(PACKAGE)));
  say("Every byte of the file is covered: signature, launcher, slots, and the gaps between them.");

  step("Yours to try");
  const name = short(PACKAGE);
  say(`The package is ${name}. Copy it to any machine of this kind and run it there:`);
  say(`  ./${name} --depth 2 < README.md`);
}

interface Outcome {
  readonly output: string;
  readonly milliseconds: number;
}

const flavor = (...args: readonly string[]): Outcome =>
  run([process.execPath, join(ROOT, "builder", "cli", "main.ts"), ...args]);

/** Runs a command in the root; one that fails ends the demo with what it said. */
function run(command: readonly string[]): Outcome {
  const start = performance.now();
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], {
    cwd: ROOT,
    env: ENVIRONMENT,
    stdin: "ignore",
  });
  const milliseconds = Math.round(performance.now() - start);
  if (exitCode === 0) return { output: `${stdout}${stderr}`, milliseconds };
  const said = `${stderr}`.trim() || `it ended with ${exitCode}`;
  throw new Error(`${command.map(short).join(" ")} failed: ${said}`);
}

let steps = 0;
const step = (title: string): void => say(`${steps === 0 ? "" : "\n"}${++steps}. ${title}`);
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const show = ({ output }: Outcome): void => say(output.trimEnd().replaceAll(/^(?=.)/gm, "   "));

/** A path as one would type it in the root. */
const short = (path: string): string => (path.startsWith(ROOT) ? relative(ROOT, path) : path);

try {
  demo();
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
