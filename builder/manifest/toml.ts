import { basename, dirname, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { PspfError } from "../../format/errors.ts";
import { type Members, memberPath, type Problems } from "../../format/wire/problems.ts";
import { type Draft, type DraftSlot, SELF } from "./draft.ts";
import { readCommonSections, readSlotOptions } from "./sections.ts";
import { noteUnknownKeys, type Shape } from "./unknown-keys.ts";

const SLOT: Shape = {
  id: true,
  source: true,
  target: true,
  include: true,
  exclude: true,
  operations: true,
  purpose: true,
  lifecycle: true,
  permissions: true,
  platform: true,
  resolution: true,
  keep_times: true,
};

/** Every key of a `flavor.toml`, except the names of variables and of slots. */
const DOCUMENT: Shape = {
  package: { name: true, version: true, description: true },
  execution: { command: true, primary: true, env: true },
  slots: true,
  runtime: { env: { unset: true, pass: true, map: true, set: true } },
  workenv: { directories: { path: true, mode: true }, env: true },
  setup_commands: {
    type: true,
    command: true,
    enumerate: { path: true, pattern: true },
    path: true,
    content: true,
    mode: true,
  },
  cache_validation: { check_file: true, expected_content: true },
  pack: { platforms: true, launcher: true },
};

/**
 * The `flavor.toml` form: our own. Keys that it does not know are problems, so that a slip of the pen is not a
 * missing setting. `path` is the manifest's absolute path.
 */
export function readTomlDraft(text: string, path: string, problems: Problems): Draft {
  const root = parseToml(text, path);
  noteUnknownKeys(root, DOCUMENT, "", problems);
  const execution = problems.optionalObject(root, "execution", "");
  return {
    ...readCommonSections(root, problems),
    slots: slotTables(root, problems).flatMap((table) => readSlot(table, path, problems)),
    command: problems.string(execution, "command", "execution"),
    env: [{ path: "execution.env", values: problems.stringMap(execution, "env", "execution") }],
    ...readPrimary(execution, problems),
  };
}

function parseToml(text: string, path: string): Members {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The library's message goes on with a picture of the lines; its first line is the fact.
    const fact = error.message.split("\n")[0]!.replace("Invalid TOML document: ", "").replace(/\.$/, "");
    const place = `line ${error.line}, column ${error.column}`;
    throw new PspfError("manifest-invalid", `Cannot parse the manifest ${path}: ${fact} at ${place}`);
  }
}

interface SlotTable {
  readonly value: unknown;
  readonly at: string;
  /** The name in `[slots.NAME]`. */
  readonly name?: string;
}

/** Slots are written as `[[slots]]` or as `[slots.NAME]`, both in the order of the document. */
function slotTables(root: Members, problems: Problems): readonly SlotTable[] {
  const slots = root["slots"];
  if (typeof slots === "object" && slots !== null && !Array.isArray(slots) && !(slots instanceof Date))
    return Object.entries(slots).map(([name, value]) => ({ value, at: memberPath("slots", name), name }));
  return problems.optionalArray(root, "slots", "", (value, at) => ({ value, at }));
}

/** No slot when it is no table, which is reported. */
function readSlot({ value, at, name }: SlotTable, path: string, problems: Problems): readonly DraftSlot[] {
  const slot = problems.object(value, at);
  if (name !== undefined && /^\d+$/.test(name))
    problems.add(at, "a number cannot name a slot, its place would be lost");
  if (problems.hasAt(at)) return [];
  noteUnknownKeys(slot, SLOT, at, problems);
  const options = readSlotOptions(slot, at, problems);
  const id = problems.optionalString(slot, "id", at) ?? name ?? nameOfSource(options.source, path);
  const target = problems.optionalString(slot, "target", at) ?? id;
  return [
    {
      ...options,
      sourcePath: options.source,
      purpose: problems.optionalString(slot, "purpose", at) ?? "payload",
      ...(id === undefined ? {} : { id }),
      ...(target === undefined ? {} : { target }),
    },
  ];
}

/** The base name of a source, as the file system knows it: "." is the manifest's folder. */
function nameOfSource(source: string, path: string): string | undefined {
  if (source === SELF) return "self";
  return source === "" ? undefined : basename(resolve(dirname(path), source)) || undefined;
}

function readPrimary(execution: Members, problems: Problems): Pick<Draft, "primary"> {
  const slot = execution["primary"];
  if (slot === undefined) return {};
  if (typeof slot === "string" || typeof slot === "number")
    return { primary: { path: "execution.primary", slot } };
  problems.expected("execution.primary", "a slot's id or position", slot);
  return {};
}
