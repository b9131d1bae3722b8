import { readFileSync } from "node:fs";
import { join, relative } from "node:path";

/**
 * Installs what the package.json of an example pins into the node_modules beside it, for every platform and without a
 * lock file, unless all of it is there. For the demo and the tests; by hand it is the first command of each README.
 */
export function installPackages(folder: string): "installed" | "already there" {
  const { dependencies } = readJson(join(folder, "package.json"));
  const isThere = ([name, version]: [string, string]) =>
    installedVersion(join(folder, "node_modules", name)) === version;
  if (Object.entries(dependencies ?? {}).every(isThere)) return "already there";
  const install = ["install", "--no-save", "--ignore-scripts", "--os=*", "--cpu=*"];
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, ...install], {
    cwd: folder,
    stdin: "ignore",
  });
  if (exitCode === 0) return "installed";
  const said = /^error: (.*)$/m.exec(stderr.toString())?.[1];
  throw new Error(
    `Cannot install the packages of ${relative(process.cwd(), folder)}: ${said ?? `bun install ended with ${exitCode}`}, the npm registry must be in reach`,
  );
}

interface PackageJson {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const readJson = (path: string): PackageJson => JSON.parse(readFileSync(path, "utf8"));

function installedVersion(folder: string): string | undefined {
  try {
    return readJson(join(folder, "package.json")).version;
  } catch {
    return undefined;
  }
}
