import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as builder from "../builder/index.ts";
import * as format from "../format/index.ts";

const ROOT = join(import.meta.dir, "..");

/** Names without a docstring from before there was this rule. Nothing is added here; the aim is an empty list. */
const STILL_BARE: ReadonlySet<string> = new Set(
  (
    "BuildFacts BuildResult Execution FORMAT_NAME GeneratedKeys LauncherFacts OperationName PackOptions Packed " +
    "RawIndex RawSlot SetupCommand Slot SlotEntry StoredSlot Target Verification WorkenvDirectory WorkenvPlan " +
    "isTarget isValid memorySource readSlot " +
    "ErrorCode TARGET_NAMES TreeWriterOptions"
  ).split(" "),
);

interface Exported {
  readonly name: string;
  readonly kind: "type" | "value";
  /** Path of the file that defines it. */
  readonly from: string;
}

/** Every name that an index passes on. Its statements are all of one form, which the first test holds. */
function exportsOf(index: string): readonly Exported[] {
  const path = join(ROOT, index);
  const statements = readFileSync(path, "utf8").matchAll(/export (type )?\{([^}]*)\} from "([^"]+)";/g);
  return [...statements].flatMap(([, all, names = "", from = ""]) =>
    names
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "")
      .map((name): Exported => {
        const isType = all !== undefined || name.startsWith("type ");
        return {
          name: name.replace("type ", ""),
          kind: isType ? "type" : "value",
          from: join(dirname(path), from),
        };
      }),
  );
}

const namesOf = (exported: readonly Exported[], kind: Exported["kind"]): readonly string[] =>
  exported.flatMap((each) => (each.kind === kind ? [each.name] : [])).toSorted();

describe.each([
  ["format/index.ts", format],
  ["builder/index.ts", builder],
])("%s", (index, module) => {
  const exported = exportsOf(index);

  test("only passes names on, one by one", () => {
    const rest = readFileSync(join(ROOT, index), "utf8").replace(
      /export (type )?\{[^}]*\} from "[^"]+";/g,
      "",
    );
    expect(rest.trim()).toBe("");
    expect(namesOf(exported, "value")).toEqual(Object.keys(module).toSorted());
  });

  test("every name is defined where the index says, with a docstring", () => {
    const bare = exported.filter(({ name, from }) => {
      const definition = `export (async )?(abstract )?(function\\*?|class|const|interface|type) ${name}\\b`;
      return !new RegExp(`\\*/\\n${definition}`).test(readFileSync(from, "utf8"));
    });
    expect(bare.map(({ name }) => name).filter((name) => !STILL_BARE.has(name))).toEqual([]);
  });
});

test("the names of the format", () => {
  const exported = exportsOf("format/index.ts");
  expect(namesOf(exported, "value")).toMatchInlineSnapshot(`
    [
      "EXIT_CODES",
      "FLAVOR_VERSION",
      "FORMAT_NAME",
      "FORMAT_VERSION",
      "INDEX_BLOCK",
      "OPERATIONS",
      "PspfError",
      "SLOT_DESCRIPTOR",
      "SUPPORTED",
      "TARGET_NAMES",
      "exitCodeOf",
      "extractSlot",
      "formatOperations",
      "isTarget",
      "isValid",
      "matchesTarget",
      "memorySource",
      "openFileSource",
      "openPackage",
      "openTreeWriter",
      "packOperations",
      "packageIdOf",
      "parseMetadata",
      "parseOperations",
      "readSlot",
      "renderError",
      "streamRange",
      "unpackOperations",
      "verifyPackage",
    ]
  `);
  expect(namesOf(exported, "type")).toMatchInlineSnapshot(`
    [
      "BuildFacts",
      "ByteCount",
      "ByteSource",
      "ByteStream",
      "Bytes",
      "Check",
      "ErrorCode",
      "Execution",
      "LauncherFacts",
      "Metadata",
      "OperationName",
      "Package",
      "PackageIndex",
      "RawIndex",
      "RawSlot",
      "RuntimeEnv",
      "SetupCommand",
      "Sha256",
      "Slot",
      "SlotEntry",
      "Span",
      "StoredBytes",
      "Target",
      "TreeWriter",
      "TreeWriterOptions",
      "Verification",
      "WorkenvDirectory",
      "WorkenvPlan",
    ]
  `);
});

test("the names of the builder", () => {
  const exported = exportsOf("builder/index.ts");
  expect(namesOf(exported, "value")).toMatchInlineSnapshot(`
    [
      "BuildError",
      "CacheManager",
      "Operation",
      "OperationChain",
      "PSPFBuilder",
      "PspfError",
      "SlotPurpose",
      "buildPackageFromManifest",
      "generateKeys",
      "isValid",
      "memorySource",
      "openFileSource",
      "openPackage",
      "packManifest",
      "readManifest",
      "signerFrom",
      "verifyPackage",
    ]
  `);
  expect(namesOf(exported, "type")).toMatchInlineSnapshot(`
    [
      "BuildContext",
      "BuildResult",
      "BuilderOptions",
      "ByteSource",
      "ByteStream",
      "Bytes",
      "CacheInfo",
      "CacheManagerOptions",
      "CachePlace",
      "CacheSize",
      "CachedWorkenv",
      "Check",
      "CleanOptions",
      "CleanReport",
      "ExternalSigner",
      "Failure",
      "GeneratedKeys",
      "GoReason",
      "JsonObject",
      "Kept",
      "KeyChoice",
      "KeyProtection",
      "Manifest",
      "ManifestBuild",
      "PackOptions",
      "Package",
      "PackageInfo",
      "Packed",
      "Progress",
      "Removed",
      "RepairRequest",
      "RepairedWorkenv",
      "Sha256",
      "Signer",
      "Slot",
      "SlotContent",
      "SlotDescriptor",
      "StayReason",
      "StoredSlot",
      "Target",
      "Verification",
      "VerifiedWorkenv",
      "WorkenvCheck",
      "WorkenvDetails",
      "WorkenvRepair",
    ]
  `);
});
