import { join } from "node:path";
import { scopeOf } from "../command/command.ts";
import { openFileSource } from "../io/byte-source.ts";
import { openPackage } from "../reader.ts";
import { sha256Hex } from "../wire/hashes.ts";
import { ensureWorkenv } from "../workenv/ensure.ts";
import { layoutOf, packageIdOf, type WorkenvLayout } from "./layout.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { PSPFBuilder } from "../../builder/pspf-builder.ts";

/** A cache in a folder of its own, and packages that are unpacked into it as launchers do. */
export function createCache() {
  const dir = tempDir();
  const cache = join(dir.path, "cache");
  return {
    cache,
    outside: dir.path,
    /** Packs one slot `data` of 5000 bytes and makes its workenv ready. */
    async fill(name: string, version = "1.0"): Promise<WorkenvLayout> {
      const path = join(dir.path, `${name}-${version}.psp`);
      await new PSPFBuilder()
        .setPackageName(name)
        .setPackageVersion(version)
        .setCommand("true")
        .setKeySeed("test")
        .setLauncher(new TextEncoder().encode("#!/bin/sh\nexit 0\n"))
        .addSlot({ name: "data" }, new Uint8Array(5000))
        .build(path);
      using source = openFileSource(path);
      const pkg = await openPackage(source);
      const layout = layoutOf(cache, packageIdOf({ name, version }, sha256Hex(pkg.json)));
      using _lease = await ensureWorkenv(pkg, {
        layout,
        digest: pkg.index.digest,
        seal: "valid",
        scope: scopeOf(pkg.metadata, layout.content, { os: "linux", arch: "amd64" }, "bun"),
        env: {},
        source: path,
        launcher: "launcher",
        durable: false,
        onWait: () => {},
        onBusy: () => {},
      });
      return layout;
    },
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  };
}
