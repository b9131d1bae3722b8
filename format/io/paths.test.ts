import { describe, expect, test } from "bun:test";
import { isAbsolute, join, relative, sep } from "node:path";
import fc from "fast-check";
import { failureOf } from "../../tests/support/failure.ts";
import { PspfError } from "../errors.ts";
import { faultOfName, resolveInside } from "./paths.ts";

const POSIX = { windows: false };
const WINDOWS = { windows: true };
const ROOT = join(sep, "cache", "root");

test.each([
  ["", ROOT],
  [".", ROOT],
  ["./", ROOT],
  ["a", join(ROOT, "a")],
  ["a/b/c", join(ROOT, "a", "b", "c")],
  ["./a//b/./c/", join(ROOT, "a", "b", "c")],
  ["..a/b..", join(ROOT, "..a", "b..")],
  ["...", join(ROOT, "...")],
  ["a b/ü/😀", join(ROOT, "a b", "ü", "😀")],
  ["~", join(ROOT, "~")],
  ["$HOME", join(ROOT, "$HOME")],
  ["-rf", join(ROOT, "-rf")],
])("%j is inside", (name, path) => {
  expect(resolveInside(ROOT, name, POSIX) as string).toBe(path);
});

const ATTACKS = [
  "..",
  "../x",
  "../../etc/passwd",
  "a/..",
  "a/../b",
  "a/../../x",
  "./../x",
  "a/./../../x",
  "../root/x",
  "../root-beside",
  "/",
  "/etc/passwd",
  "//etc/passwd",
  "a\0b",
  "\0",
  "../\0",
  "a\ud800",
  "\udc00/b",
];

test.each(ATTACKS)("%j is refused everywhere", async (name) => {
  for (const rules of [POSIX, WINDOWS])
    expect(await failureOf(() => resolveInside(ROOT, name, rules))).toMatchObject({
      code: "path-escapes",
      exitCode: 103,
    });
});

const WINDOWS_ATTACKS = [
  "C:/x",
  "C:x",
  "c:",
  "a/C:/x",
  "\\x",
  "..\\x",
  "a\\..\\..\\x",
  "\\\\server\\share\\x",
  "\\\\?\\C:\\x",
  "file.txt:stream",
  "CON",
  "con",
  "a/NUL",
  "nul.txt",
  "Aux.tar.gz",
  "COM1",
  "CONIN$",
  "conout$.txt",
  "nul .txt",
  "COM1 ",
  "a\tb",
  "a/\u0001",
  "lpt9.log",
  "com¹",
  "x.",
  "x ",
  "a./b",
  "a /b",
  "...",
  "a<b",
  "a>b",
  'a"b',
  "a|b",
  "a?b",
  "a*b",
];

test.each(WINDOWS_ATTACKS)(
  "%j is refused where Windows reads it differently, and is a name elsewhere",
  async (name) => {
    expect((await failureOf(() => resolveInside(ROOT, name, WINDOWS))).code).toBe("path-escapes");
    expect(faultOfName(name, POSIX)).toBeUndefined();
  },
);

test.each(["console", "com", "com10", "nulls", "aux-file", "a.con", ".hidden", "a/./b"])(
  "%j is a name on Windows, too",
  (name) => {
    expect(faultOfName(name, WINDOWS)).toBeUndefined();
  },
);

test("a message is one line, whatever the name", async () => {
  const { message } = await failureOf(() => resolveInside(ROOT, "../\n\u001b[31mred", POSIX));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  expect(message).not.toMatch(/[\n\u001b]/);
});

describe("whatever the name", () => {
  const part = fc.oneof(
    fc.constantFrom("..", ".", "", "...", "a", "root", "C:", "..\\", "\\", "\0", "nul", "a.", " "),
    fc.string({ unit: "binary", maxLength: 6 }),
  );
  const name = fc.array(part, { maxLength: 6 }).map((parts) => parts.join("/"));
  const root = fc.constantFrom(ROOT, `${ROOT}${sep}`, sep, join(sep, "a b", "..c"));

  test("the result is inside the root, or there is none", () => {
    fc.assert(
      fc.property(root, name, fc.constantFrom(POSIX, WINDOWS), (base, untrusted, rules) => {
        let path: string;
        try {
          path = resolveInside(base, untrusted, rules);
        } catch (error) {
          if (!(error instanceof PspfError)) throw error;
          expect(error.code).toBe("path-escapes");
          return;
        }
        const back = relative(base, path);
        expect(isAbsolute(path)).toBe(true);
        expect(back.split(sep)[0]).not.toBe("..");
        expect(isAbsolute(back)).toBe(false);
        expect(path).not.toContain("\0");
      }),
      { numRuns: 2000 },
    );
  });
});
