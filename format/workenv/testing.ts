import { join } from "node:path";
import { packageBytes, type Recipe } from "../../tests/support/packages.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { layoutOf, type WorkenvLayout } from "../cache/layout.ts";
import { scopeOf } from "../command/command.ts";
import { memorySource } from "../io/byte-source.ts";
import { removeTree } from "../io/remove-tree.ts";
import { openPackage, type Package } from "../reader.ts";
import { bunRuntimeOf } from "./bun-link.ts";
import { type EnsureRequest, ensureWorkenv } from "./ensure.ts";

/** A folder with a cache in it, and what launchers do with packages there. */
export function createWorkshop() {
  const dir = tempDir("workenv-");
  const cache = join(dir.path, "cache");
  const requestFor = (pkg: Package, more: Partial<EnsureRequest> = {}): EnsureRequest => {
    const layout = layoutOf(cache, pkg.id);
    const host = { os: "linux", arch: "amd64" };
    return {
      layout,
      digest: pkg.index.digest,
      seal: "valid",
      source: "/opt/app.psp",
      scope: scopeOf(pkg.metadata, layout.content, host, bunRuntimeOf(layout.bun).program),
      env: { PATH: "/usr/bin:/bin", COUNT: join(dir.path, "count"), FAIL: join(dir.path, "fail") },
      launcher: "/opt/launcher",
      durable: false,
      onWait: () => {},
      onBusy: () => {},
      ...more,
    };
  };
  return {
    path: dir.path,
    cache,
    requestFor,
    open: async (recipe: Recipe): Promise<Package> =>
      openPackage(memorySource(await packageBytes(recipe), "package")),
    /** Makes a package's workenv ready, as a start does that takes the slow way. */
    async ensure(pkg: Package, more: Partial<EnsureRequest> = {}): Promise<WorkenvLayout> {
      const request = requestFor(pkg, more);
      using _lease = await ensureWorkenv(pkg, request);
      return request.layout;
    },
    [Symbol.dispose]: () => removeTree(dir.path),
  };
}
