import { basename } from "node:path";
import type { WorkenvLayout } from "../../cache/layout.ts";
import type { Bytes } from "../../types.ts";
import type { Metadata } from "../../wire/metadata-types.ts";
import { bunFilesOf, needsBun } from "../bun-runtime.ts";
import { openAtHand } from "./at-hand.ts";

/**
 * Whether the files with which a launcher acts as Bun are those that this launcher writes, where the package needs them:
 * what they hold runs before the application does.
 */
export const isRuntimeIntact = (metadata: Metadata, { bun }: WorkenvLayout): boolean =>
  !needsBun(metadata) ||
  Object.entries(bunFilesOf(bun)).every(([path, text]) => {
    const file = openAtHand(bun, basename(path), 0o600);
    file.compare(new TextEncoder().encode(text) as Bytes);
    return file.end() === "same";
  });
