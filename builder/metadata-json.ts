import { FLAVOR_VERSION, FORMAT_NAME, TOOL_NAME } from "../format/spec.ts";
import type { Bytes } from "../format/types.ts";
import type {
  BuildFacts,
  LauncherFacts,
  Metadata,
  SetupCommand,
  SlotEntry,
} from "../format/wire/metadata-types.ts";
import { formatOperations, formatOperationsStrict } from "../format/wire/operations.ts";
import { isObject, type JsonObject } from "../format/json-object.ts";
import { statementDocument } from "../format/trust/statement.ts";

export interface JsonOptions {
  /** "flavorpack" keeps to the spellings that all of FlavorPack's readers know. */
  readonly operations: "own" | "flavorpack";
  /** Further top-level and nested members, from `PSPFBuilder.setMetadata`; what the builder decides wins. */
  readonly extra?: JsonObject;
}

/**
 * The metadata as the bytes that are signed. Every key that the strictest reference reader demands is there, keys
 * always have the same order, and equal metadata gives equal bytes. Specification: metadata block.
 */
export function encodeMetadata(metadata: Metadata, options: JsonOptions): Bytes {
  const document = merge(options.extra ?? {}, asDocument(metadata, options));
  return new TextEncoder().encode(JSON.stringify(document, null, 2));
}

function asDocument(metadata: Metadata, { operations }: JsonOptions): JsonObject {
  const { execution, runtimeEnv, workenv, setupCommands, cacheValidation, build, launcher } = metadata;
  const { statements = [] } = metadata;
  return {
    format: FORMAT_NAME,
    format_version: "1.0.0",
    package: packageDocument(metadata.package),
    slots: metadata.slots.map((slot) => slotDocument(slot, operations)),
    execution: {
      primary_slot: execution.primarySlot,
      command: execution.command,
      // FlavorPack's readers know one of the two each.
      env: execution.env,
      environment: execution.env,
    },
    verification: {
      integrity_seal: {
        required: true,
        algorithm: "ed25519",
        ...(metadata.isAnonymous === true ? { ephemeral: true } : {}),
      },
      signed: true,
      require_verification: true,
      ...(statements.length === 0 ? {} : { key_statements: statements.map(statementDocument) }),
    },
    ...(build === undefined ? {} : { build: buildDocument(build) }),
    ...(launcher === undefined ? {} : { launcher: launcherDocument(launcher) }),
    compatibility: { min_format_version: "1.0.0", features: featuresOf(metadata) },
    ...(cacheValidation === undefined
      ? {}
      : {
          cache_validation: {
            check_file: cacheValidation.checkFile,
            expected_content: cacheValidation.expectedContent,
          },
        }),
    ...(isEmpty(runtimeEnv) ? {} : { runtime: { env: environmentDocument(runtimeEnv) } }),
    ...(isEmpty(workenv)
      ? {}
      : { workenv: { directories: workenv.directories.map(directoryDocument), env: workenv.env } }),
    setup_commands: setupCommands.map(setupDocument),
  };
}

const packageDocument = ({ name, version, description = "" }: Metadata["package"]) => ({
  name,
  version,
  description,
});

const slotDocument = (slot: SlotEntry, operations: JsonOptions["operations"]) => ({
  slot: slot.index,
  id: slot.id,
  source: slot.source,
  target: slot.target === "" ? "{workenv}" : slot.target,
  size: slot.size,
  ...(slot.originalSize === undefined ? {} : { original_size: slot.originalSize }),
  checksum: slot.checksum === undefined ? "" : `sha256:${slot.checksum}`,
  operations:
    operations === "own" ? formatOperations(slot.operations) : formatOperationsStrict(slot.operations),
  purpose: slot.purpose,
  lifecycle: slot.lifecycle,
  ...(slot.permissions === undefined ? {} : { permissions: octal(slot.permissions) }),
  resolution: slot.resolution ?? "build",
  ...(slot.platform === undefined ? {} : { platform: slot.platform }),
  ...(slot.selfRef ? { self_ref: true } : {}),
});

const environmentDocument = ({ unset, pass, map, set }: Metadata["runtimeEnv"]) => ({
  unset,
  pass,
  map,
  set,
});

const buildDocument = ({ tool, toolVersion, timestamp, deterministic, platform }: BuildFacts) => ({
  tool,
  tool_version: toolVersion,
  timestamp,
  deterministic,
  platform: { os: platform.os, arch: platform.arch, host: platform.host },
});

const launcherDocument = ({ tool, toolVersion, size, checksum }: LauncherFacts) => ({
  tool,
  tool_version: toolVersion,
  size,
  checksum: `sha256:${checksum}`,
  capabilities: ["signed"],
});

const directoryDocument = ({ path, mode }: Metadata["workenv"]["directories"][number]) => ({
  path: path === "" ? "{workenv}" : `{workenv}/${path}`,
  ...modeMember(mode),
});

function setupDocument(setup: SetupCommand): JsonObject {
  const { type } = setup;
  switch (type) {
    case "execute":
      return { type, command: setup.command };
    case "enumerate_and_execute": {
      const { path, pattern } = setup.enumerate;
      return { type, command: setup.command, enumerate: { path, pattern } };
    }
    case "write_file":
      return { type, path: setup.path, content: setup.content, ...modeMember(setup.mode) };
    case "chmod":
      return { type, path: setup.path, ...modeMember(setup.mode) };
    default:
      return setup satisfies never;
  }
}

const modeMember = (mode: number | undefined): JsonObject =>
  mode === undefined ? {} : { mode: octal(mode) };

/** The features that FlavorPack's Python builder names. */
function featuresOf({
  workenv,
  runtimeEnv,
  setupCommands,
  cacheValidation,
  slots,
}: Metadata): readonly string[] {
  const features = {
    workenv_dirs: workenv.directories.length > 0,
    runtime_env: !isEmpty(runtimeEnv),
    setup_commands: setupCommands.length > 0,
    cache_validation: cacheValidation !== undefined,
    volatile_slots: slots.some((slot) => slot.lifecycle === "volatile"),
  };
  return Object.entries(features).flatMap(([name, used]) => (used ? [name] : []));
}

const isEmpty = (table: object): boolean =>
  Object.values(table).every((value) => Object.keys(value).length === 0);

const octal = (mode: number): string => mode.toString(8).padStart(4, "0");

/** Deep merge of plain objects: the members of `over`, which win, and behind them what only `under` has. */
function merge(under: JsonObject, over: JsonObject): JsonObject {
  const merged = new Map(Object.entries(over));
  for (const [key, value] of Object.entries(under)) {
    const mine = merged.get(key);
    if (mine === undefined) merged.set(key, value);
    else if (isObject(mine) && isObject(value)) merged.set(key, merge(value, mine));
  }
  // Unlike an assignment, this gives a key named `__proto__` no meaning.
  return Object.fromEntries(merged);
}

export const TOOL = { tool: TOOL_NAME, toolVersion: FLAVOR_VERSION } as const;
