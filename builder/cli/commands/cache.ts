import type { Command } from "commander";
import { SIZE_FORMS } from "../../../format/cache/cleaning/budget.ts";
import { size } from "../amounts.ts";
import { type Io, type JsonOption, show } from "../io.ts";
import { examples } from "./examples.ts";

interface CleanFlags extends JsonOption {
  /** Bytes. */
  readonly maxSize?: number;
}

const JSON_OPTION = ["--json", "print the result as one JSON document"] as const;

export function addCache(program: Command, io: Io): void {
  const cache = program
    .command("cache")
    .summary("see and clear the build cache")
    .description(
      "What pack has made of slots is kept, and used again for slots that did not change; nothing is lost without it but time",
    );
  cache
    .command("list")
    .summary("list what is kept of slots")
    .description("Lists what is kept of slots, the last used first")
    .option(...JSON_OPTION)
    .addHelpText("after", examples("flavor cache list", "flavor cache list --json | jq .size"))
    .action(async (flags: JsonOption) => {
      const { listKept } = await import("../../slot-cache/upkeep.ts");
      const { cacheReport } = await import("../reports/cache.ts");
      const folder = await folderOf(io);
      const slots = folder === undefined ? [] : listKept(folder.root);
      show(io, cacheReport("list"), { folder: folder?.path, slots }, flags);
    });
  cache
    .command("clean")
    .summary("remove what is kept of slots")
    .description("Removes what is kept of slots, all of it without a limit; later builds make it again")
    .option(
      "--max-size <size>",
      `only the least recently used, until the rest has this size: ${SIZE_FORMS}`,
      size,
    )
    .option(...JSON_OPTION)
    .addHelpText("after", examples("flavor cache clean", "flavor cache clean --max-size 1G"))
    .action(async (flags: CleanFlags) => {
      const { evict } = await import("../../slot-cache/upkeep.ts");
      const { cacheReport } = await import("../reports/cache.ts");
      const folder = await folderOf(io);
      const slots = folder === undefined ? [] : evict(folder.root, flags.maxSize ?? 0);
      show(io, cacheReport("clean"), { folder: folder?.path, slots }, flags);
    });
}

async function folderOf({ env }: Io): Promise<{ readonly path: string; readonly root: string } | undefined> {
  const { buildCacheDir } = await import("../../slot-cache/place.ts");
  const { rootOf } = await import("../../slot-cache/layout.ts");
  const path = buildCacheDir(env);
  return path === undefined ? undefined : { path, root: rootOf(path) };
}
