import { join } from "node:path";
import fc from "fast-check";
import { parseManifest } from "../../../builder/manifest/manifest.ts";
import type { Bytes } from "../../../format/types.ts";
import type { Target } from "../target.ts";
import { jsonOf, mostly, oddText, roughly, textOf, utf8, variables } from "./material.ts";
import {
  both,
  commands,
  KEYS,
  modes,
  operations,
  setupCommands,
  SOUND_METADATA,
  targets,
} from "./metadata.ts";

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

/** Both forms of what is built from. */
export const MANIFEST_TARGETS: readonly Target[] = [
  manifestTarget("json", { structured: jsonOf(both(SOUND_MANIFEST, manifests)), tokens: KEYS.split(" ") }),
  manifestTarget("toml", {
    structured: fc.oneof(
      { arbitrary: tomlOf(both(SOUND_MANIFEST, manifests)), weight: 9 },
      { arbitrary: oddText(40).map(utf8), weight: 1 },
    ),
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
