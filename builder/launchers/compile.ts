import { join } from "node:path";
import { PspfError } from "../../format/errors.ts";
import { doingAsync } from "../../format/io/fs.ts";
import { TARGETS, type Target } from "../../format/platform.ts";
import { downloadEnvironment, type Environment, ownBase } from "./base.ts";
import type { Bundle } from "./bundle.ts";
import { keepCallersLimits } from "./caller-limits.ts";
import { compileArguments, outfileOf } from "./compile-flags.ts";
import { EXECUTABLE_HEAD_SIZE, executableKind, runsOn } from "./executable-kind.ts";
import { runBun } from "./run-bun.ts";
import type { Scratch } from "./scratch.ts";

/** Ends the compiler's search for settings: without them it would read those of the folders above. */
const SETTINGS = { "package.json": '{"type":"module"}', "tsconfig.json": "{}", "bunfig.toml": "" } as const;

/** Compiles a bundle for one platform inside the scratch folder and returns the path there. */
export async function compileLauncher(
  bundle: Bundle,
  target: Target,
  { path: cwd, aborted }: Scratch,
  env: Environment,
): Promise<string> {
  for (const [name, text] of Object.entries(SETTINGS)) await put(join(cwd, name), text);
  for (const { name, bytes } of bundle) await put(join(cwd, name), bytes);
  const args = compileArguments(target, `./${bundle[0].name}`, await ownBase(target, cwd));
  const failure = await runBun(args, { cwd, aborted, env: downloadEnvironment(target, env) });
  if (failure !== undefined) throw unavailable(target, failure.state, failure.said);
  const path = join(cwd, outfileOf(target));
  await checkPlatform(path, target);
  if (TARGETS[target].os === "linux") keepCallersLimits(path);
  return path;
}

const put = (path: string, content: string | Uint8Array): Promise<number> =>
  doingAsync("write", path, () => Bun.write(path, content));

/** Throws `launcher-unavailable` unless a file is an executable for `target`: what was downloaded might be anything. */
export async function checkPlatform(path: string, target: Target): Promise<void> {
  const head = await doingAsync("read", path, () => Bun.file(path).slice(0, EXECUTABLE_HEAD_SIZE).bytes());
  if (!runsOn(executableKind(head), target))
    throw unavailable(target, "the result is for another platform", []);
}

const unavailable = (target: Target, state: string, problems: readonly string[]) =>
  new PspfError("launcher-unavailable", `Cannot make a launcher for ${target}: ${state}`, {
    problems,
    hint: `run "flavor launchers build ${target}" once while there is a network, or name a file with --launcher`,
  });
