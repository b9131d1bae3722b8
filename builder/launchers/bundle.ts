import { existsSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, parse } from "node:path";
import { PspfError } from "../../format/errors.ts";
import type { Bytes, Sha256 } from "../../format/types.ts";
import { sha256Stream } from "../../format/wire/hashes.ts";
import type { Environment } from "./base.ts";
import { bundleArguments, DROP_FOR_SHIPPING } from "./compile-flags.ts";
import type { EmbeddedFile } from "./embedded.ts";
import { gatherStart } from "./one-start.ts";
import { runBun } from "./run-bun.ts";
import { withScratch } from "./scratch.ts";

/** One file of the bundled launcher: the program first, then what it loads when it needs it. */
export interface BundleFile {
  readonly name: string;
  readonly bytes: Bytes;
}

/** The launcher as bundled JavaScript. */
export type Bundle = readonly [BundleFile, ...BundleFile[]];

const LAUNCHER_ENTRY = join(import.meta.dir, "..", "..", "launcher", "main.ts");

/** The bundle that was embedded when `flavor` was compiled, else one made from the launcher's sources. */
export async function launcherBundle(env: Environment = process.env): Promise<Bundle> {
  const { EMBEDDED_BUNDLE } = await import("./embedded.ts");
  const [first, ...rest] = EMBEDDED_BUNDLE.map(fromEmbedded);
  return first === undefined ? bundleFrom(LAUNCHER_ENTRY, env, DROP_FOR_SHIPPING) : [first, ...rest];
}

/**
 * Bundles a launcher program; the same sources give the same bytes, wherever they lie: Bun's names depend on paths
 * relative to the folder it runs in, so it runs in that of the program.
 */
export const bundleFrom = (
  entry: string,
  env: Environment = process.env,
  flags: readonly string[] = [],
): Promise<Bundle> =>
  withScratch(tmpdir(), async ({ path, aborted }) => {
    const cwd = dirname(entry);
    if (!existsSync(entry)) throw unavailable(entry, "it is not there");
    const failure = await runBun(bundleArguments(`./${basename(entry)}`, path, flags), { cwd, env, aborted });
    if (failure !== undefined) throw unavailable(entry, failure.state, failure.said);
    const program = `${parse(entry).name}.js`;
    const others = readdirSync(path).filter((name) => name !== program);
    return gatherStart([
      await fileOf(path, program),
      ...(await Promise.all(others.toSorted().map((name) => fileOf(path, name)))),
    ]);
  });

const fileOf = async (dir: string, name: string): Promise<BundleFile> => ({
  name,
  bytes: await Bun.file(join(dir, name)).bytes(),
});

/** A name for exactly this bundle: its SHA-256 over names, lengths and bytes. */
export function bundleDigest(bundle: Bundle): Sha256 {
  const hash = sha256Stream();
  for (const { name, bytes } of bundle) {
    hash.update(new TextEncoder().encode(`${JSON.stringify(name)} ${bytes.length}\n`));
    hash.update(bytes);
  }
  return hash.hex();
}

export const toEmbedded = ({ name, bytes }: BundleFile): EmbeddedFile => ({ name, base64: bytes.toBase64() });

export const fromEmbedded = ({ name, base64 }: EmbeddedFile): BundleFile => ({
  name,
  bytes: Uint8Array.fromBase64(base64) as Bytes,
});

const unavailable = (entry: string, state: string, problems: readonly string[] = []) =>
  new PspfError("launcher-unavailable", `Cannot bundle the launcher ${entry}: ${state}`, {
    problems,
    hint: "flavor runs from a whole checkout, or compiled",
  });
