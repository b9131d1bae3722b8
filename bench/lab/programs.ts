import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launcherBundle } from "../../builder/launchers/bundle.ts";
import { ensureLauncher } from "../../builder/launchers/cache.ts";
import { compileCli } from "../../builder/launchers/compile-cli.ts";
import { hostTarget } from "../../builder/launchers/host.ts";
import { environmentIn, type Lab } from "./lab.ts";
import { type Call, said } from "./process.ts";

const ROOT = join(import.meta.dir, "..", "..");

/** `flavor`, compiled from this checkout. */
export const flavorProgram = (lab: Lab): Promise<string> =>
  lab.once("flavor", async () => {
    const entry = join(ROOT, "builder", "cli", "main.ts");
    const flavor = await compileCli({
      entry,
      outfile: join(lab.dir, "flavor"),
      bundle: await launcherBundle(),
    });
    // the launcher is there before any packing is timed
    said({ command: [flavor, "launchers", "build"], env: flavorEnvironment(lab) });
    return flavor;
  });

/** The floor: a compiled Bun program that does nothing but become /bin/true, compiled as launchers are. */
export const bareProgram = (lab: Lab): Promise<string> =>
  lab.once("bare", async () => {
    const options = { entry: join(ROOT, "bench", "bare.ts"), cacheDir: join(lab.dir, "launchers") };
    return (await ensureLauncher(hostTarget(), options)).path;
  });

/** For `flavor`: launchers, build cache and temporary files are in the work folder. */
export const flavorEnvironment = (lab: Lab): Call["env"] =>
  environmentIn(join(lab.dir, "home"), {
    TMPDIR: lab.dir,
    FLAVOR_LAUNCHERS: join(lab.dir, "launchers"),
    FLAVOR_BUILD_CACHE: join(lab.dir, "build-cache"),
  });

/** What a package is made of. */
export interface Recipe {
  /** Also the name of its file. */
  readonly name: string;
  readonly command: string;
  readonly slots: readonly SlotRecipe[];
  readonly launcher?: "shebang";
  /** More options of `flavor pack`. */
  readonly options?: readonly string[];
}

export interface SlotRecipe {
  readonly id: string;
  readonly source: string;
  readonly target?: string;
  readonly operations?: string;
}

/** The seed of the key that signs everything here. */
export const SEED = "bench";

/** Writes a manifest and gives the command that packs it, and where the package will lie; the folder is `parent`'s. */
export async function packCall(
  lab: Lab,
  recipe: Recipe,
  parent = lab.dir,
): Promise<{ call: Call; path: string }> {
  const flavor = await flavorProgram(lab);
  const dir = join(parent, "packages", recipe.name);
  const path = join(dir, `${recipe.name}.psp`);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "flavor.toml"), manifestOf(recipe));
  const launcher = recipe.launcher === undefined ? [] : ["--launcher", recipe.launcher];
  const options = ["--quiet", "--key-seed", SEED, "--level", "3", ...launcher, ...(recipe.options ?? [])];
  return {
    call: { command: [flavor, "pack", dir, ...options, "--output", path], env: flavorEnvironment(lab) },
    path,
  };
}

/** The option that keeps the build cache out of it, in a `flavor` that has one. */
export const withoutCache = (lab: Lab): Promise<readonly string[]> =>
  lab.once("without cache", async () => {
    const help = said({
      command: [await flavorProgram(lab), "pack", "--help"],
      env: flavorEnvironment(lab),
    }).out;
    return help.includes("--no-cache") ? ["--no-cache"] : [];
  });

/** Packs something for other rows, without a last look, and gives the path of the package. */
export async function pack(lab: Lab, recipe: Recipe, parent = lab.dir): Promise<string> {
  const options = [...(recipe.options ?? []), "--no-verify", ...(await withoutCache(lab))];
  const { call, path } = await packCall(lab, { ...recipe, options }, parent);
  said(call);
  return path;
}

const manifestOf = ({ name, command, slots }: Recipe): string =>
  [
    "[package]",
    `name = "${name}"`,
    'version = "1"',
    "[execution]",
    `command = "${command}"`,
    ...slots.flatMap(({ id, source, target, operations }) => [
      "[[slots]]",
      `id = "${id}"`,
      `source = ${JSON.stringify(source)}`,
      ...(target === undefined ? [] : [`target = "${target}"`]),
      ...(operations === undefined ? [] : [`operations = "${operations}"`]),
    ]),
    "",
  ].join("\n");

export const fileMegabytes = (path: string): number => statSync(path).size / 1e6;
