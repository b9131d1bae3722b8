import type { RepairedWorkenv, VerifiedWorkenv } from "../../cache-manager.ts";
import type { CachedWorkenv } from "../../../format/cache/entries.ts";
import type { IndexedFile } from "../../../format/workenv/mending/stat-index.ts";
import type { Report } from "../io.ts";
import { counted, plain } from "./text.ts";

/** Lines of one kind that people are shown; JSON has all. */
const MAX_LINES = 20;

/** Whether the next start would have to do something about it. */
export const isDamaged = ({ check }: VerifiedWorkenv): boolean =>
  check === undefined || [check.missing, check.truncated, check.damaged].some((files) => files.length > 0);

/** Every file that is not as it was, what was compared, and the verdict. */
export const workenvVerifyReport: Report<VerifiedWorkenv> = {
  schema: "flavor.workenv-verify/1",
  text: (verified, paint) => {
    const { id, check } = verified;
    const isBad = isDamaged(verified);
    const state = paint(
      isBad ? "red" : "green",
      check === undefined ? "INCOMPLETE" : isBad ? "DAMAGED" : "intact",
    );
    const verdict = `${id} (${nameOf(verified)}) is ${state}`;
    if (check === undefined) return `${verdict}\n  hint: the next start makes it anew`;
    const { missing, truncated, damaged, changed, intact, ofSetup, compared } = check;
    const rows = [
      ...lines("missing", missing),
      ...lines("truncated", truncated),
      ...lines("damaged", damaged),
      ...lines("changed", changed),
    ];
    const bytes =
      "with" in compared
        ? `compared with ${plain(compared.with)}`
        : `not compared byte by byte: ${plain(compared.not)}`;
    const made = ofSetup === 0 ? "" : `, ${ofSetup} of them made by setup commands`;
    const hint = "with" in compared ? [] : ["  hint: --package FILE names the package's file"];
    return [
      ...rows,
      `${counted(intact, "file")} intact${made}; ${bytes}`,
      verdict,
      ...(isBad ? advice(id) : hint),
    ].join("\n");
  },
  json: (verified) => {
    const { check, id, cacheDir, name = null, version = null } = verified;
    return {
      id,
      cacheDir,
      name,
      version,
      valid: !isDamaged(verified),
      complete: check !== undefined,
      missing: pathsOf(check?.missing),
      truncated: pathsOf(check?.truncated),
      damaged: pathsOf(check?.damaged),
      changed: pathsOf(check?.changed),
      intact: check?.intact ?? 0,
      ofSetup: check?.ofSetup ?? 0,
      package: check !== undefined && "with" in check.compared ? check.compared.with : null,
      notCompared: check !== undefined && "not" in check.compared ? check.compared.not : null,
    };
  },
};

const advice = (id: string): readonly string[] => [
  `  hint: "flavor workenv repair ${id}" puts back what it can`,
];

/** What was put back, and what was not. */
export const workenvRepairReport: Report<RepairedWorkenv> = {
  schema: "flavor.workenv-repair/1",
  text: (repaired, paint) => {
    const { repaired: files, ofSetup, changed, source } = repaired.repair;
    const total = `put back ${counted(files.length, "file")} of ${repaired.id} (${nameOf(repaired)}) from ${plain(source)}`;
    const left =
      ofSetup.length === 0
        ? []
        : [paint("red", "setup commands made what is still missing: the next start makes the workenv anew")];
    return [
      ...lines("put back", files),
      ...lines("still missing", ofSetup),
      ...lines("left as it was changed", changed),
      total,
      ...left,
    ].join("\n");
  },
  json: ({ id, cacheDir, name = null, version = null, repair }) => ({
    id,
    cacheDir,
    name,
    version,
    package: repair.source,
    repaired: pathsOf(repair.repaired),
    ofSetup: pathsOf(repair.ofSetup),
    changed: pathsOf(repair.changed),
  }),
};

const nameOf = ({ name, version }: CachedWorkenv): string =>
  plain(name === undefined ? "unknown" : `${name} ${version ?? ""}`.trimEnd());

const pathsOf = (files: readonly IndexedFile[] = []): readonly string[] => files.map(([path]) => path);

function lines(what: string, files: readonly IndexedFile[]): readonly string[] {
  const shown = files.slice(0, MAX_LINES).map(([path]) => `${what}  ${plain(path)}`);
  return files.length > MAX_LINES ? [...shown, `${what}  and ${files.length - MAX_LINES} more`] : shown;
}
