import type { CacheInfo, CleanReport, WorkenvDetails } from "../../cache-manager.ts";
import type { CachedWorkenv } from "../../../format/cache/entries.ts";
import type { Paint, Report } from "../io.ts";
import { columns, counted, formatSize, plain } from "./text.ts";

/** Name, id, size and time of each workenv, as FlavorPack lists them. */
export const listReport: Report<readonly CachedWorkenv[]> = {
  schema: "flavor.workenv-list/1",
  text: (entries, paint) =>
    entries.length === 0
      ? "No cached packages"
      : entries.map((entry) => entryText(entry, paint)).join("\n\n"),
  json: (entries) => ({ packages: entries.map(entryJson) }),
};

const nameOf = ({ name, version }: Pick<CachedWorkenv, "name" | "version">): string =>
  plain(name === undefined ? "unknown" : `${name} ${version ?? ""}`.trimEnd());

const entryText = (entry: CachedWorkenv, paint: Paint): string =>
  [
    paint("bold", nameOf(entry)) + (entry.ready ? "" : " (incomplete)"),
    `   ID: ${entry.id}`,
    `   Size: ${formatSize(entry.size)}`,
    `   Modified: ${localTime(entry.modified)}`,
  ].join("\n");

/** "2025-01-07 10:30:15", in the time zone of the reader. */
function localTime(time: Date): string {
  const two = (part: number) => String(part).padStart(2, "0");
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
  return `${date} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":")}`;
}

const entryJson = ({ id, name, version, size, modified, ready }: CachedWorkenv) => ({
  id,
  name: name ?? null,
  version: version ?? null,
  size,
  modified: modified.toISOString(),
  ready,
});

/** Place, size and number of the workenvs. */
export const infoReport: Report<CacheInfo> = {
  schema: "flavor.workenv-info/1",
  text: ({ cacheDir, size, count, ready }) =>
    [
      `Cache directory: ${cacheDir}`,
      `Total size: ${formatSize(size)}`,
      `Number of packages: ${count}${ready === count ? "" : `, ${ready} of them ready`}`,
    ].join("\n"),
  json: ({ cacheDir, size, count, ready }) => ({ cacheDir, size, count, ready }),
};

export interface Cleaned {
  readonly report: CleanReport;
  /** Nothing was removed: this is what would be. */
  readonly isDryRun: boolean;
}

/** One line per workenv, and what it comes to. */
export const cleanReport: Report<Cleaned> = {
  schema: "flavor.workenv-clean/1",
  text: ({ report, isDryRun }, paint) => {
    const { removed, busy, failed, freed } = report;
    const rows = [
      ...removed.map((entry) => [
        isDryRun ? "would remove" : "removed",
        entry.id,
        nameOf(entry),
        formatSize(entry.size),
      ]),
      ...busy.map((entry) => ["left alone, it is being unpacked", entry.id, nameOf(entry)]),
      ...failed.map(({ path, error }) => [paint("red", "FAILED"), path, plain(error.message)]),
    ];
    const total = `${isDryRun ? "would free" : "freed"} ${formatSize(freed)} of ${counted(removed.length, "package")}`;
    return [...(rows.length === 0 ? [] : [columns(rows)]), total].join("\n");
  },
  json: ({ report, isDryRun }) => ({
    dryRun: isDryRun,
    freed: report.freed,
    removed: report.removed.map(entryJson),
    busy: report.busy.map(entryJson),
    failed: report.failed.map(({ path, error }) => ({ path, code: error.code, message: error.message })),
  }),
};

/** What is gone. */
export const removeReport: Report<CachedWorkenv> = {
  schema: "flavor.workenv-remove/1",
  text: (entry) => `removed ${entry.id} (${nameOf(entry)}), ${formatSize(entry.size)}`,
  json: (entry) => ({ removed: entryJson(entry) }),
};

/** Everything about one workenv. */
export const inspectReport: Report<WorkenvDetails> = {
  schema: "flavor.workenv-inspect/1",
  text: (details, paint) => {
    const { marker, packageInfo, contentDir, metadataDir, size, files, modified, ready } = details;
    const rows = [
      ["ID", details.id],
      ["State", ready ? "ready" : paint("red", "incomplete")],
      ["Content", contentDir],
      ["Metadata", metadataDir],
      ["Size", `${formatSize(size)}, ${counted(files, "file")}`],
      ["Modified", localTime(modified)],
      ...(marker === undefined
        ? []
        : [
            ["Seal", plain(marker.seal)],
            ["Digest", plain(marker.digest)],
          ]),
      ...(packageInfo.builder === undefined ? [] : [["Builder", plain(packageInfo.builder)]]),
    ];
    return `${paint("bold", nameOf(details))}\n\n${columns(rows)}`;
  },
  json: (details) => ({
    ...entryJson(details),
    contentDir: details.contentDir,
    metadataDir: details.metadataDir,
    files: details.files,
    marker: details.marker ?? null,
    packageInfo: {
      name: details.packageInfo.name ?? null,
      version: details.packageInfo.version ?? null,
      builder: details.packageInfo.builder ?? null,
    },
  }),
};
