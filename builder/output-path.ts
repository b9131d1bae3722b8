import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { PspfError } from "../format/errors.ts";
import { TARGETS, type Target } from "../format/platform.ts";
import type { Manifest } from "./manifest/manifest.ts";

/** Where the package for one platform goes. */
export function outputFor(
  manifest: Pick<Manifest, "directory" | "package">,
  target: Target,
  count: number,
  output?: string,
): string {
  const name = manifest.package.name;
  const isFolder =
    output !== undefined && (/[/\\]$/.test(output) || (existsSync(output) && statSync(output).isDirectory()));
  const file =
    output === undefined
      ? join(manifest.directory, "dist", `${name}.psp`)
      : isFolder
        ? join(output, `${name}.psp`)
        : output;
  // The "2" of app-1.2 is no extension.
  const extension = /\.[a-z]+$/i.exec(file)?.[0] ?? "";
  const stem = extension === "" ? file : file.slice(0, -extension.length);
  const suffix = count > 1 ? `-${target}` : "";
  // Windows starts nothing that does not end so.
  const ending = TARGETS[target].os === "windows" ? ".exe" : extension;
  const path = resolve(`${stem}${suffix}${ending}`);
  if (existsSync(path) && statSync(path).isDirectory())
    throw new PspfError("io-failed", `Cannot write ${path}: it is a folder`, {
      hint: "name a file with --output",
    });
  return path;
}
