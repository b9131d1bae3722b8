import { existsSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { PspfError } from "../format/errors.ts";
import { TARGETS, type Target } from "../format/platform.ts";
import type { Manifest } from "./manifest/manifest.ts";
import type { SlotInput } from "./slot-input.ts";
import { wouldList } from "./sources/tree.ts";

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
  const there = existsSync(path) ? statSync(path) : undefined;
  // A rename would put the package in the place of a device such as /dev/null.
  if (there?.isFile() === false)
    throw new PspfError(
      "io-failed",
      `Cannot write ${path}: it is ${there.isDirectory() ? "a folder" : "no regular file"}`,
      {
        hint: "name a file with --output",
      },
    );
  return path;
}

/** A package that is written into a folder which it packs would get itself, unfinished, and the one before. */
export function checkNotPacked(output: string, slots: readonly SlotInput[]): void {
  // Until it is whole it has another name: see openReplacement.
  const unfinished = join(dirname(output), `.${basename(output)}.00000000.part`);
  for (const { id, data } of slots) {
    if (data.kind !== "tree") continue;
    const root = resolve(data.root);
    const isPacked = [output, unfinished].some((path) => {
      const below = relative(root, path);
      const isInside = below.split(sep)[0] !== ".." && !isAbsolute(below);
      return isInside && wouldList(below.replaceAll(sep, "/"), data);
    });
    if (isPacked)
      throw new PspfError(
        "build-failed",
        `Cannot pack ${root} as slot "${id}": the package is to be written into it`,
        {
          hint: "exclude the folder that the package is written to, or name another one with --output",
        },
      );
  }
}
