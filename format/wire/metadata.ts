import { PspfError } from "../errors.ts";
import { faultOfName } from "../io/paths.ts";
import { FORMAT_NAME, MAX_SLOTS } from "../spec.ts";
import { parseStatement } from "../trust/statement.ts";
import type { Bytes, Sha256 } from "../types.ts";
import { isSha256 } from "./hashes.ts";
import { checkNames, checkNuls } from "./metadata-text.ts";
import type {
  BuildFacts,
  Execution,
  LauncherFacts,
  Metadata,
  SlotEntry,
  WorkenvPlan,
} from "./metadata-types.ts";
import { type OperationName, parseOperations } from "./operations.ts";
import { type Members, memberPath, Problems } from "./problems.ts";
import { parseSetupCommand } from "./setup-commands.ts";
import { type Json, parseStrictJson } from "./strict-json.ts";

/**
 * The uncompressed metadata as values that the program can trust in form. Everything that is wrong is reported at
 * once (`metadata-invalid`). Specification: metadata block; what its readers disagree on is refused.
 */
export function parseMetadata(json: Bytes): Metadata {
  const document = parseStrictJson(decodeUtf8(json));
  const problems = new Problems();
  checkKeyCase(document, problems);
  const root = problems.object(document, "");

  const format = problems.string(root, "format", "");
  if (format !== FORMAT_NAME) problems.expected("format", JSON.stringify(FORMAT_NAME), format);
  const aboutPackage = problems.object(root["package"], "package");
  const description = problems.optionalString(aboutPackage, "description", "package");
  const slots = problems.array(root, "slots", "", (value, path) => parseSlot(value, path, problems));
  if (slots.length > MAX_SLOTS) problems.add("slots", `${slots.length} are too many, at most ${MAX_SLOTS}`);
  const runtime = problems.optionalObject(root, "runtime", "");
  const runtimeEnv = problems.optionalObject(runtime, "env", "runtime");
  const setupCommands = problems.optionalArray(root, "setup_commands", "", (value, path) =>
    parseSetupCommand(value, path, problems),
  );
  const validation = problems.optionalObject(root, "cache_validation", "");
  const build = parseBuild(root, problems);
  const launcher = parseLauncher(root, problems);
  const verification = parseVerification(root, problems);
  const metadata: Metadata = {
    format,
    package: {
      name: problems.string(aboutPackage, "name", "package"),
      version: problems.string(aboutPackage, "version", "package"),
      ...(description === undefined ? {} : { description }),
    },
    slots,
    execution: parseExecution(root, problems),
    runtimeEnv: {
      unset: problems.strings(runtimeEnv, "unset", "runtime.env"),
      pass: problems.strings(runtimeEnv, "pass", "runtime.env"),
      map: problems.stringMap(runtimeEnv, "map", "runtime.env"),
      set: problems.stringMap(runtimeEnv, "set", "runtime.env"),
    },
    workenv: parseWorkenv(root, problems),
    setupCommands,
    ...(Object.keys(validation).length === 0
      ? {}
      : {
          cacheValidation: {
            checkFile: problems.string(validation, "check_file", "cache_validation"),
            expectedContent: problems.string(validation, "expected_content", "cache_validation"),
          },
        }),
    ...(build === undefined ? {} : { build }),
    ...(launcher === undefined ? {} : { launcher }),
    ...verification,
  };
  for (const [position, slot] of slots.entries())
    if (slot.index !== position) problems.expected(`slots[${position}].slot`, String(position), slot.index);
  checkNuls(document, problems);
  checkNames(metadata, problems);
  problems.throwIfAny(
    "metadata-invalid",
    "Cannot use the metadata of this package",
    "the builder that made it is at fault",
  );
  return metadata;
}

function decodeUtf8(json: Bytes): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(json);
  } catch (cause) {
    throw new PspfError("metadata-invalid", "Cannot parse the metadata: it is not UTF-8", { cause });
  }
}

function parseSlot(value: unknown, path: string, problems: Problems): SlotEntry {
  const slot = problems.object(value, path);
  const selfRef = problems.optionalBoolean(slot, "self_ref", path) ?? false;
  const rawTarget = problems.string(slot, "target", path);
  const checksum = selfRef ? undefined : parseChecksum(slot, "checksum", path, problems);
  const permissions = problems.octalMode(slot, "permissions", path);
  const originalSize = problems.optionalInteger(slot, "original_size", path);
  const resolution = problems.optionalString(slot, "resolution", path);
  const platform = problems.optionalString(slot, "platform", path);
  return {
    index: problems.integer(slot, "slot", path),
    id: problems.string(slot, "id", path),
    source: problems.string(slot, "source", path),
    target: parseTarget(rawTarget, memberPath(path, "target"), problems),
    rawTarget,
    size: problems.integer(slot, "size", path, { min: Number.MIN_SAFE_INTEGER }),
    operations: parseOperationsOf(slot, path, problems),
    purpose: problems.string(slot, "purpose", path),
    lifecycle: problems.string(slot, "lifecycle", path),
    selfRef,
    ...(checksum === undefined ? {} : { checksum }),
    ...(permissions === undefined ? {} : { permissions }),
    ...(originalSize === undefined ? {} : { originalSize }),
    ...(resolution === undefined ? {} : { resolution }),
    ...(platform === undefined ? {} : { platform }),
  };
}

/** A path in the workenv: relative, or behind "{workenv}"; "" is the workenv itself. */
function parseTarget(text: string, path: string, problems: Problems): string {
  const bare = text.replace(/^\{workenv\}(\/|$)/, "");
  const target = bare.replace(/^(\.\/)+|\/+$/g, "");
  const fault = bare.includes("{workenv}") ? "{workenv} may only stand in front" : faultOfName(bare);
  if (fault !== undefined)
    problems.add(path, `expected a path inside the workenv, got ${JSON.stringify(text)}: ${fault}`);
  return target === "." ? "" : target;
}

/** FlavorPack's Python builder writes the prefix of a launcher's checksum twice. */
function parseChecksum(of: Members, key: string, path: string, problems: Problems): Sha256 {
  const text = problems.string(of, key, path);
  const hex = text.replace(/^(sha256:)+/, "");
  if (isSha256(hex) && hex !== text) return hex;
  problems.expected(memberPath(path, key), '"sha256:" and 64 hex digits', text);
  return "" as Sha256;
}

function parseOperationsOf(slot: Members, path: string, problems: Problems): readonly OperationName[] {
  const text = problems.string(slot, "operations", path);
  try {
    return parseOperations(text);
  } catch (error) {
    if (!(error instanceof PspfError)) throw error;
    problems.add(memberPath(path, "operations"), error.message);
    return [];
  }
}

function parseExecution(root: Members, problems: Problems): Execution {
  const execution = problems.object(root["execution"], "execution");
  return {
    primarySlot: problems.optionalInteger(execution, "primary_slot", "execution") ?? 0,
    command: problems.string(execution, "command", "execution"),
    // FlavorPack's Go side writes "environment", its other sides "env".
    env: {
      ...problems.stringMap(execution, "environment", "execution"),
      ...problems.stringMap(execution, "env", "execution"),
    },
  };
}

function parseWorkenv(root: Members, problems: Problems): WorkenvPlan {
  const workenv = problems.optionalObject(root, "workenv", "");
  return {
    directories: problems.optionalArray(workenv, "directories", "workenv", (value, path) => {
      const directory = problems.object(value, path);
      const mode = problems.octalMode(directory, "mode", path);
      const target = parseTarget(
        problems.string(directory, "path", path),
        memberPath(path, "path"),
        problems,
      );
      return { path: target, ...(mode === undefined ? {} : { mode }) };
    }),
    env: problems.stringMap(workenv, "env", "workenv"),
  };
}

function parseBuild(root: Members, problems: Problems): BuildFacts | undefined {
  const build = problems.optionalObject(root, "build", "");
  if (Object.keys(build).length === 0) return undefined;
  const platform = problems.optionalObject(build, "platform", "build");
  return {
    tool: problems.optionalString(build, "tool", "build") ?? "",
    toolVersion: problems.optionalString(build, "tool_version", "build") ?? "",
    timestamp: problems.optionalString(build, "timestamp", "build") ?? "",
    deterministic: problems.optionalBoolean(build, "deterministic", "build") ?? false,
    platform: {
      os: problems.optionalString(platform, "os", "build.platform") ?? "",
      arch: problems.optionalString(platform, "arch", "build.platform") ?? "",
      host: problems.optionalString(platform, "host", "build.platform") ?? "",
    },
  };
}

function parseLauncher(root: Members, problems: Problems): LauncherFacts | undefined {
  const launcher = problems.optionalObject(root, "launcher", "");
  if (Object.keys(launcher).length === 0) return undefined;
  return {
    tool: problems.optionalString(launcher, "tool", "launcher") ?? "",
    toolVersion: problems.optionalString(launcher, "tool_version", "launcher") ?? "",
    size: problems.integer(launcher, "size", "launcher"),
    checksum: parseChecksum(launcher, "checksum", "launcher", problems),
  };
}

/** More than that many keys in a row, nobody goes through. */
const MAX_STATEMENTS = 64;

function parseVerification(root: Members, problems: Problems): Pick<Metadata, "statements" | "isAnonymous"> {
  const verification = problems.optionalObject(root, "verification", "");
  const seal = problems.optionalObject(verification, "integrity_seal", "verification");
  const isAnonymous = problems.optionalBoolean(seal, "ephemeral", "verification.integrity_seal") ?? false;
  const statements = problems.optionalArray(verification, "key_statements", "verification", (value, path) =>
    parseStatement(value, path, problems),
  );
  if (statements.length > MAX_STATEMENTS)
    problems.add(
      "verification.key_statements",
      `${statements.length} are too many, at most ${MAX_STATEMENTS}`,
    );
  return {
    ...(statements.length === 0 ? {} : { statements }),
    ...(isAnonymous ? { isAnonymous } : {}),
  };
}

/** Every key that some reader acts on. */
const KNOWN_KEYS: ReadonlyMap<string, string> = new Map(
  [
    "format format_version package slots execution runtime workenv setup_commands cache_validation build launcher",
    "verification compatibility name version description slot id source target size original_size checksum operations",
    "purpose lifecycle permissions resolution self_ref platform primary_slot command env environment unset pass map set",
    "directories path mode type enumerate pattern content check_file expected_content tool tool_version timestamp",
    "deterministic os arch host key_statements integrity_seal ephemeral",
  ]
    .join(" ")
    .split(" ")
    .map((key) => [foldCase(key), key]),
);

/** Objects whose keys are the author's own names. */
const FREE_KEYS: ReadonlySet<string> = new Set(["env", "environment", "map", "set"]);

/** FlavorPack's Go launcher takes `EXECUTION` for `execution`, its others do not: such a key has two meanings. */
function checkKeyCase(value: Json, problems: Problems, path = "", isFree = false): void {
  if (Array.isArray(value)) {
    for (const [i, item] of (value as readonly Json[]).entries())
      checkKeyCase(item, problems, `${path}[${i}]`);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, member] of Object.entries(value as { [key: string]: Json })) {
      const known = KNOWN_KEYS.get(foldCase(key));
      if (!isFree && known !== undefined && known !== key)
        problems.add(memberPath(path, key), `a key in the wrong case, expected "${known}"`);
      // runtime.env is a table of ours that holds tables of names.
      const holdsNames = !isFree && FREE_KEYS.has(key) && path !== "runtime";
      checkKeyCase(member, problems, memberPath(path, key), holdsNames);
    }
  }
}

/** Go's letter folding, which also takes the Kelvin sign for k and the long s for s. */
function foldCase(key: string): string {
  return key.toUpperCase().toLowerCase();
}
