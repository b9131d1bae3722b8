import { join } from "node:path";
import fc from "fast-check";
import { parseManifest } from "../../../builder/manifest/manifest.ts";
import { scopeOf } from "../../../format/command/command.ts";
import { childEnvironment } from "../../../format/command/environment.ts";
import { fillTemplate } from "../../../format/command/template.ts";
import { splitWords } from "../../../format/command/words.ts";
import { PspfError } from "../../../format/errors.ts";
import type { Bytes } from "../../../format/types.ts";
import type { LaunchFacts } from "../../../format/wire/metadata-types.ts";
import { parseMetadata } from "../../../format/wire/metadata.ts";
import { type Json, parseStrictJson } from "../../../format/wire/strict-json.ts";
import { launchFactsOf } from "../../../format/workenv/launch-facts.ts";
import { must, type Target } from "../target.ts";
import {
  edited,
  JSON_LEAVES,
  jsonOf,
  mostly,
  oddText,
  roughly,
  textOf,
  utf8,
  variables,
} from "./material.ts";

const HOST = { os: "linux", arch: "amd64" };

/** Everything that a start works out of the facts, without touching a disk. */
export function useLaunchFacts(facts: LaunchFacts): void {
  const scope = scopeOf(facts, "/cache/0123456789abcdef", HOST, "/cache/bun");
  for (const windows of [false, true])
    childEnvironment({ PATH: "/bin", HOME: "/home/u", LANG: "C" }, facts, scope, {
      originalCommand: "app",
      commandName: "app",
      package: "/app.psp",
      cache: "/cache",
      windows,
    });
  for (const word of splitWords(facts.execution.command)) fillTemplate(word, scope);
}

/** Object.create(null) or not, -0 or 0: as JSON both are the same. */
const isSameJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const tokensOfJson = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ..."{}[],:",
        '"a"',
        '"__proto__"',
        "1",
        "-0",
        "1e999",
        "true",
        "null",
        " ",
        "\n",
        '"\\u0061"',
        '"\\ud800"',
      ),
      oddText(4).map((text) => JSON.stringify(text)),
    ),
    { maxLength: 30 },
  )
  .map((tokens) => utf8(tokens.join("")));

const strictJson: Target = {
  name: "json",
  allowed: ["metadata-invalid"],
  structured: fc.oneof(fc.json().map(utf8), tokensOfJson),
  tokens: ["{", "}", "[", "]", '"', ":", ",", "\\u", "\\ud83d", '"__proto__":', "-", "e+", "true", "null"],
  run(input) {
    const text = textOf(input);
    let ours: Json;
    try {
      ours = parseStrictJson(text);
    } catch (error) {
      must(
        !(error instanceof PspfError) || isOwnRule(error) || !parses(text),
        "nothing that is JSON is refused but by our own rules",
      );
      throw error;
    }
    must(parses(text), "what is accepted is JSON");
    must(isSameJson(ours, JSON.parse(text)), "it means what JSON.parse says");
    return typeof ours;
  },
};

const isOwnRule = ({ message }: PspfError): boolean =>
  /stands twice|nested too deeply|surrogate/.test(message);

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const targets = fc.oneof(
  fc.constantFrom("{workenv}/a", "a/b", "{workenv}", "../a", "", "a/{workenv}"),
  oddText(10),
);
const operations = fc.oneof(
  fc.constantFrom("raw", "tar|zstd", "tgz", "gzip", "tar|gzip|xz", "7z"),
  oddText(8),
);
const commands = fc.oneof(
  fc.constantFrom("{workenv}/bin/x", "sh -c 'a b'", "{slot:0} {primary}", "{slot:7}", '"', "{bun} x"),
  oddText(16),
);
const modes = fc.oneof(fc.constantFrom("0755", "0o644", 493, "9", -1), JSON_LEAVES);
const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

const slots = mostly({
  slot: fc.constantFrom(0, 0, 0, 1),
  id: oddText(6),
  source: oddText(6),
  target: targets,
  size: fc.nat(),
  checksum: fc.constantFrom(DIGEST, `sha256:${DIGEST}`, DIGEST.toUpperCase(), "sha256:"),
  operations,
  purpose: fc.constantFrom("payload", "constructor"),
  lifecycle: fc.constantFrom("runtime", "init", "temp", "dev", "__proto__"),
  permissions: modes,
  self_ref: fc.boolean(),
  platform: fc.constantFrom("any", "linux", "linux_amd64", "?"),
});

const setupCommands = fc.oneof(
  commands,
  mostly({
    type: fc.constantFrom("execute", "enumerate_and_execute", "write_file", "chmod", "other"),
    command: commands,
    enumerate: mostly({ path: targets, pattern: oddText(6) }),
    path: targets,
    content: oddText(),
    mode: modes,
  }),
);

const metadataDocuments = mostly({
  format: fc.constant("PSPF/2025"),
  package: mostly({ name: oddText(8), version: oddText(8), description: oddText(8) }),
  slots: fc.array(slots, { maxLength: 2 }),
  execution: mostly({ primary_slot: fc.nat(2), command: commands, env: variables, environment: variables }),
  runtime: roughly({
    env: mostly({
      unset: fc.array(oddText(8), { maxLength: 3 }),
      pass: fc.array(oddText(8), { maxLength: 3 }),
      map: variables,
      set: variables,
    }),
  }),
  workenv: roughly({
    directories: fc.array(roughly({ path: targets, mode: modes }), { maxLength: 2 }),
    env: variables,
  }),
  setup_commands: fc.array(setupCommands, { maxLength: 2 }),
  cache_validation: roughly({ check_file: targets, expected_content: oddText(8) }),
  build: roughly({
    tool: oddText(6),
    timestamp: oddText(6),
    deterministic: fc.boolean(),
    platform: roughly({ os: oddText(5) }),
  }),
  launcher: roughly({ tool: oddText(5), size: fc.nat(), checksum: fc.constant(DIGEST) }),
});

const SOUND_SLOT = {
  slot: 0,
  id: "app",
  source: "targets",
  target: "{workenv}/app",
  size: 3,
  original_size: 5,
  checksum: DIGEST,
  operations: "tar|gzip",
  purpose: "payload",
  lifecycle: "runtime",
  permissions: "0755",
  platform: "linux",
};

const SOUND_METADATA = {
  format: "PSPF/2025",
  package: { name: "app", version: "1.0", description: "an application" },
  slots: [SOUND_SLOT],
  execution: { primary_slot: 0, command: "{slot:0}/run 'a b' {workenv}", env: { A: "{workenv}" } },
  runtime: { env: { unset: ["SECRET_*", "[a-c]?"], pass: ["HOME"], map: { LANG: "L" }, set: { B: "1" } } },
  workenv: { directories: [{ path: "{workenv}/var", mode: "0700" }], env: { C: "{version}" } },
  setup_commands: [
    "true",
    { type: "execute", command: "{slot:0}/setup" },
    {
      type: "enumerate_and_execute",
      command: "touch {file}",
      enumerate: { path: "{workenv}", pattern: "*.py" },
    },
    { type: "write_file", path: "{workenv}/f", content: "text", mode: "0644" },
    { type: "chmod", path: "{workenv}/f", mode: 493 },
  ],
  cache_validation: { check_file: "{workenv}/f", expected_content: "text" },
  build: {
    tool: "flavor",
    tool_version: "1",
    timestamp: "2026-01-01T00:00:00Z",
    deterministic: true,
    platform: { os: "linux" },
  },
  launcher: { tool: "flavor", tool_version: "1", size: 9, checksum: DIGEST },
};

const SOUND_MANIFEST = {
  package: SOUND_METADATA.package,
  execution: { command: "{slot:0}/run", env: { A: "1" } },
  slots: [
    {
      id: "app",
      source: "targets",
      target: "app",
      operations: "tar|zstd",
      purpose: "payload",
      lifecycle: "runtime",
    },
  ],
  runtime: SOUND_METADATA.runtime,
  workenv: { directories: [{ path: "var", mode: "0700" }], env: { C: "1" } },
  setup_commands: SOUND_METADATA.setup_commands.slice(1),
  cache_validation: { check_file: "f", expected_content: "text" },
  pack: { platforms: ["linux-x64"], launcher: "bun" },
};

/** Few faults or many. */
const both = (sound: object, rough: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: edited(sound), weight: 3 }, { arbitrary: rough, weight: 1 });

const KEYS =
  '"package": "slots": "execution": "Execution": "command": "env": "runtime": "unset": "__proto__": "platform": "mode":';

const metadata: Target = {
  name: "metadata",
  // The second is what a start says of a command that the author left unfinished.
  allowed: ["metadata-invalid", "command-invalid"],
  structured: jsonOf(both(SOUND_METADATA, metadataDocuments)),
  tokens: [
    ...KEYS.split(" "),
    "{workenv}",
    "{slot:0}",
    "..",
    "sha256:",
    "*",
    "[a-b]",
    "null",
    "1e400",
    "\\u0000",
    "\\u001b",
  ],
  run(input) {
    const parsed = parseMetadata(input);
    useLaunchFacts(launchFactsOf(parsed, HOST));
    return `${parsed.slots.length} ${parsed.setupCommands.map(({ type }) => type).join()}`;
  },
};

const manifestSlots = mostly({
  id: fc.oneof(fc.constantFrom("a", "b"), oddText(5)),
  source: fc.oneof(fc.constantFrom("targets", "target.ts", "$SELF", "nowhere", ".."), oddText(8)),
  target: targets,
  operations,
  include: fc.array(oddText(8), { maxLength: 2 }),
  purpose: fc.constantFrom("payload", "data", "x"),
  lifecycle: fc.constantFrom("runtime", "temp", "y"),
  permissions: modes,
  platform: fc.constantFrom("any", "linux", "z"),
});

const manifests = mostly({
  package: mostly({ name: oddText(8), version: oddText(6), description: oddText(8) }),
  execution: mostly({ command: commands, primary_slot: fc.nat(2), env: variables }),
  slots: fc.array(manifestSlots, { maxLength: 2 }),
  runtime: roughly({ env: roughly({ unset: fc.array(oddText(8), { maxLength: 2 }), map: variables }) }),
  workenv: roughly({
    directories: fc.array(roughly({ path: targets, mode: modes }), { maxLength: 2 }),
    env: variables,
  }),
  setup_commands: fc.array(setupCommands, { maxLength: 2 }),
  cache_validation: roughly({ check_file: targets, expected_content: oddText(6) }),
  pack: roughly({
    platforms: fc.array(fc.constantFrom("linux-x64", "amiga"), { maxLength: 2 }),
    launcher: oddText(5),
  }),
});

/** A document as TOML: an inline table for everything below the first level. */
const tomlOf = (documents: fc.Arbitrary<unknown>): fc.Arbitrary<Bytes> =>
  documents.map((document) =>
    utf8(
      Object.entries(Object(document))
        .map(([key, value]) => `${JSON.stringify(key)} = ${inToml(value)}\n`)
        .join(""),
    ),
  );

function inToml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inToml).join(", ")}]`;
  if (typeof value === "object" && value !== null)
    return `{ ${Object.entries(value)
      .map(([key, member]) => `${JSON.stringify(key)} = ${inToml(member)}`)
      .join(", ")} }`;
  return typeof value === "number" && !Number.isFinite(value) ? "nan" : JSON.stringify(value ?? null);
}

const manifestTarget = (form: "json" | "toml", rest: Pick<Target, "structured" | "tokens">): Target => ({
  name: `manifest-${form}`,
  allowed: ["manifest-invalid"],
  ...rest,
  run(input) {
    // Sources are looked for beside the targets' own folder, where some exist.
    const manifest = parseManifest(textOf(input), join(import.meta.dir, "..", `manifest.${form}`));
    return `${manifest.slots.length} ${manifest.setupCommands.length}`;
  },
});

/** Texts that a package or its author wrote. */
export const DOCUMENT_TARGETS: readonly Target[] = [
  strictJson,
  metadata,
  manifestTarget("json", { structured: jsonOf(both(SOUND_MANIFEST, manifests)), tokens: KEYS.split(" ") }),
  manifestTarget("toml", {
    structured: fc.oneof(tomlOf(both(SOUND_MANIFEST, manifests)), oddText(40).map(utf8)),
    tokens: [
      "[package]\n",
      "[[slots]]\n",
      "[slots.a]\n",
      "name = ",
      "'''",
      '"""',
      "\n",
      " = ",
      "1979-05-27T07:32:00Z",
      "0x1f",
      "inf",
      "{ a = 1 }",
      "\\u0000",
      "#",
    ],
  }),
];
