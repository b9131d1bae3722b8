import { join } from "node:path";
import type { Sha256 } from "../../format/types.ts";

/** Where everything of the build cache lies. Pure: nothing here touches a disk. */

/** Bumped when the layout changes; older programs keep their own folder beside it. */
const VERSION = "v1";
export const MANIFEST = "manifest.json";

export const rootOf = (folder: string): string => join(folder, VERSION);

/** Entries are spread over folders by the first two digits of their keys. */
export const shardOf = (root: string, key: Sha256): string => join(root, key.slice(0, 2));
export const entryOf = (root: string, key: Sha256): string => join(shardOf(root, key), key);
export const manifestOf = (root: string, key: Sha256): string => join(entryOf(root, key), MANIFEST);
export const outputsOf = (root: string, key: Sha256): string => join(entryOf(root, key), "outputs");
/** A file of the entry, by the SHA-256 of its bytes. */
export const outputOf = (root: string, key: Sha256, content: Sha256): string =>
  join(outputsOf(root, key), content);

/** Where something of an entry is made, on the same disk; `random` is the caller's, so that no two meet. */
export const scratchOf = (root: string, key: Sha256, random: string): string =>
  join(shardOf(root, key), `.tmp-${key}-${random}`);

export const isScratch = (name: string): boolean => name.startsWith(".tmp-");
export const isShard = (name: string): boolean => /^[0-9a-f]{2}$/.test(name);
