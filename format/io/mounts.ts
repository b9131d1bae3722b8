import { readFileSync } from "node:fs";

/**
 * The mount point that holds `path` when it is mounted `noexec`, from the text of `/proc/self/mountinfo` (proc(5)).
 * `path` must be absolute and free of symlinks.
 */
export function noexecMountOf(path: string, mountinfo: string): string | undefined {
  let found = { point: "", options: "" };
  for (const line of mountinfo.split("\n")) {
    const [, , , , point = "", options = ""] = line.split(" ");
    const name = point.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(parseInt(octal, 8)),
    );
    const holds = name !== "" && (path === name || path.startsWith(name.endsWith("/") ? name : `${name}/`));
    // of two mounts at one point the later one is on top
    if (holds && name.length >= found.point.length) found = { point: name, options };
  }
  return found.options.split(",").includes("noexec") ? found.point : undefined;
}

/** The mounts of this process; empty where the system does not tell. */
export function readMountinfo(): string {
  try {
    return readFileSync("/proc/self/mountinfo", "utf8");
  } catch {
    return "";
  }
}
