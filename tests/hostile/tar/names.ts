import { paxRecord, rawArchive } from "../../../format/tar/testing.ts";
import type { Attack, Ending } from "./row.ts";

/** Every way that a tar archive has to name an entry. */
const NAMED = {
  "a file": (name: string) => rawArchive({ name, body: "evil" }),
  "a folder": (name: string) => rawArchive({ name: name.endsWith("/") ? name : `${name}/`, type: "5" }),
  "a link": (name: string) => rawArchive({ name, type: "2", linkName: "x" }),
  "a hard link": (name: string) => rawArchive({ name: "x" }, { name, type: "1", linkName: "x" }),
  "a pax path": (name: string) =>
    rawArchive({ name: "x", type: "x", body: paxRecord("path", name) }, { name: "good", body: "evil" }),
  "a pax path for all": (name: string) =>
    rawArchive({ name: "x", type: "g", body: paxRecord("path", name) }, { name: "good", body: "evil" }),
  "a long name of GNU": (name: string) =>
    rawArchive({ name: "x", type: "L", body: `${name}\0` }, { name: "good", body: "evil" }),
} as const;

type Kind = keyof typeof NAMED;

const named = (kind: Kind, name: string, posix: Ending, others: Partial<Attack> = {}): Attack => ({
  name: `${kind} called ${JSON.stringify(name)}`,
  archive: () => NAMED[kind](name),
  posix,
  ...others,
});

const ESCAPES = "path-escapes";
const KINDS = Object.keys(NAMED) as readonly Kind[];

/** Refused everywhere. */
const everywhere: readonly Attack[] = [
  ...KINDS.flatMap((kind) => [named(kind, "../evil", ESCAPES), named(kind, "/evil", ESCAPES)]),
  ...["..", "a/..", "a/../evil", "a/../../evil", "./../evil", "a/./../../evil", "//evil", "../root/x"].map(
    (name) => named("a file", name, ESCAPES),
  ),
  {
    name: "a prefix that climbs",
    archive: () => rawArchive({ name: "evil", prefix: "a/../.." }),
    posix: ESCAPES,
  },
  {
    name: "an absolute prefix",
    archive: () => rawArchive({ name: "evil", prefix: "/tmp" }),
    posix: ESCAPES,
  },
  {
    name: "the absolute path of the witness",
    archive: (outside) =>
      rawArchive({ name: "x", type: "x", body: paxRecord("path", `${outside}/witness`) }, { name: "x" }),
    posix: ESCAPES,
  },
  {
    name: "the absolute path of the workenv's own file",
    archive: (outside) =>
      rawArchive({ name: "x", type: "x", body: paxRecord("path", `${outside}/root/x`) }, { name: "x" }),
    posix: ESCAPES,
  },
  {
    name: "a NUL in a pax path",
    archive: () =>
      rawArchive({ name: "x", type: "x", body: paxRecord("path", "good\0/../evil") }, { name: "x" }),
    posix: "archive-invalid",
  },
  {
    name: "a path behind a NUL in a name",
    archive: () => rawArchive({ name: "good\0/../evil", body: "1" }),
    posix: "harmless",
    becomes: { good: "644 1" },
  },
  {
    name: "a path behind a NUL in a long name",
    archive: () => rawArchive({ name: "x", type: "L", body: "good\0../evil\0" }, { name: "x", body: "1" }),
    posix: "harmless",
    becomes: { good: "644 1" },
  },
  {
    name: "a name that is not UTF-8",
    archive: () => rawArchive({ name: "evil", patch: { 0: "\xff\xfe" } }),
    posix: "archive-invalid",
  },
  {
    name: "a name in overlong UTF-8, where ../ could hide",
    archive: () => rawArchive({ name: "evilevil", patch: { 0: "\xc0\xae\xc0\xae\xc0\xaf" } }),
    posix: "archive-invalid",
  },
  {
    name: "half a surrogate pair in UTF-8",
    archive: () => rawArchive({ name: "evil", patch: { 0: "\xed\xa0\x80" } }),
    posix: "archive-invalid",
  },
  { name: "no name", archive: () => rawArchive({ name: "" }), posix: "archive-invalid" },
  {
    name: "the workenv itself as a file",
    archive: () => rawArchive({ name: "." }),
    posix: "archive-invalid",
  },
  {
    name: "the workenv itself as a link",
    archive: () => rawArchive({ name: "./", type: "2", linkName: "x" }),
    posix: ESCAPES,
  },
  {
    name: "the mode of the workenv itself",
    archive: () => rawArchive({ name: "./", type: "5", mode: 0o777 }),
    posix: "harmless",
    becomes: {},
  },
  {
    name: "257 levels",
    archive: () =>
      rawArchive({ name: "x", type: "x", body: paxRecord("path", `${"d/".repeat(256)}f`) }, { name: "x" }),
    posix: "archive-invalid",
  },
  {
    name: "a path of 4097 characters",
    archive: () =>
      rawArchive(
        { name: "x", type: "x", body: paxRecord("path", `${"d".repeat(200)}/`.repeat(20) + "f".repeat(77)) },
        { name: "x" },
      ),
    posix: "archive-invalid",
  },
];

/** Names that mean something else to Windows, and are just names elsewhere. */
const ON_WINDOWS = [
  ["drive letters", ["C:/evil", "C:evil", "c:", "a/C:/evil", "\\C:\\evil"]],
  ["UNC", ["\\\\server\\share\\evil", "\\\\?\\C:\\evil", "\\\\.\\PhysicalDrive0", "\\??\\C:\\evil"]],
  ["backslashes", ["..\\evil", "a\\..\\..\\evil", "\\evil", "a/..\\..\\evil"]],
  [
    "reserved names",
    [
      "CON",
      "nul",
      "PRN.txt",
      "Aux.tar.gz",
      "COM1.txt",
      "lpt9",
      "com¹",
      "CONIN$",
      "conout$.x",
      "nul .txt",
      "a/aux/b",
      "COM0",
    ],
  ],
  ["trailing dots and blanks", ["x.", "x ", "a./b", "a /b", "...", "x. .", "..."]],
  ["alternate data streams", ["a:b", "a.txt::$DATA", "dir:stream/x", "x:$I30:$INDEX_ALLOCATION"]],
  ["characters that it does not allow", ["a<b", "a|b", "a?", "*", 'a"b', "a\tb", "a\u0001b"]],
] as const;

const onWindows: readonly Attack[] = ON_WINDOWS.flatMap(([what, names]) =>
  [...new Set<string>(names)].map((name) => ({
    ...named("a file", name, "harmless", { windows: ESCAPES }),
    name: `${what}: ${JSON.stringify(name)}`,
  })),
);

const hiddenOnWindows: readonly Attack[] = KINDS.map((kind) =>
  named(kind, "sub/NUL.txt", "harmless", { windows: ESCAPES }),
);

const CLASH = "archive-invalid";
const folding = (name: string, archive: Attack["archive"], becomes: Attack["becomes"]): Attack => ({
  name: `two names where names fold: ${name}`,
  archive,
  posix: "harmless",
  windows: CLASH,
  mac: CLASH,
  ...(becomes === undefined ? {} : { becomes }),
});

const pair = (a: string, b: string): Attack =>
  folding(
    JSON.stringify([a, b]),
    () => rawArchive({ name: a, body: "1" }, { name: b, body: "2" }),
    undefined,
  );

/** Entries that only some disks keep apart. */
const collisions: readonly Attack[] = [
  pair("run.sh", "RUN.SH"),
  pair("é", "e\u0301"),
  pair("É", "e\u0301"),
  pair("\u212b", "å"),
  pair("k", "\u212a"),
  pair("a/b/C/x", "a/B/c/y"),
  pair("\u1e9b\u0323", "\u017f\u0323\u0307"),
  folding(
    "a file, and a folder around another",
    () => rawArchive({ name: "data", body: "1" }, { name: "Data/x", body: "2" }),
    { data: "644 1", Data: "755/", "Data/x": "644 2" },
  ),
  folding(
    "two folders",
    () => rawArchive({ name: "lib/", type: "5" }, { name: "LIB/", type: "5", mode: 0o777 }),
    { lib: "644/", LIB: "777/" },
  ),
  {
    ...folding(
      "a link, then a file through it",
      () =>
        rawArchive(
          { name: "d/", type: "5" },
          { name: "L", type: "2", linkName: "d" },
          { name: "l/evil", body: "1" },
        ),
      { d: "644/", L: "-> d", l: "755/", "l/evil": "644 1" },
    ),
  },
  folding(
    "a hard link to what became a link",
    () =>
      rawArchive(
        { name: "A", body: "1" },
        { name: "a", type: "2", linkName: "secret" },
        { name: "copy", type: "1", linkName: "A" },
      ),
    { A: "644 1", a: "-> secret", copy: "644 1" },
  ),
  {
    name: "two names that no disk takes for one",
    archive: () =>
      rawArchive(
        { name: "straße", body: "1" },
        { name: "strasse", body: "2" },
        { name: "ﬁ", body: "3" },
        { name: "fi", body: "4" },
      ),
    posix: "harmless",
  },
];

export const NAME_ATTACKS: readonly Attack[] = [
  ...everywhere,
  ...onWindows,
  ...hiddenOnWindows,
  ...collisions,
];
