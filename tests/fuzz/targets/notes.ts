import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import fc from "fast-check";
import { packageInfoOf } from "../../../format/cache/entries.ts";
import { layoutOf, type WorkenvLayout } from "../../../format/cache/layout.ts";
import { isPathInside } from "../../../format/io/paths.ts";
import type { Bytes } from "../../../format/types.ts";
import { readStartFiles } from "../../../format/workenv/lifecycles/start-files.ts";
import { decodeMarker, encodeMarker } from "../../../format/workenv/marker.ts";
import { readSetupChanges } from "../../../format/workenv/exact/setup-changes.ts";
import { readStatIndex } from "../../../format/workenv/mending/stat-index.ts";
import { readOriginals } from "../../../format/workenv/user-files/originals.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { must, type Target } from "../target.ts";
import { edited, jsonOf, mostly, oddText, textOf, variables } from "./material.ts";
import { useLaunchFacts } from "./metadata.ts";

// What lies in a cache: a look-up never fails on bad data, so that no error at all is allowed here.

const texts = oddText(8);
const lists = fc.array(texts, { maxLength: 2 });
const files = fc.array(fc.tuple(texts, fc.nat(), fc.nat(), fc.nat()), { maxLength: 3 });

const markers = mostly({
  schema: fc.constantFrom("flavor.workenv/2", "flavor.workenv/3", "flavor.workenv/4"),
  packageId: texts,
  digest: texts,
  jsonDigest: texts,
  signer: texts,
  source: texts,
  place: texts,
  inode: fc.nat(),
  born: fc.nat(),
  seal: fc.constantFrom("valid", "invalid", "missing", "unchecked"),
  trust: fc.constantFrom("trusted", "known", "new", "anonymous", "unchecked"),
  lowest: fc.constantFrom("strict", "standard", "relaxed", "minimal", "none"),
  launch: mostly({
    package: mostly({ name: texts, version: texts }),
    execution: mostly({ primarySlot: fc.nat(2), command: fc.constant("{slot:0} a"), env: variables }),
    runtimeEnv: mostly({ unset: lists, pass: lists, map: variables, set: variables }),
    workenv: mostly({ directories: fc.constant([]), env: variables }),
    slots: fc.array(mostly({ target: texts }), { maxLength: 2 }),
    usesBun: fc.boolean(),
    eachStart: fc.boolean(),
    atEnd: fc.boolean(),
    devSlots: fc.array(fc.nat(3), { maxLength: 2 }),
  }),
  slots: fc.array(fc.nat(3), { maxLength: 2 }),
  sample: mostly({ entryPoints: files, others: files }),
  suspect: fc.boolean(),
  durable: fc.boolean(),
  bootId: texts,
  created: texts,
});

const SOUND_MARKER = {
  schema: "flavor.workenv/2",
  packageId: "0123456789abcdef",
  digest: "00",
  jsonDigest: "01",
  signer: "02",
  source: "/app.psp",
  place: "/cache/0123456789abcdef",
  inode: 5,
  born: 6.5,
  seal: "valid",
  trust: "known",
  lowest: "none",
  launch: {
    package: { name: "app", version: "1" },
    execution: { primarySlot: 0, command: "{slot:0}/run {version}", env: { A: "{workenv}" } },
    runtimeEnv: { unset: ["S_*"], pass: ["HOME"], map: { LANG: "L" }, set: { B: "1" } },
    workenv: { directories: [], env: { C: "1" } },
    slots: [{ target: "app" }],
    usesBun: false,
    eachStart: false,
    atEnd: false,
    devSlots: [],
  },
  slots: [0],
  sample: { entryPoints: [["app/run", 1, 2, 33188]], others: [["app/x", 1, 2, 33188]] },
  suspect: false,
  durable: true,
  bootId: "1",
  created: "2026-01-01T00:00:00Z",
};

const marker: Target = {
  name: "marker",
  // The command of a sound marker may name a slot that its package does not have.
  allowed: ["command-invalid"],
  structured: jsonOf(
    fc.oneof({ arbitrary: edited(SOUND_MARKER), weight: 3 }, { arbitrary: markers, weight: 1 }),
  ),
  tokens: [
    '"schema":"flavor.workenv/',
    '"launch":',
    '"sample":',
    '"slots":',
    "null",
    "{}",
    "[]",
    '"__proto__":',
  ],
  run(input) {
    const found = decodeMarker(textOf(input));
    if (found === undefined) return undefined;
    const again = decodeMarker(encodeMarker(found));
    must(
      again !== undefined && encodeMarker(again) === encodeMarker(found),
      "a marker is read as it is written",
    );
    must(
      found.sample.others.every((file) => typeof file[0] === "string"),
      "what a start looks at are paths",
    );
    useLaunchFacts(found.launch);
    return "marker";
  },
};

let shelf: WorkenvLayout | undefined;

/** The paths of an entry in a folder that goes with the process. */
function layout(): WorkenvLayout {
  if (shelf !== undefined) return shelf;
  const dir = tempDir("flavor-fuzz-");
  process.once("exit", () => dir[Symbol.dispose]());
  shelf = layoutOf(dir.path, "0123456789abcdef");
  for (const path of [shelf.files, shelf.metadata]) mkdirSync(dirname(path), { recursive: true });
  return shelf;
}

/** A target that reads a file of an entry. */
const inEntry = (
  name: string,
  pathIn: (layout: WorkenvLayout) => string,
  rest: Pick<Target, "structured" | "tokens"> & {
    readonly read: (layout: WorkenvLayout) => string | undefined;
  },
): Target => ({
  name,
  allowed: [],
  structured: rest.structured,
  tokens: rest.tokens ?? [],
  run(input: Bytes) {
    writeFileSync(pathIn(layout()), input);
    return rest.read(layout());
  },
});

const statIndex = inEntry("stat-index", ({ files: path }) => path, {
  structured: jsonOf(
    mostly({
      schema: fc.constant("flavor.files/1"),
      files: fc.array(fc.tuple(texts, fc.nat(), fc.nat(), fc.nat(), fc.integer({ min: -1, max: 3 })), {
        maxLength: 4,
      }),
    }),
  ),
  tokens: ['"files":', "[[", '["a",0,0,0,0]', "null", "1e999"],
  read(at) {
    const found = readStatIndex(at);
    must(found?.every(([path]) => isPathInside(path)) !== false, "every path lies inside");
    must(found?.every((row) => row.slice(1).every(Number.isFinite)) !== false, "every number is one");
    return found && `${found.length}`;
  },
});

const originals = inEntry("originals", ({ bookkeeping }) => `${bookkeeping}/instance/originals.json`, {
  structured: jsonOf(
    mostly({
      schema: fc.constant("flavor.originals/1"),
      name: texts,
      signer: texts,
      isPersistent: fc.boolean(),
      roots: lists,
      others: lists,
      files: fc.dictionary(texts, mostly({ id: texts, mode: fc.nat() }), { maxKeys: 2 }),
      beside: fc.dictionary(texts, texts, { maxKeys: 2 }),
      from: lists,
      taken: fc.dictionary(texts, lists, { maxKeys: 2 }),
    }),
  ),
  tokens: ['"files":', '"beside":', '"taken":', "null", "..", '"__proto__":'],
  read(at) {
    const found = readOriginals(at);
    const paths = found && [
      ...found.roots,
      ...found.others,
      ...Object.keys(found.files),
      ...Object.values(found.beside),
    ];
    must(paths?.every(isPathInside) !== false, "every path lies inside");
    return paths && `${paths.length}`;
  },
});

const startFiles = inEntry("start-files", ({ bookkeeping }) => `${bookkeeping}/instance/start.json`, {
  structured: jsonOf(
    mostly({
      schema: fc.constant("flavor.start/1"),
      state: fc.constantFrom("unused", "complete", "changing", "x"),
      paths: fc.dictionary(fc.constantFrom("0", "1", "__proto__"), lists, { maxKeys: 3 }),
    }),
  ),
  tokens: ['"paths":', '"state":', "null", "..", '"__proto__":'],
  read(at) {
    const found = readStartFiles(at);
    if (found === undefined) return undefined;
    must(["unused", "complete", "changing"].includes(found.state), "the state is one of three");
    must(Object.values(found.paths).flat().every(isPathInside), "every path lies inside");
    return found.state;
  },
});

const packageInfo = inEntry("package-info", ({ metadata }) => metadata, {
  structured: jsonOf(
    mostly({
      package: mostly({ name: texts, version: texts }),
      build: mostly({ tool: texts, tool_version: texts }),
    }),
  ),
  read(at) {
    const info = packageInfoOf(at);
    for (const text of Object.values(info))
      must(text === undefined || typeof text === "string", "all of it is text");
    return `${Object.values(info).filter((text) => text !== undefined).length}`;
  },
});

const setupChanges = inEntry("setup-changes", ({ bookkeeping }) => `${bookkeeping}/instance/setup.json`, {
  structured: jsonOf(
    mostly({
      schema: fc.constant("flavor.setup/1"),
      created: fc.constant("2026-01-01T00:00:00Z"),
      slots: fc.array(fc.nat(3), { maxLength: 2 }),
      changes: fc.dictionary(texts, texts, { maxKeys: 3 }),
    }),
  ),
  tokens: ['"slots":', '"changes":', "null", "..", '"__proto__":', "1e999"],
  read(at) {
    const found = readSetupChanges(at, { created: "2026-01-01T00:00:00Z" });
    must(found?.slots.every(Number.isSafeInteger) !== false, "slots are numbers");
    const changes = Object.entries(found?.changes ?? {});
    must(
      changes.every(([path, what]) => isPathInside(path) && typeof what === "string"),
      "every path lies inside",
    );
    return found && `${changes.length}`;
  },
});

/** Files that lie in a cache. */
export const NOTE_TARGETS: readonly Target[] = [
  marker,
  statIndex,
  originals,
  startFiles,
  packageInfo,
  setupChanges,
];
