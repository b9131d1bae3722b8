import { concat, END, paxRecord, rawArchive, rawEntry } from "../../../format/tar/testing.ts";
import type { Attack, Ending } from "./row.ts";

const INVALID = "archive-invalid";

type Entry = Parameters<typeof rawEntry>[0];

const entries = (
  name: string,
  posix: Ending,
  list: readonly Entry[],
  rest: Partial<Attack> = {},
): Attack => ({
  name,
  archive: () => rawArchive(...list),
  posix,
  ...rest,
});

/** Type flags of what is neither a file, a folder nor a link. */
const types: readonly Attack[] = (
  [
    ["3", "a character device"],
    ["4", "a block device"],
    ["6", "a fifo"],
    ["A", "an access control list of Solaris"],
    ["D", "a dumped folder of GNU"],
    ["M", "a continued file of GNU"],
    ["N", "a list of long names of GNU"],
    ["S", "a sparse file of GNU"],
    ["V", "a volume label of GNU"],
    ["Z", "a type that nobody knows"],
    ["\x01", "a type that is no letter"],
  ] as const
).map(([type, name]) => entries(name, INVALID, [{ name: "evil", type }]));

const modes: readonly Attack[] = [
  ...([0o4755, 0o2755, 0o1755, 0o7777] as const).map((mode) =>
    entries(`a file of mode ${mode.toString(8)}`, "harmless", [{ name: "f", mode }], {
      becomes: { f: `${(mode & 0o777).toString(8)} ` },
    }),
  ),
  ...([0o4755, 0o2777, 0o1777] as const).map((mode) =>
    entries(`a folder of mode ${mode.toString(8)}`, "harmless", [{ name: "d/", type: "5", mode }], {
      becomes: { d: `${(mode & 0o777).toString(8)}/` },
    }),
  ),
  entries(
    "a hard link to a file that would be set-user-id",
    "harmless",
    [
      { name: "f", mode: 0o4755 },
      { name: "h", type: "1", linkName: "f" },
    ],
    { becomes: { f: "755 ", h: "755 " } },
  ),
  entries("a mode with more bits than there are", "harmless", [{ name: "f", patch: { 100: "7777755\0" } }], {
    becomes: { f: "755 " },
  }),
  entries(
    "a folder that nobody could enter, with a file in it",
    "harmless",
    [
      { name: "d/", type: "5", mode: 0o000 },
      { name: "d/f", body: "1", mode: 0o400 },
    ],
    { becomes: { d: "700/", "d/f": "400 1" } },
  ),
  entries(
    "a read-only folder, with a file in it",
    "harmless",
    [
      { name: "d/", type: "5", mode: 0o555 },
      { name: "d/f", body: "1" },
    ],
    { becomes: { d: "555/", "d/f": "644 1" } },
  ),
];

const pax = (name: string, body: string, posix: Ending = INVALID, rest: Partial<Attack> = {}): Attack =>
  entries(
    `a pax header with ${name}`,
    posix,
    [
      { name: "x", type: "x", body },
      { name: "f", body: "1" },
    ],
    rest,
  );

const paxHeaders: readonly Attack[] = [
  ...[
    "GNU.sparse.major",
    "GNU.sparse.map",
    "GNU.sparse.realsize",
    "GNU.sparse.name",
    "GNU.sparse.numblocks",
  ].map((key) => pax(key, paxRecord(key, "1"))),
  pax("a record that is too long", "99 path=evil\n"),
  pax("a record that is too short", "5 path=evil\n"),
  pax("a record of length 0", "0 path=evil\n"),
  pax("a record of negative length", "-9 path=evil\n"),
  pax("a record of length 2^53", "9007199254740992 path=evil\n"),
  pax("a record without an end", "11 path=evil"),
  pax("a record without a value", "8 path \n"),
  pax("no record at all", "nonsense"),
  pax("a size past 2^53", paxRecord("size", "9007199254740993")),
  pax("a size of eight exabytes", paxRecord("size", "8000000000000000000")),
  pax("a negative size", paxRecord("size", "-1")),
  pax("a size in another base", paxRecord("size", "0x10")),
  pax("a size that reaches over the next entry", paxRecord("size", "1536")),
  pax("a size of a terabyte", paxRecord("size", "1099511627776")),
  pax("a time that is none", paxRecord("mtime", "now")),
  pax("a path that is not UTF-8", "9 path=\u00ff\n"),
  pax("an empty path, which takes back nothing", paxRecord("path", ""), "harmless", {
    becomes: { f: "644 1" },
  }),
  pax(
    "an owner and capabilities",
    paxRecord("uid", "0") + paxRecord("uname", "root") + paxRecord("SCHILY.xattr.security.capability", "x"),
    "harmless",
    {
      becomes: { f: "644 1" },
    },
  ),
  pax(
    "a device of a disk",
    paxRecord("SCHILY.devmajor", "8") + paxRecord("SCHILY.devminor", "0"),
    "harmless",
    {
      becomes: { f: "644 1" },
    },
  ),
  entries("a size for a folder", INVALID, [
    { name: "x", type: "x", body: paxRecord("size", "512") },
    { name: "d/", type: "5" },
    { name: "hidden" },
  ]),
  entries("a folder with contents", INVALID, [{ name: "d/", type: "5", body: "x" }]),
  entries("a link with contents", INVALID, [{ name: "l", type: "2", linkName: "x", body: "x" }]),
  entries("a pax header that nothing follows", INVALID, [
    { name: "x", type: "x", body: paxRecord("path", "evil") },
  ]),
  entries("a pax header of more than 1 MiB", INVALID, [
    { name: "x", type: "x", body: paxRecord("comment", "c".repeat(1024 * 1024)) },
    { name: "f" },
  ]),
  entries("a long name of more than 1 MiB", INVALID, [
    { name: "x", type: "L", body: "n".repeat(1024 * 1024 + 1) },
    { name: "f" },
  ]),
  entries("a pax header that says to have a gigabyte", INVALID, [
    { name: "x", type: "x", size: 1024 ** 3 },
    { name: "f" },
  ]),
];

const numbers: readonly Attack[] = [
  entries("a wrong checksum", INVALID, [{ name: "f", checksum: () => "000000\0 " }]),
  entries("a size that is not octal", INVALID, [{ name: "f", patch: { 124: "0000000000x\0" } }]),
  entries("a negative size", INVALID, [{ name: "f", patch: { 124: "\xff".repeat(12) } }]),
  entries("a size past 2^53", INVALID, [
    { name: "f", patch: { 124: `\x80${"\0".repeat(3)}\x7f${"\xff".repeat(7)}` } },
  ]),
  entries("a size of a terabyte", INVALID, [
    { name: "f", patch: { 124: `\x80${"\0".repeat(5)}\x01${"\0".repeat(5)}` } },
  ]),
  entries("a time past 2^53", INVALID, [{ name: "f", patch: { 136: `\x80${"\xff".repeat(11)}` } }]),
  entries("a time before all times", "harmless", [{ name: "f", patch: { 136: "\xff".repeat(12) } }], {
    becomes: { f: "644 " },
  }),
  {
    name: "one block of zeros, then an entry",
    archive: () => concat([new Uint8Array(512), rawArchive({ name: "f" })]),
    posix: INVALID,
  },
  {
    name: "an entry behind the end",
    archive: () => concat([rawArchive({ name: "f" }), rawArchive({ name: "../evil" })]),
    posix: INVALID,
  },
  {
    name: "something behind the end",
    archive: () => concat([rawArchive({ name: "f" }), new Uint8Array(512).fill(1)]),
    posix: INVALID,
  },
  {
    name: "more zeros behind the end than any tool writes",
    archive: () => concat([rawArchive({ name: "f" }), new Uint8Array(2 * 1024 * 1024)]),
    posix: INVALID,
  },
  { name: "no end", archive: () => rawEntry({ name: "f", body: "1" }), posix: INVALID },
  { name: "half an end", archive: () => concat([rawEntry({ name: "f" }), END.slice(512)]), posix: INVALID },
  {
    name: "an entry that breaks off",
    archive: () => rawEntry({ name: "f", body: "1".repeat(2000) }).slice(0, 1024),
    posix: INVALID,
  },
  { name: "nothing", archive: () => new Uint8Array(), posix: INVALID },
];

export const HEADER_ATTACKS: readonly Attack[] = [...types, ...modes, ...paxHeaders, ...numbers];
