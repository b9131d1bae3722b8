import { chmodSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { doing, errnoOf, ioError } from "./fs.ts";

/** Removes a tree, also one with read-only directories; what is not there is fine. Links are never followed. */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if (errnoOf(error) !== "EACCES" && errnoOf(error) !== "EPERM") throw ioError("remove", path, error);
    doing("remove", path, () => {
      // The mode of a link is that of what it leads to, and a file's does not matter.
      if (lstatSync(path).isDirectory()) makeWritable(path);
      rmSync(path, { recursive: true, force: true });
    });
  }
}

function makeWritable(directory: string): void {
  chmodSync(directory, 0o700);
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) makeWritable(join(directory, entry.name));
}
