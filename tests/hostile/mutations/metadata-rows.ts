import { type Document, document, text } from "../surgery.ts";
import type { Row } from "./row.ts";

const UNSIGNED = { code: "signature-invalid", words: "signature does not match", level: "standard" } as const;
const INVALID = "metadata-invalid";

type Steps = readonly (string | number)[];

/** Puts a value into a document, whatever was there. */
function put(into: Document, steps: Steps, value: unknown): void {
  const parent = steps.slice(0, -1).reduce((at, step) => at[step], into);
  parent[steps.at(-1) as string | number] = value;
}

/** "slots.0.id" → slots, 0, id. */
const stepsOf = (path: string): Steps =>
  path.split(".").map((step) => (/^\d+$/.test(step) ? Number(step) : step));

/**
 * Every class of member that metadata has: another value of the right form, which only the signature can tell from the
 * signed one, and a value that is none at all, with what is said of it even when its author has signed it.
 */
const MEMBERS: readonly (readonly [path: string, other: unknown, wrong?: unknown, words?: string])[] = [
  ["format", "PSPF/2025", "PSPF/2026", 'format: expected "PSPF/2025"'],
  ["format_version", "9.9.9"],
  ["package.name", "other", 7, "package.name: expected a string, got 7"],
  ["package.version", "0.0.1", null, "package.version: expected a string"],
  ["package.description", "changed", [], "package.description: expected a string, got an array"],
  ["slots.0.slot", 0, 1, "slots[0].slot: expected 0, got 1"],
  ["slots.0.id", "other", {}, "slots[0].id: expected a string, got an object"],
  ["slots.0.source", "elsewhere", 1, "slots[0].source: expected a string"],
  ["slots.0.target", "bin/other.sh", "../x", "slots[0].target: expected a path inside the workenv"],
  ["slots.0.size", 23, 1.5, "slots[0].size: expected a whole number"],
  ["slots.0.original_size", 23, -1, "slots[0].original_size: expected a whole number from 0"],
  ["slots.0.checksum", undefined, "sha256:12", 'slots[0].checksum: expected "sha256:" and 64 hex digits'],
  ["slots.0.operations", "none", "gzip|nonsense", 'the operation "nonsense" is not in the registry'],
  ["slots.0.purpose", "config", false, "slots[0].purpose: expected a string, got false"],
  ["slots.0.lifecycle", "init", 3, "slots[0].lifecycle: expected a string, got 3"],
  ["slots.0.permissions", "0777", "rwx", 'slots[0].permissions: expected octal mode bits such as "0755"'],
  ["slots.0.resolution", "runtime", 3, "slots[0].resolution: expected a string"],
  ["slots.0.platform", "windows", 3, "slots[0].platform: expected a string"],
  ["slots.5.self_ref", undefined, "yes", "slots[5].self_ref: expected true or false"],
  ["execution.command", "rm -rf {workenv}", ["sh"], "execution.command: expected a string, got an array"],
  ["execution.primary_slot", 1, "1", "execution.primary_slot: expected a whole number"],
  ["execution.env", { EVIL: "1" }, { EVIL: 1 }, "execution.env.EVIL: expected a string, got 1"],
  ["execution.environment", { EVIL: "1" }, "EVIL=1", "execution.environment: expected an object"],
  ["runtime.env.unset", ["PATH"], "PATH", "runtime.env.unset: expected an array"],
  ["runtime.env.pass", [], [0], "runtime.env.pass[0]: expected a string, got 0"],
  ["runtime.env.map", { A: "B" }, { A: null }, "runtime.env.map.A: expected a string"],
  ["runtime.env.set", { LD_PRELOAD: "/x" }, 1, "runtime.env.set: expected an object, got 1"],
  [
    "workenv.directories.0.path",
    "{workenv}/other",
    "/etc",
    "workenv.directories[0].path: expected a path inside",
  ],
  ["workenv.directories.0.mode", "0777", "99999", "workenv.directories[0].mode: expected octal mode bits"],
  ["workenv.env", { TMPDIR: "/tmp" }, [], "workenv.env: expected an object, got an array"],
  ["setup_commands.0.content", "evil", 1, "setup_commands[0].content: expected a string"],
  ["setup_commands.0.path", "{workenv}/bin/run.sh", 1, "setup_commands[0].path: expected a string"],
  ["setup_commands.1.mode", "0777", "a+w", "setup_commands[1].mode: expected octal mode bits"],
  ["setup_commands.2.command", "sh -c evil", {}, "setup_commands[2].command: expected a string"],
  [
    "setup_commands.3.enumerate",
    { path: "{workenv}", pattern: "*" },
    0,
    "setup_commands[3].enumerate: expected",
  ],
  ["setup_commands.0.type", "chmod", "download", "setup_commands[0].type: expected one of execute"],
  ["cache_validation.check_file", "/etc/passwd", 0, "cache_validation.check_file: expected a string"],
  ["cache_validation.expected_content", "", 0, "cache_validation.expected_content: expected a string"],
  ["build.tool", "flavor-python", 1, "build.tool: expected a string"],
  ["build.tool_version", "99.0", 1, "build.tool_version: expected a string"],
  ["build.timestamp", "2099-01-01T00:00:00+00:00", 1, "build.timestamp: expected a string"],
  ["build.deterministic", false, "no", "build.deterministic: expected true or false"],
  ["build.platform.os", "plan9", 1, "build.platform.os: expected a string"],
  ["launcher.tool", "other", 1, "launcher.tool: expected a string"],
  ["launcher.checksum", undefined, "md5:0", 'launcher.checksum: expected "sha256:"'],
  ["launcher.size", undefined, "large", "launcher.size: expected a whole number"],
  ["verification.signed", false],
  ["compatibility.features", ["mmap"]],
];

/** Values that are the same in other words would prove nothing. */
const SAME = new Set(["format", "slots.0.slot", "slots.0.size", "slots.0.original_size"]);

const unsignedRows: readonly Row[] = MEMBERS.flatMap(([path, other]) =>
  other === undefined || SAME.has(path)
    ? []
    : [
        {
          name: `another ${path}, not signed again`,
          change: document("nobody", (json) => put(json, stepsOf(path), other)),
          ...UNSIGNED,
        },
      ],
);

const wrongRows: readonly Row[] = MEMBERS.flatMap(([path, , wrong, words]) =>
  words === undefined
    ? []
    : [
        {
          name: `${path} that is no such thing, signed by its author`,
          change: document("the author", (json) => put(json, stepsOf(path), wrong)),
          code: INVALID,
          words,
        },
      ],
);

const bySigner = (name: string, edit: (json: Document) => void, words: string): Row => ({
  name: `${name}, signed by its author`,
  change: document("the author", edit),
  code: INVALID,
  words,
});

/** Members of the right form that contradict the rest of the package, or each other. */
const contradictions: readonly Row[] = [
  {
    name: "a slot fewer than the table has",
    change: document("the author", (json) => json.slots.pop()),
    code: "slot-table-mismatch",
    words: "it has 6 slots, the signed metadata 5",
  },
  {
    name: "a slot more than the table has",
    change: document("the author", (json) => json.slots.push({ ...json.slots[5], slot: 6 })),
    code: "slot-table-mismatch",
    words: "it has 6 slots, the signed metadata 7",
  },
  {
    name: "two slots that changed places",
    change: document("the author", ({ slots }) => {
      [slots[0].checksum, slots[1].checksum] = [slots[1].checksum, slots[0].checksum];
    }),
    code: "slot-table-mismatch",
    words: "slot 0: its checksum is not the one that was signed",
  },
  {
    name: "a checksum of other bytes",
    change: document("the author", ({ slots }) => {
      slots[0].checksum = `sha256:${slots[0].checksum.slice(7, 23)}${"0".repeat(48)}`;
    }),
    code: "slot-checksum-mismatch",
    words: "its SHA-256 is not the signed one",
  },
  {
    name: "a stored size that is not the table's",
    change: document("the author", (json) => json.slots[0].size++),
    code: "slot-table-mismatch",
    words: "slot 0: it has 23 bytes, 24 were signed",
  },
  {
    name: "an original size that is not the table's",
    change: document("the author", (json) => json.slots[1].original_size++),
    code: "slot-table-mismatch",
    words: "slot 1: it unpacks to",
  },
  {
    name: "a slot with bytes that calls itself the package",
    change: document("the author", (json) => {
      json.slots[0].self_ref = true;
    }),
    code: "layout-invalid",
    words: "slot 0 would lie at",
  },
  {
    name: "a launcher of another size",
    change: document("the author", (json) => json.launcher.size++),
    code: "launcher-checksum-mismatch",
    words: "were signed",
  },
  {
    name: "a launcher of other bytes",
    change: document("the author", (json) => {
      json.launcher.checksum = `sha256:${"0".repeat(64)}`;
    }),
    code: "launcher-checksum-mismatch",
    words: "its SHA-256 is not the signed one",
    start: { runs: "a launcher that hashed itself would ask the suspect" },
  },
  bySigner("no slots at all", (json) => delete json.slots, "slots: expected an array, got nothing"),
  bySigner("no command", (json) => delete json.execution, "execution: expected an object, got nothing"),
  bySigner("no package", (json) => delete json.package, "package: expected an object, got nothing"),
];

/** Places outside, as a target of a slot. */
const outside: readonly Row[] = [
  "../x",
  "a/../../x",
  "a/..",
  "/etc/cron.d/x",
  "{workenv}/../x",
  "{workenv}//../x",
  "a/{workenv}/x",
  "a\u0000b",
].map((target) =>
  bySigner(
    `the target ${JSON.stringify(target)}`,
    (json) => put(json, ["slots", 0, "target"], target),
    "slots[0].target: expected a path inside the workenv",
  ),
);

/** Text that a system would read up to a NUL only, names that it cannot have, and what placeholders would multiply. */
const texts: readonly Row[] = (
  [
    ["execution.command", "{workenv}/bin/run.sh a\0b", "execution.command: it contains a NUL"],
    ["execution.env", { A: "x\0y" }, "execution.env.A: it contains a NUL"],
    ["execution.env", { "A\0": "x" }, "a key that contains a NUL"],
    ["execution.env", { "A=B": "x" }, '"A=B" cannot be the name of a variable'],
    ["execution.env", { "": "x" }, '"" cannot be the name of a variable'],
    ["runtime.env.set", { "=": "x" }, '"=" cannot be the name of a variable'],
    ["runtime.env.map", { A: "B=C" }, '"B=C" cannot be the name of a variable'],
    ["workenv.env", { "A=": "x" }, '"A=" cannot be the name of a variable'],
    ["setup_commands.0.path", "{workenv}/a\0b", "setup_commands[0].path: it contains a NUL"],
    ["setup_commands.3.enumerate.pattern", "\0", "setup_commands[3].enumerate.pattern: it contains a NUL"],
    ["package.version", "1\0", "package.version: it contains a NUL"],
    ["package.name", "n".repeat(1025), "it has 1025 characters, at most 1024 are accepted"],
    ["package.version", "v".repeat(100_000), "it has 100000 characters, at most 1024 are accepted"],
    ["slots.0.target", "t/".repeat(2049), "it has 4098 characters, at most 4096 are accepted"],
  ] as const
).map(([path, value, words]) => ({
  name: `${path} of ${JSON.stringify(value).slice(0, 40)}, signed by its author`,
  change: document("the author", (json) => put(json, stepsOf(path), value)),
  code: INVALID,
  words,
}));

const largeNumbers: readonly Row[] = [
  ["size", 2 ** 53],
  ["size", 1e300],
  ["original_size", 2 ** 53],
  ["original_size", 1e21],
].map(([member, value]) =>
  bySigner(
    `a slot's ${member} of ${value}`,
    (json) => put(json, ["slots", 0, member as string], value),
    `slots[0].${member}: expected a whole number`,
  ),
);

/** Metadata that their author did not sign, or did, but should not have. */
export const METADATA_ROWS: readonly Row[] = [
  ...unsignedRows,
  ...wrongRows,
  ...contradictions,
  ...outside,
  ...texts,
  ...largeNumbers,
  {
    name: "a member that nobody knows, not signed again",
    change: document("nobody", (json) => put(json, ["x_unknown"], "evil")),
    ...UNSIGNED,
  },
  {
    name: "a blank more, not signed again",
    change: text("nobody", (json) => `${json} `),
    ...UNSIGNED,
  },
];

/** Everything is right again, but by another hand: only whoever knows the author's key sees it. */
export const STRANGER_ROWS: readonly Row[] = [
  ["another command", (json: Document) => put(json, ["execution", "env"], { MODE: "evil" })],
  ["nothing changed", () => undefined],
].map(([name, edit]) => ({
  name: `${name}, signed by a stranger`,
  change: document("a stranger", edit as (json: Document) => void),
  code: "signature-invalid",
  words: "signed by another key than the given one",
  level: "standard",
  after: "the honest package",
  start: { code: "signer-changed", words: "was signed by another key until now" },
}));
