/** A process that cleans the cache in its argument wholly, or with --dry-run only looks, with fail points. Ends with 1 when something failed. */
import "../support/fail-points.ts";
import { CacheManager } from "../../builder/cache-manager.ts";

const [cacheDir = "", flag] = process.argv.slice(2);
const { failed, removed } = await new CacheManager({ cacheDir }).clean({ dryRun: flag === "--dry-run" });
for (const { path, error } of failed) process.stderr.write(`${path}: ${error.message}\n`);
process.stdout.write(`${removed.length}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
