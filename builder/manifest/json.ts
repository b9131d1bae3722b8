import { PspfError } from "../../format/errors.ts";
import { FORMAT_NAME } from "../../format/spec.ts";
import { memberPath, type Members, type Problems } from "../../format/wire/problems.ts";
import { parseStrictJson } from "../../format/wire/strict-json.ts";
import type { Draft, DraftSlot } from "./draft.ts";
import { readCommonSections, readSlotOptions } from "./sections.ts";

/**
 * The JSON form, which FlavorPack's Go and Rust builders read: every manifest that both take means the same here.
 * Unknown keys are ignored, as they do. `path` is the manifest's absolute path.
 */
export function readJsonDraft(text: string, path: string, problems: Problems): Draft {
  const root = problems.object(parseJson(text, path), "");
  problems.throwIfAny("manifest-invalid", `Cannot use the manifest ${path}`);
  const format = problems.optionalString(root, "format", "") ?? FORMAT_NAME;
  if (format !== FORMAT_NAME) problems.expected("format", JSON.stringify(FORMAT_NAME), root["format"]);
  const execution = problems.optionalObject(root, "execution", "");
  const primary = problems.optionalInteger(execution, "primary_slot", "execution");
  return {
    ...readCommonSections(root, problems),
    slots: problems
      .optionalArray(root, "slots", "", (value, at) => ({ value, at }))
      .flatMap(({ value, at }, position) => readSlot(value, at, position, problems)),
    command: problems.string(execution, "command", "execution"),
    // Go's side of FlavorPack reads "environment", Rust's "env".
    env: ["environment", "env"].map((key) => ({
      path: memberPath("execution", key),
      values: problems.stringMap(execution, key, "execution"),
    })),
    ...(primary === undefined ? {} : { primary: { path: "execution.primary_slot", slot: primary } }),
  };
}

function parseJson(text: string, path: string): unknown {
  try {
    return parseStrictJson(text);
  } catch (error) {
    if (!(error instanceof PspfError)) throw error;
    const fact = error.message.replace("Cannot parse the JSON: ", "");
    throw new PspfError("manifest-invalid", `Cannot parse the manifest ${path}: ${fact}`);
  }
}

/** No slot when it is no object, which is reported. */
function readSlot(value: unknown, at: string, position: number, problems: Problems): readonly DraftSlot[] {
  const slot: Members = problems.object(value, at);
  if (problems.hasAt(at)) return [];
  const number = problems.optionalInteger(slot, "slot", at) ?? position;
  if (number !== position && !problems.hasAt(memberPath(at, "slot")))
    problems.expected(memberPath(at, "slot"), `${position}, the slot's position`, number);
  const options = readSlotOptions(slot, at, problems);
  return [
    {
      ...options,
      // The reference takes the current folder; the manifest's own folder gives the same package from anywhere.
      sourcePath: options.source.replaceAll("{workenv}", "."),
      id: problems.string(slot, "id", at),
      target: problems.string(slot, "target", at),
      purpose: problems.optionalString(slot, "purpose", at) ?? "data",
    },
  ];
}
