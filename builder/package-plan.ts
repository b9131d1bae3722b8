import { PspfError } from "../format/errors.ts";
import type { ByteSource } from "../format/io/byte-source.ts";
import type { Target } from "../format/platform.ts";
import type { Bytes } from "../format/types.ts";
import { parseOperations } from "../format/wire/operations.ts";
import { memberPath, Problems } from "../format/wire/problems.ts";
import { type CheckContext, checkDraft } from "./manifest/check.ts";
import type { Draft } from "./manifest/draft.ts";
import { readJsonDraft } from "./manifest/json.ts";
import type { Manifest, ManifestSlot } from "./manifest/manifest.ts";
import { EXISTING, kindOfPath } from "./manifest/source-path.ts";
import { checkTargets } from "./manifest/targets.ts";
import { pathInWorkenv } from "./manifest/workenv-path.ts";
import { isObject, type JsonObject } from "../format/json-object.ts";
import { type AddedSlot, dataOf, slotDocument, sourceTextOf } from "./slot-descriptor.ts";
import type { SlotInput } from "./slot-input.ts";

/** Everything that was set on a builder, not judged yet. */
export interface PackageSettings {
  readonly name?: string;
  readonly version?: string;
  readonly command?: string;
  readonly metadata: JsonObject;
  readonly slots: readonly AddedSlot[];
  readonly launcher?: Bytes | string | ByteSource;
  /** What is already known to be wrong. */
  readonly faults: readonly string[];
}

/** Settings that were found good. */
export interface PackagePlan {
  readonly manifest: Manifest;
  readonly slots: readonly SlotInput[];
}

/**
 * Settings as a manifest would say them, judged by the rules of manifests. Throws `manifest-invalid` with everything
 * that is wrong.
 */
export function planPackage(settings: PackageSettings, target: Target): PackagePlan {
  const problems = new Problems();
  for (const fault of settings.faults) problems.add("", fault);
  const data = settings.slots.map((slot, i) => dataOf(slot, `slots[${i}]`, problems));
  if (typeof settings.launcher === "string" && kindOfPath(settings.launcher) !== "file")
    problems.expected("launcher", `${EXISTING} file`, settings.launcher);
  const manifest = judgeAll(settings, data, target, problems);
  const slots = manifest.slots.map((slot, i) =>
    inputOf(slot, settings.slots[i] as AddedSlot, data[i] as SlotInput["data"]),
  );
  return { manifest, slots };
}

type Data = SlotInput["data"] | undefined;

/** Both the form and the sense of the settings, so that nothing waits for a second attempt. */
function judgeAll(
  settings: PackageSettings,
  data: readonly Data[],
  target: Target,
  noted: Problems,
): Manifest {
  const context: CheckContext = { path: "", directory: "", platforms: [target] };
  const problems = new Problems();
  try {
    const draft = readJsonDraft(toJson(manifestDocument(settings, noted)), "", problems);
    checkMeetingTargets(draft, data, problems, context);
    for (const line of noted.found) problems.add("", line);
    return checkDraft(draft, context, problems);
  } catch (error) {
    if (!(error instanceof PspfError)) throw error;
    const lines = error.problems.length > 0 ? error.problems : [...noted.found, error.message];
    throw wrongSettings(lines.map(inOurWords));
  }
}

/** The error for settings that cannot become a package. */
export const wrongSettings = (problems: readonly string[]): PspfError =>
  new PspfError("manifest-invalid", "Cannot build the package: its settings are wrong", { problems });

/** Manifests call a slot's name its id, and its position its slot. */
const inOurWords = (line: string): string =>
  line.replace(
    /^(slots\[\d+\])\.(id|slot):/,
    (_, at: string, key: string) => `${at}.${key === "id" ? "name" : "id"}:`,
  );

/** A bigint, which JSON does not have, becomes text, and so a problem with a path instead of a TypeError. */
const toJson = (document: object): string =>
  JSON.stringify(document, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));

function manifestDocument({ metadata, name, version, command, slots }: PackageSettings, problems: Problems) {
  // `pack` means nothing in metadata; in a manifest it would.
  const { pack: _, ...document } = metadata;
  return {
    ...document,
    package: withMembers(metadata["package"], { name, version }),
    execution: withMembers(metadata["execution"], { command }),
    slots: slots.map((slot, i) => slotDocument(slot, `slots[${i}]`, problems)),
  };
}

/** What was set in both ways has its value from the setter. What is no object stays, to be complained about. */
function withMembers(value: unknown, members: JsonObject): unknown {
  if (value !== undefined && !isObject(value)) return value;
  return { ...value, ...Object.fromEntries(Object.entries(members).filter(([, own]) => own !== undefined)) };
}

/** Slots without a source have no kind for a manifest: that two of them meet is noted here. */
function checkMeetingTargets(
  draft: Draft,
  data: readonly Data[],
  problems: Problems,
  { platforms = [] }: CheckContext,
): void {
  const rules = { windows: platforms.some((target) => target.startsWith("windows")) };
  const placed = draft.slots.map((slot, i) => {
    const target = pathInWorkenv(slot.target ?? "", memberPath(slot.at, "target"), problems, rules);
    const isArchive =
      data[i]?.kind === "tree" || (slot.operations === undefined ? target === "" : mayBeTar(slot.operations));
    const { id = "", include, exclude, purpose, lifecycle, mtimes } = slot;
    const placedSlot = {
      id,
      source: "",
      sourceText: "",
      include,
      exclude,
      target,
      purpose,
      lifecycle,
      mtimes,
    };
    return { at: slot.at, slot: placedSlot, isFile: !isArchive };
  });
  checkTargets(placed, problems);
}

/** What is no chain at all is reported elsewhere. */
function mayBeTar(operations: string): boolean {
  try {
    return parseOperations(operations).includes("TAR");
  } catch {
    return true;
  }
}

function inputOf(slot: ManifestSlot, added: AddedSlot, data: SlotInput["data"]): SlotInput {
  const { id, target, purpose, lifecycle, operations, permissions } = slot;
  return {
    id,
    source: sourceTextOf(added),
    target,
    purpose,
    lifecycle,
    data,
    ...(operations === undefined ? {} : { operations }),
    ...(permissions === undefined ? {} : { permissions }),
  };
}
