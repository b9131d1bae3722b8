import { paxRecord, rawArchive, type rawEntry } from "../../../format/tar/testing.ts";
import type { Attack, Ending } from "./row.ts";

const ESCAPES = "path-escapes";
const INVALID = "archive-invalid";

type Entry = Parameters<typeof rawEntry>[0];

const link = (name: string, linkName: string) => ({ name, type: "2", linkName }) as const;
const hard = (name: string, linkName: string) => ({ name, type: "1", linkName }) as const;
const folder = (name: string, mode = 0o755) => ({ name, type: "5", mode }) as const;

const links = (
  name: string,
  posix: Ending,
  entries: readonly Entry[],
  rest: Partial<Attack> = {},
): Attack => ({
  name,
  archive: () => rawArchive(...entries),
  posix,
  ...rest,
});

/** Targets that a link may not have, wherever it is. */
const OUTSIDE = [
  "..",
  "../..",
  "../witness",
  "../../../etc/passwd",
  "/",
  "/etc/passwd",
  "a/../../witness",
  "./../witness",
  "a/..",
  "//x",
];

const outside: readonly Attack[] = [
  ...OUTSIDE.map((target) => links(`a link to ${JSON.stringify(target)}`, ESCAPES, [link("l", target)])),
  links("a link that climbs one step too far", ESCAPES, [link("a/b/l", "../../../witness")]),
  links("a link that climbs as far as it may", "harmless", [link("a/b/l", "../../x")], {
    becomes: { a: "755/", "a/b": "755/", "a/b/l": "-> ../../x" },
  }),
  {
    name: "a link to the absolute path of the witness",
    archive: (around) =>
      rawArchive(
        { name: "x", type: "x", body: paxRecord("linkpath", `${around}/witness`) },
        link("l", "good"),
      ),
    posix: ESCAPES,
  },
  {
    name: "a long link target of GNU that climbs",
    archive: () => rawArchive({ name: "x", type: "K", body: "../witness\0" }, link("l", "good")),
    posix: ESCAPES,
  },
  {
    name: "a link target for all that climbs",
    archive: () =>
      rawArchive({ name: "x", type: "g", body: paxRecord("linkpath", "../witness") }, link("l", "good")),
    posix: ESCAPES,
  },
  {
    name: "a NUL in a link target",
    archive: () =>
      rawArchive({ name: "x", type: "x", body: paxRecord("linkpath", "a\0b") }, link("l", "good")),
    posix: INVALID,
  },
  links("a link to nothing", ESCAPES, [link("l", "")]),
  links("a link to a name that Windows reserves", "harmless", [link("l", "sub/NUL")], { windows: ESCAPES }),
  links("a link with a drive letter", "harmless", [link("l", "C:/Windows")], { windows: ESCAPES }),
  links("a link with backslashes", "harmless", [link("l", "..\\..\\witness")], { windows: ESCAPES }),
];

/** Links that lead on to other links. */
const chains: readonly Attack[] = [
  links("a chain whose last link climbs", ESCAPES, [link("a", "b"), link("b", "c"), link("c", "../x")]),
  links("a chain that climbs behind a link", ESCAPES, [
    folder("d/"),
    link("d/up", ".."),
    link("l", "d/up/../x"),
  ]),
  links("a chain that comes back", "harmless", [link("a", "b"), link("b", "a")], {
    becomes: { a: "-> b", b: "-> a" },
  }),
  links("a link to itself, then a file through it", ESCAPES, [link("a", "a"), { name: "a/x" }]),
  links("a link to the workenv from below, then through it", ESCAPES, [
    link("d/up", ".."),
    { name: "d/up/x" },
  ]),
  links(
    "links through links that stay inside",
    "harmless",
    [link("d/up", ".."), link("m", "d/up"), link("n", "m/x")],
    {
      becomes: { d: "755/", "d/up": "-> ..", m: "-> d/up", n: "-> m/x" },
    },
  ),
];

/** Entries behind a link, which would go wherever it leads. */
const through: readonly Attack[] = [
  links("a file through a link", ESCAPES, [folder("d/"), link("l", "d"), { name: "l/evil" }]),
  links("a folder through a link", ESCAPES, [folder("d/"), link("l", "d"), folder("l/evil/")]),
  links("a link through a link", ESCAPES, [folder("d/"), link("l", "d"), link("l/evil", "x")]),
  links("a hard link through a link", ESCAPES, [
    { name: "x" },
    folder("d/"),
    link("l", "d"),
    hard("l/evil", "x"),
  ]),
  links("a file through a link to nothing", ESCAPES, [link("l", "missing"), { name: "l/evil" }]),
  links("a file through a link to a file", ESCAPES, [{ name: "f" }, link("l", "f"), { name: "l/evil" }]),
  links("a file through a link in the middle", ESCAPES, [
    folder("a/b/"),
    link("a/l", "b"),
    { name: "a/l/c/d" },
  ]),
  links("the mode of what a link leads to", ESCAPES, [
    folder("d/", 0o700),
    link("l", "d"),
    folder("l/", 0o777),
  ]),
  links("a folder where a link was", ESCAPES, [link("l", "missing"), folder("l/")]),
  links(
    "a file where a link was",
    "harmless",
    [{ name: "f", body: "1" }, link("l", "f"), { name: "l", body: "2" }],
    {
      becomes: { f: "644 1", l: "644 2" },
    },
  ),
  links("a link where a file was", "harmless", [{ name: "f", body: "1" }, link("f", "g")], {
    becomes: { f: "-> g" },
  }),
  links("a link where a link was", "harmless", [link("l", "a"), link("l", "b")], { becomes: { l: "-> b" } }),
  links("a file where a folder was", INVALID, [folder("a/"), { name: "a" }]),
  links("a file where a folder with files was", INVALID, [{ name: "a/x" }, { name: "a" }]),
  links("a link where a folder was", INVALID, [folder("a/"), link("a", "b")]),
  links("a folder where a file was", INVALID, [{ name: "a" }, folder("a/")]),
  links(
    "names that steer a terminal, a file where a folder was",
    INVALID,
    [folder("\u001b[2J\u001b]0;evil\u0007/"), { name: "\u001b[2J\u001b]0;evil\u0007" }],
    { windows: ESCAPES },
  ),
  links("a file below a file", INVALID, [{ name: "a" }, { name: "a/b" }]),
];

const hardLinks: readonly Attack[] = [
  ...["../witness", "/etc/passwd", "a/../../witness"].map((target) =>
    links(`a hard link to ${JSON.stringify(target)}`, ESCAPES, [hard("h", target)]),
  ),
  {
    name: "a hard link to the absolute path of the witness",
    archive: (around) =>
      rawArchive(
        { name: "x", type: "x", body: paxRecord("linkpath", `${around}/witness`) },
        hard("h", "good"),
      ),
    posix: ESCAPES,
  },
  links("a hard link to a link", INVALID, [link("l", "x"), hard("h", "l")]),
  links("a hard link behind a link", INVALID, [{ name: "d/f" }, link("l", "d"), hard("h", "l/f")]),
  links("a hard link to a folder", INVALID, [folder("d/"), hard("h", "d")]),
  links("a hard link to what is not there", INVALID, [hard("h", "missing")]),
  links("a hard link to what comes later", INVALID, [hard("h", "f"), { name: "f" }]),
  links("a hard link to what became a link", INVALID, [{ name: "f" }, link("f", "g"), hard("h", "f")]),
  links("a hard link to itself", INVALID, [hard("h", "h")]),
  links("a hard link with contents", INVALID, [
    { name: "f", body: "1" },
    { ...hard("h", "f"), body: "2" },
  ]),
  links("a hard link with an empty target", INVALID, [hard("h", "")]),
  links(
    "a hard link that is written to",
    "harmless",
    [{ name: "f", body: "1" }, hard("h", "f"), { name: "h", body: "2" }],
    {
      becomes: { f: "644 1", h: "644 2" },
    },
  ),
];

export const LINK_ATTACKS: readonly Attack[] = [...outside, ...chains, ...through, ...hardLinks];
