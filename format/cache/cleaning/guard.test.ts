import { expect, test } from "bun:test";
import { existsSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CacheManager } from "../../../builder/cache-manager.ts";
import { WITHOUT_FLOCK } from "../locks/flock.ts";
import { storeOf } from "../layout.ts";
import { createCache } from "../testing.ts";

test("where leases do not work, what was used in the last seven days goes only when it is named", async () => {
  using fixture = createCache();
  const manager = new CacheManager({ cacheDir: fixture.cache });
  const [recent, old] = [await fixture.fill("recent"), await fixture.fill("old")];
  writeFileSync(join(storeOf(fixture.cache).locks, WITHOUT_FLOCK), "");
  const usedBefore = (days: number) => Date.now() / 1000 - days * 24 * 60 * 60;
  utimesSync(recent.marker, usedBefore(6), usedBefore(6));
  utimesSync(old.marker, usedBefore(8), usedBefore(8));
  for (const dryRun of [true, false])
    expect(await manager.clean({ dryRun })).toMatchObject({
      removed: [{ id: old.id }],
      kept: [{ id: recent.id, why: "unclear" }],
    });
  expect([existsSync(old.content), existsSync(recent.content)]).toEqual([false, true]);
  expect(await manager.remove(recent.id)).toMatchObject({ id: recent.id });
  expect(existsSync(recent.content)).toBe(false);
});
