import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new folder that is gone when its scope ends. Its path has no symlink in it, so programs report it as it is. */
export function tempDir(prefix = "flavor-test-"): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(realpathSync(tmpdir()), prefix));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
