import { statSync } from "node:fs";

/** How problems ask for something on the disk. */
export const EXISTING = "an existing";

/** What lies at a path, links followed; undefined for nothing, and for what cannot be packed, such as a socket. */
export function kindOfPath(path: string): "file" | "folder" | undefined {
  try {
    const stat = statSync(path);
    if (stat.isFile()) return "file";
    return stat.isDirectory() ? "folder" : undefined;
  } catch {
    return undefined;
  }
}
