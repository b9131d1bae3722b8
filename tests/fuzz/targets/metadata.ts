import fc from "fast-check";
import { scopeOf } from "../../../format/command/command.ts";
import { childEnvironment } from "../../../format/command/environment.ts";
import { fillTemplate } from "../../../format/command/template.ts";
import { splitWords } from "../../../format/command/words.ts";
import type { LaunchFacts } from "../../../format/wire/metadata-types.ts";
import { parseMetadata } from "../../../format/wire/metadata.ts";
import { launchFactsOf } from "../../../format/workenv/launch-facts.ts";
import type { Target } from "../target.ts";
import { edited, JSON_LEAVES, jsonOf, mostly, oddText, roughly, variables } from "./material.ts";

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

export const targets = fc.oneof(
  fc.constantFrom("{workenv}/a", "a/b", "{workenv}", "../a", "", "a/{workenv}"),
  oddText(10),
);
export const operations = fc.oneof(
  fc.constantFrom("raw", "tar|zstd", "tgz", "gzip", "tar|gzip|xz", "7z"),
  oddText(8),
);
export const commands = fc.oneof(
  fc.constantFrom("{workenv}/bin/x", "sh -c 'a b'", "{slot:0} {primary}", "{slot:7}", '"', "{bun} x"),
  oddText(16),
);
export const modes = fc.oneof(fc.constantFrom("0755", "0o644", 493, "9", -1), JSON_LEAVES);
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

export const setupCommands = fc.oneof(
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

export const SOUND_METADATA = {
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

/** Few faults or many. */
export const both = (sound: object, rough: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: edited(sound), weight: 3 }, { arbitrary: rough, weight: 1 });

/** Keys that the documents have in common. */
export const KEYS =
  '"package": "slots": "execution": "Execution": "command": "env": "runtime": "unset": "__proto__": "platform": "mode":';

/** The signed document, and what a start makes of it. */
export const metadata: Target = {
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
