import { basename, dirname, join, resolve } from "node:path";
import { PspfError } from "../../format/errors.ts";
import { DROPPED } from "../../format/io/fail-point.ts";
import { TARGETS, type Target } from "../../format/platform.ts";
import { type Bundle, toEmbedded } from "./bundle.ts";
import { embeddedSource } from "./embedded.ts";

export interface CliCompilation {
  /** The program, whose imports reach `launcherBundle`. */
  readonly entry: string;
  /** Where the executable goes; Windows adds ".exe". */
  readonly outfile: string;
  /** The platform it is for; our own when not given. */
  readonly target?: Target;
  /** The launcher that this program can then make without its sources. */
  readonly bundle: Bundle;
}

/** Compiles a program that makes launchers, such as `flavor`, and returns its path. */
export async function compileCli({ entry, outfile, bundle, target }: CliCompilation): Promise<string> {
  try {
    const { outputs } = await Bun.build({
      entrypoints: [resolve(entry)],
      target: "bun",
      format: "esm",
      minify: true,
      splitting: true,
      bytecode: true,
      drop: [...DROPPED],
      files: { [join(import.meta.dir, "embedded.ts")]: embeddedSource(bundle.map(toEmbedded)) },
      compile: {
        outfile: resolve(outfile),
        execArgv: ["--"], // as in compile-flags.ts
        ...(target === undefined ? {} : { target: TARGETS[target].bun }),
        autoloadDotenv: false,
        autoloadBunfig: false,
        autoloadTsconfig: false,
        autoloadPackageJson: false,
      },
    });
    return outputs[0]?.path ?? join(dirname(resolve(outfile)), basename(outfile));
  } catch (cause) {
    throw new PspfError("build-failed", `Cannot compile ${entry}: Bun refused it`, {
      problems: cause instanceof AggregateError ? cause.errors.map(String) : [],
      cause,
    });
  }
}
