/**
 * `bun scripts/docs.ts [--check] [FOLDER]`: fills in the generated parts of the documents in FOLDER, by default `docs/`.
 * They stand between `<!-- generated: NAME -->` and `<!-- /generated: NAME -->`. With --check nothing is written, and
 * the exit code is 1 when something would be.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { EXIT_CODES } from "../format/errors.ts";
import { TARGETS } from "../format/platform.ts";
import { INDEX_BLOCK } from "../format/wire/index-block.ts";
import { OPERATIONS, SUPPORTED } from "../format/wire/operations.ts";
import { SLOT_DESCRIPTOR } from "../format/wire/slot-descriptor.ts";
import { type Rows, type Struct, u32, u64, u8 } from "../format/wire/struct.ts";
import { commandsText } from "./commands-text.ts";
import { environmentTable } from "./environment-table.ts";
import { performanceDrawings, performanceParts } from "./performance-page.ts";
import { table } from "./table.ts";
import { LIFECYCLE_WORDS, type LifecycleWord, lifecycleOf } from "../format/workenv/lifecycles/lifecycle.ts";
import {
  LEVELS,
  type Level,
  looksAtSeal,
  type SealState,
  type TrustState,
  VALIDATION_LEVELS,
  type Verdict,
} from "../format/trust/levels.ts";

/** What the rows mean. Rows without an entry are always zero. */
const INDEX_MEANINGS: Meanings<(typeof INDEX_BLOCK)["rows"]> = {
  formatVersion: "0x20250001",
  indexChecksum: "Adler-32 of this block",
  packageSize: "bytes of the whole file, trailer included",
  launcherSize: "bytes of the launcher",
  metadataOffset: "from the start of the file",
  metadataSize: "compressed",
  slotTableOffset: "from the start of the file",
  slotTableSize: "64 for each slot",
  slotCount: "at most 4096 here",
  publicKey: "Ed25519",
  metadataChecksum: "SHA-256 of the compressed metadata",
  signature: "Ed25519 over the uncompressed metadata",
  accessMode: "hint, unused",
  cacheStrategy: "hint, unused",
  codecHint: "hint, unused",
  encryptionHint: "hint, unused",
  pageSize: "hint, unused",
  maxMemory: "hint, unused",
  minMemory: "hint, unused",
  cpuFeatures: "hint, unused",
  gpuRequirements: "hint, unused",
  numaHints: "hint, unused",
  streamChunkSize: "hint, unused",
  capabilities: "bit set, unused",
  compatibility: "ignored",
  protocolVersion: "ignored",
  packageId: "ours: the package id, or 0",
};

const SLOT_MEANINGS: Meanings<(typeof SLOT_DESCRIPTOR)["rows"]> = {
  id: "position in the table, from 0",
  nameHash: "first 8 bytes of SHA-256 of a name",
  offset: "of the stored bytes, from the start of the file",
  size: "of the stored bytes",
  originalSize: "before the operations",
  operations: "the chain",
  checksum: "first 8 bytes of SHA-256 of the stored bytes",
  purpose: "a number for the purpose",
  lifecycle: "a number for the lifecycle",
  priority: "1; FlavorPack's Go builder writes 128",
  permissionsLow: "mode bits 0 to 7",
  permissionsHigh: "mode bits 8 to 15",
};

type Meanings<R extends Rows> = { readonly [K in keyof R]?: string };

/** Every generated part by its name, as Markdown. */
const PARTS: Readonly<Record<string, () => string>> = {
  "index-block": () => structTable(INDEX_BLOCK, INDEX_MEANINGS),
  "slot-descriptor": () => structTable(SLOT_DESCRIPTOR, SLOT_MEANINGS),
  operations: operationsTable,
  platforms: platformsTable,
  levels: levelsTable,
  lifecycles: lifecyclesTable,
  "exit-codes": exitCodesTable,
  environment: environmentTable,
  commands: commandsText,
  ...performanceParts(),
};

function structTable<R extends Rows>({ rows, offsets }: Struct<R>, meanings: Meanings<R>): string {
  const lines = Object.entries(rows).map(([name, row]) => [
    String(offsets[name]),
    String(row.size),
    "reserved" in row ? "reserved" : typeOf(row),
    `\`${snakeCase(name)}\``,
    meanings[name] ?? "0",
  ]);
  return table(["Offset", "Size", "Type", "Field", "Meaning"], lines);
}

const typeOf = (row: Rows[string]): string =>
  row === u8 ? "u8" : row === u32 ? "u32" : row === u64 ? "u64" : "bytes";

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function operationsTable(): string {
  const runs: readonly string[] = SUPPORTED;
  return table(
    ["Code", "Name", "Family", "Run here"],
    Object.entries(OPERATIONS).map(([name, { code, family }]) => [
      `0x${code.toString(16).padStart(2, "0")}`,
      name.toLowerCase(),
      family,
      runs.includes(name) ? "yes" : "no",
    ]),
  );
}

function platformsTable(): string {
  return table(
    ["Platform", "`{os}`", "`{arch}`"],
    Object.entries(TARGETS).map(([name, { os, arch }]) => [`\`${name}\``, os, arch]),
  );
}

/** What a level may find. */
const SEAL_MEANINGS: Readonly<Record<SealState, string>> = {
  valid: "the signature is valid",
  invalid: "the signature does not match",
  missing: "there is no signature",
  unchecked: "it was unpacked at a level that did not look at the signature",
};

const TRUST_MEANINGS: Readonly<Record<TrustState, string>> = {
  trusted: "the signer is in a trust store, or a key there has handed over to it",
  named: "`FLAVOR_TRUSTED_KEYS` lists the signer",
  known: "the signer is the one that is remembered",
  successor: "the remembered key has handed over to the signer",
  new: "the package is new here, and its signer is not listed",
  anonymous: "the key was made for this build alone",
  revoked: "the signer is revoked",
  changed: "another signer is remembered",
  pinned: "a trust store wants another signer for this package",
  unlisted: "the policy or `FLAVOR_TRUSTED_KEYS` wants a listed signer, and this one is not",
  older: "the policy forbids older builds, and this is one",
  unchecked: "it was unpacked at a level that did not look at the signer",
};

/** Checks that no level leaves out. */
const ALWAYS = [
  "the structure is damaged, or the index does not match its checksum",
  "the metadata do not match their SHA-256, or the slot table does not follow from them",
  "a slot is not the one that was signed, by its whole SHA-256",
];

function levelsTable(): string {
  const rowOf = (meaning: string, verdict: (level: Level) => Verdict) => [
    meaning,
    ...VALIDATION_LEVELS.map((level) => (looksAtSeal(level) ? verdict(LEVELS[level]) : "skip")),
  ];
  return table(
    ["", ...VALIDATION_LEVELS.map((level) => `\`${level}\``)],
    [
      ...ALWAYS.map((meaning) => [meaning, ...VALIDATION_LEVELS.map(() => "refuse")]),
      ...entriesOf(SEAL_MEANINGS).map(([state, meaning]) => rowOf(meaning, ({ seal }) => seal[state])),
      ...entriesOf(TRUST_MEANINGS).map(([state, meaning]) => rowOf(meaning, ({ trust }) => trust[state])),
      [
        "before each start, the workenv is compared with what was signed",
        ...VALIDATION_LEVELS.map((level) => (LEVELS[level].rehash ? "yes" : "no")),
      ],
    ],
  );
}

const entriesOf = <K extends string>(
  meanings: Readonly<Record<K, string>>,
): readonly (readonly [K, string])[] => Object.entries(meanings) as [K, string][];

/** What tells lifecycles apart that the table in code cannot. Words with the same text stand in one row. */
const LIFECYCLE_MEANINGS: Readonly<Record<LifecycleWord, string>> = {
  runtime: "what the application is made of",
  eager: "what the application is made of",
  platform: "what the application is made of",
  init: "material for the setup commands",
  initialization: "material for the setup commands",
  "init-only": "material for the setup commands",
  cache: "worked out in advance: the application may change it, and what it removes is put back at times",
  cached: "worked out in advance: the application may change it, and what it removes is put back at times",
  startup: "fresh for each run",
  volatile: "fresh for each run",
  temporary: "fresh for each run, and gone after it",
  temp: "fresh for each run, and gone after it",
  shutdown: "one program, which is run once after the last process has ended; or files for nobody",
  lazy: "unpacked when the command or a setup command names it, or when [`unpack`](#the-launchers-own-commands) is told to",
  dev: "unpacked when `FLAVOR_DEV` is on, and then stays",
  development: "unpacked when `FLAVOR_DEV` is on, and then stays",
  config: "settings: what the user edited or added goes along [to the next version](#what-users-edit)",
  persistent: "data: as `config`, and cleaning takes it only when the next version has it",
};

function lifecyclesTable(): string {
  const rows = Map.groupBy(LIFECYCLE_WORDS, (word) => LIFECYCLE_MEANINGS[word]);
  return table(
    ["Lifecycle", "Made", "Goes", "Whose changes stay", ""],
    [...rows].map(([meaning, words]) => {
      const { made, goes, changes } = lifecycleOf(words[0] as LifecycleWord);
      return [words.map((word) => `\`${word}\``).join(", "), made, goes, changes, meaning];
    }),
  );
}

function exitCodesTable(): string {
  const codes = Map.groupBy(Object.entries(EXIT_CODES), ([, exit]) => exit);
  return table(
    ["Exit", "Errors"],
    [...codes].map(([exit, errors]) => [
      String(exit),
      errors.map(([code]) => `[\`${code}\`](#${code})`).join(" "),
    ]),
  );
}

const MARKED = /(<!-- generated: ([\w-]+) -->\n)[\s\S]*?(<!-- \/generated: \2 -->)/g;

const fillIn = (document: string): string =>
  document.replace(MARKED, (found, start: string, name: string, end: string) => {
    const part = Object.hasOwn(PARTS, name) ? PARTS[name] : undefined;
    return part === undefined ? found : `${start}\n${part()}\n\n${end}`;
  });

/** What should stand in a folder of documents: documents with their generated parts, and drawings, by their paths. */
const wantedIn = (folder: string): readonly (readonly [path: string, wanted: string])[] => [
  ...readdirSync(folder)
    .filter((file) => file.endsWith(".md"))
    .map((file) => join(folder, file))
    .map((path) => [path, fillIn(readFileSync(path, "utf8"))] as const),
  ...performanceDrawings(folder),
];

const isStale = ([path, wanted]: readonly [string, string]): boolean =>
  !existsSync(path) || readFileSync(path, "utf8") !== wanted;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { check: { type: "boolean" } },
});
const folder = positionals[0] ?? join(import.meta.dir, "..", "docs");
const stale = wantedIn(folder).filter(isStale);
for (const [path, wanted] of stale) {
  if (values.check !== true) writeFileSync(path, wanted);
  process.stdout.write(
    `${values.check === true ? "not current, run bun scripts/docs.ts: " : "wrote "}${path}\n`,
  );
}
if (values.check === true && stale.length > 0) process.exitCode = 1;
