import { resolve } from "node:path";
import { PspfError } from "../../format/errors.ts";
import type { PathRules } from "../../format/io/paths.ts";
import { isPlatformPattern, matchesTarget, TARGETS, type Target } from "../../format/platform.ts";
import { MAX_SLOTS } from "../../format/spec.ts";
import { checkSupported, type OperationName, parseOperations } from "../../format/wire/operations.ts";
import { memberPath, type Problems } from "../../format/wire/problems.ts";
import { type DraftSlot, judge, SELF } from "./draft.ts";
import type { ManifestSlot } from "./manifest.ts";
import { EXISTING, kindOfPath } from "./source-path.ts";
import { checkTargets, type Placed } from "./targets.ts";
import { faultOfId, faultOfWord, LIFECYCLES, PURPOSES, RESOLUTIONS } from "./words.ts";
import { pathInWorkenv } from "./workenv-path.ts";

export interface SlotContext {
  readonly directory: string;
  /** What will be built; absent: not known. */
  readonly platforms: readonly Target[] | undefined;
}

/** Every slot by itself, then all of them together: ids and targets must not meet. */
export function checkSlots(
  drafts: readonly DraftSlot[],
  context: SlotContext,
  problems: Problems,
): readonly ManifestSlot[] {
  if (drafts.length > MAX_SLOTS) problems.add("slots", `${drafts.length} are too many, at most ${MAX_SLOTS}`);
  const placed = drafts.slice(0, MAX_SLOTS).map((draft) => checkSlot(draft, context, problems));
  checkIds(drafts, problems);
  checkTargets(placed, problems);
  return placed.map(({ slot }) => slot);
}

function checkSlot(draft: DraftSlot, context: SlotContext, problems: Problems): Placed {
  const { at, id = "", target = "", operations, permissions, resolution, platform } = draft;
  const member = (key: string) => memberPath(at, key);
  if (draft.id !== undefined) judge(problems, member("id"), faultOfId(id));
  judge(problems, member("purpose"), faultOfWord(draft.purpose, PURPOSES));
  judge(problems, member("lifecycle"), faultOfWord(draft.lifecycle, LIFECYCLES));
  if (resolution !== undefined) judge(problems, member("resolution"), faultOfWord(resolution, RESOLUTIONS));
  if (platform !== undefined && !isPlatformPattern(platform) && !problems.hasAt(member("platform")))
    problems.expected(member("platform"), 'a platform such as "linux", "darwin-arm64" or "any"', platform);
  const chain =
    operations === undefined ? undefined : checkOperations(operations, member("operations"), problems);
  const source = draft.source === SELF ? SELF : resolve(context.directory, draft.sourcePath);
  const kind = checkSource(draft, source, context, problems);
  const path =
    draft.target === undefined ? "" : pathInWorkenv(target, member("target"), problems, rulesFor(context));
  const slot: ManifestSlot = {
    id,
    source,
    sourceText: draft.source,
    include: draft.include,
    exclude: draft.exclude,
    target: path,
    purpose: draft.purpose,
    lifecycle: draft.lifecycle,
    mtimes: draft.mtimes,
    ...(chain === undefined ? {} : { operations: chain }),
    ...(permissions === undefined ? {} : { permissions }),
    ...(resolution === undefined ? {} : { resolution }),
    ...(platform === undefined ? {} : { platform }),
  };
  // A file for the workenv itself can only be an archive; the builder decides when the author did not.
  const isArchive = chain === undefined ? path === "" : chain.includes("TAR");
  return { at, slot, isFile: kind === "file" && !isArchive };
}

function checkOperations(text: string, at: string, problems: Problems): readonly OperationName[] | undefined {
  if (problems.hasAt(at)) return undefined;
  try {
    const chain = parseOperations(text);
    checkSupported(chain);
    return chain;
  } catch (error) {
    if (!(error instanceof PspfError)) throw error;
    problems.add(at, error.message);
    return undefined;
  }
}

function checkSource(draft: DraftSlot, source: string, { platforms }: SlotContext, problems: Problems) {
  const at = memberPath(draft.at, "source");
  if (source === SELF || problems.hasAt(at)) return undefined;
  const { platform } = draft;
  const needed =
    platform === undefined || platforms === undefined || platforms.some((t) => matchesTarget(platform, t));
  const kind = draft.source === "" ? undefined : kindOfPath(source);
  if (kind === undefined && needed) problems.expected(at, `${EXISTING} file or folder`, draft.source);
  for (const key of ["include", "exclude"] as const)
    draft[key].forEach((glob, index) => {
      if (glob === "") judge(problems, `${memberPath(draft.at, key)}[${index}]`, 'expected a glob, got ""');
    });
  if (kind === "file" && draft.include.length + draft.exclude.length > 0)
    judge(problems, draft.at, "include and exclude choose from a folder, but the source is a file");
  return kind;
}

function checkIds(drafts: readonly DraftSlot[], problems: Problems): void {
  const seen = new Map<string, string>();
  for (const { at, id } of drafts) {
    if (id === undefined || problems.hasAt(memberPath(at, "id"))) continue;
    const other = seen.get(id);
    if (other === undefined) seen.set(id, at);
    else problems.add(memberPath(at, "id"), `${JSON.stringify(id)} is already the id of ${other}`);
  }
}

const rulesFor = ({ platforms }: SlotContext): PathRules => ({
  windows: platforms?.some((target) => TARGETS[target].os === "windows") ?? process.platform === "win32",
});
