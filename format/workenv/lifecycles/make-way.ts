import { readdirSync } from "node:fs";
import { join } from "node:path";
import { statOf } from "../../cache/cleaning/measure.ts";
import { inFolder } from "../../io/in-folder.ts";
import { doing } from "../../io/fs.ts";
import { removeTree } from "../../io/remove-tree.ts";

/**
 * Removes what `graft` would stop at: folders where the new tree has files, and the other way round. No package has
 * both, so the application put it there; if it stayed, no start would get any further.
 */
export function makeWay(from: string, into: string): void {
  for (const name of doing("list", from, () => readdirSync(from))) {
    const [source, target] = [join(from, name), join(into, name)];
    const there = statOf(target);
    if (there === undefined) continue;
    const isFolder = statOf(source)?.isDirectory() === true;
    if (there.isDirectory() !== isFolder) inFolder(into, () => removeTree(target));
    else if (isFolder) makeWay(source, target);
  }
}
