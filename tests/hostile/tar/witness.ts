import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pathsBelow } from "../../../format/tar/testing.ts";

/** Makes what an attack would like to reach, around a workenv that will be `root`. */
export function plantWitnesses(outside: string): void {
  const at = (path: string) => join(outside, path);
  mkdirSync(at("folder"));
  for (const path of ["witness", "secret", "folder/inside", "x"]) writeFileSync(at(path), `this is ${path}`);
  symlinkSync("witness", at("link"));
  chmodSync(at("witness"), 0o640);
  chmodSync(at("secret"), 0o600);
  for (const path of ["witness", "secret", "folder/inside", "x", "folder"]) utimesSync(at(path), 1e9, 1e9);
  chmodSync(at("folder"), 0o750);
}

/** All that there is to know about what is outside of `root`: content, modes, times, links. */
export const stateOutside = (outside: string): readonly string[] =>
  pathsBelow(outside)
    .filter((path) => path !== "root" && !path.startsWith("root/"))
    .map((path) => `${path} ${describe(join(outside, path))}`);

function describe(path: string): string {
  const { mode, size, mtimeMs, nlink, ino, uid } = lstatSync(path);
  const content = lstatSync(path).isSymbolicLink() ? readlinkSync(path) : "";
  const text = lstatSync(path).isFile() ? readFileSync(path, "utf8") : "";
  return [mode.toString(8), size, mtimeMs, nlink, ino, uid, content, text].join(" ");
}

/** What a tree must not hold, whoever made it: devices, further names of files, links that lead out, special bits. */
export function faultsIn(root: string): readonly string[] {
  return pathsBelow(root).flatMap((path) => {
    const stat = lstatSync(join(root, path));
    const faults: string[] = [];
    if (!stat.isFile() && !stat.isDirectory() && !stat.isSymbolicLink()) faults.push("is no file");
    if (stat.isFile() && stat.nlink !== 1) faults.push("has another name");
    if (!stat.isSymbolicLink() && (stat.mode & 0o7000) !== 0) faults.push("has special bits");
    if (stat.isSymbolicLink() && leadsOut(path, readlinkSync(join(root, path)))) faults.push("leads out");
    return faults.map((fault) => `${path} ${fault}`);
  });
}

/** Whether a link's target, taken step by step, ever is above the root. */
function leadsOut(path: string, target: string): boolean {
  if (target.startsWith("/")) return true;
  let depth = path.split("/").length - 1;
  for (const step of target.split("/")) {
    if (step === "..") depth--;
    else if (step !== "" && step !== ".") depth++;
    if (depth < 0) return true;
  }
  return false;
}

/** Path → what is there: `-> target`, `755/`, or mode and content of a file. */
export const treeOf = (root: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    pathsBelow(root).map((path) => {
      const stat = lstatSync(join(root, path));
      const mode = (stat.mode & 0o7777).toString(8);
      if (stat.isSymbolicLink()) return [path, `-> ${readlinkSync(join(root, path))}`];
      return [path, stat.isDirectory() ? `${mode}/` : `${mode} ${readFileSync(join(root, path), "utf8")}`];
    }),
  );
