import type { CacheInfo, CachePlace, WorkenvDetails } from "../../cache-manager.ts";
import type { CleanReport } from "../../../format/cache/cleaning/clean.ts";
import type { GoReason, StayReason } from "../../../format/cache/cleaning/clean-plan.ts";
import type { CachedWorkenv } from "../../../format/cache/entries.ts";
import { causesOf, renderError } from "../../../format/errors.ts";
import type { Paint, Report } from "../io.ts";
import { formatSize } from "../../../format/size-text.ts";
import { columns, counted, plain, plainLines } from "./text.ts";

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
    `   Last used: ${localTime(entry.lastUsed)}`,
  ].join("\n");

/** "2025-01-07 10:30:15", in the time zone of the reader. */
function localTime(time: Date): string {
  const two = (part: number) => String(part).padStart(2, "0");
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
  return `${date} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":")}`;
}

const entryJson = ({ id, cacheDir, name, version, size, modified, lastUsed, ready }: CachedWorkenv) => ({
  id,
  cacheDir,
  name: name ?? null,
  version: version ?? null,
  size,
  modified: modified.toISOString(),
  lastUsed: lastUsed.toISOString(),
  ready,
});

/** Places, sizes and numbers of the workenvs. */
export const infoReport: Report<CacheInfo> = {
  schema: "flavor.workenv-info/1",
  text: ({ cacheDir, size, count, ready, places }) =>
    [
      `Cache directory: ${cacheDir}`,
      `Total size: ${formatSize(size)}`,
      `Number of packages: ${count}${ready === count ? "" : `, ${ready} of them ready`}`,
      ...(places.length === 1 ? [] : ["", "Places:", columns(places.map(placeRow))]),
    ].join("\n"),
  json: ({ cacheDir, size, count, ready, places }) => ({
    cacheDir,
    size,
    count,
    ready,
    places: places.map((place) => ({ ...place })),
  }),
};

const placeRow = ({ cacheDir, why, size, count }: CachePlace): readonly string[] => [
  `  ${plain(cacheDir)}`,
  NAMED_BY[why],
  formatSize(size),
  counted(count, "package"),
];

const NAMED_BY = {
  FLAVOR_CACHE: "from FLAVOR_CACHE",
  XDG_CACHE_HOME: "from XDG_CACHE_HOME",
  home: "in the home folder",
  temp: "in the temporary folder",
  given: "given",
} as const satisfies Record<CachePlace["why"], string>;

export interface Cleaned {
  readonly report: CleanReport;
  /** Nothing was removed: this is what would be. */
  readonly isDryRun: boolean;
}

const WENT = {
  asked: "",
  old: "unused for too long",
  size: "the cache was too large",
} as const satisfies Record<GoReason, string>;

const STAYED = {
  recent: "used lately, and there is room",
  "last used": "it was used last",
  running: "an application is running from it",
  "being made": "a launcher is making it",
  "used again": "it was used just now",
  edited: "edited settings in it are not in a later version yet",
  unclear: "used in the last 7 days, and nothing says here whether an application runs from it",
  failed: "it could not be removed",
} as const satisfies Record<StayReason, string>;

/** One line per workenv with why it went or stayed, and what it comes to. */
export const cleanReport: Report<Cleaned> = {
  schema: "flavor.workenv-clean/1",
  text: ({ report, isDryRun }, paint) => {
    const { removed, kept, failed, freed } = report;
    const row = (what: string, entry: CachedWorkenv, why: string) => [
      what,
      entry.id,
      nameOf(entry),
      formatSize(entry.size),
      why,
    ];
    const rows = [
      ...removed.map((entry) => row(isDryRun ? "would remove" : "removed", entry, WENT[entry.why])),
      ...kept.map((entry) => row(isDryRun ? "would keep" : "kept", entry, STAYED[entry.why])),
    ];
    const faults = failed.map(
      ({ path, error }) => `${paint("red", "FAILED")}  ${plainLines(renderError(error, plain(path)))}`,
    );
    const total = `${isDryRun ? "would free" : "freed"} ${formatSize(freed)} of ${counted(removed.length, "package")}`;
    return [...(rows.length === 0 ? [] : [columns(rows, ROW)]), ...faults, total].join("\n");
  },
  json: ({ report, isDryRun }) => ({
    dryRun: isDryRun,
    freed: report.freed,
    removed: report.removed.map((entry) => ({ ...entryJson(entry), why: entry.why })),
    kept: report.kept.map((entry) => ({ ...entryJson(entry), why: entry.why })),
    busy: report.busy.map(entryJson),
    failed: report.failed.map(({ path, error }) => ({
      path,
      code: error.code,
      message: error.message,
      causes: causesOf(error),
      hint: error.hint ?? null,
    })),
  }),
};

const ROW = ["left", "left", "left", "right"] as const;

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
    const { marker, packageInfo, contentDir, metadataDir, size, files, modified, lastUsed, ready } = details;
    const rows = [
      ["ID", details.id],
      ["State", ready ? "ready" : paint("red", "incomplete")],
      ["Content", contentDir],
      ["Metadata", metadataDir],
      ["Size", `${formatSize(size)}, ${counted(files, "file")}`],
      ["Modified", localTime(modified)],
      ["Last used", localTime(lastUsed)],
      ...(marker === undefined
        ? []
        : [
            ["Seal", plain(marker.seal)],
            ["Digest", plain(marker.digest)],
          ]),
      ...(details.edited ? [["Edited", "settings in it are not in a later version yet"]] : []),
      ...(packageInfo.builder === undefined ? [] : [["Builder", plain(packageInfo.builder)]]),
    ];
    return `${paint("bold", nameOf(details))}\n\n${columns(rows)}`;
  },
  json: (details) => ({
    ...entryJson(details),
    contentDir: details.contentDir,
    metadataDir: details.metadataDir,
    files: details.files,
    edited: details.edited,
    marker: details.marker ?? null,
    packageInfo: {
      name: details.packageInfo.name ?? null,
      version: details.packageInfo.version ?? null,
      builder: details.packageInfo.builder ?? null,
    },
  }),
};
