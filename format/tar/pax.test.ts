import { expect, test } from "bun:test";
import fc from "fast-check";
import { parsePax } from "./pax.ts";
import { outcome, paxRecord } from "./testing.ts";

const parse = (text: string) => parsePax(new Uint8Array(Buffer.from(text)));

test("known records are read, others forgotten", () => {
  const text =
    paxRecord("path", "a=b\nc é") +
    paxRecord("SCHILY.xattr.user", "\u{1f4e6}") +
    paxRecord("linkpath", "l") +
    paxRecord("size", "8589934593") +
    paxRecord("mtime", "1700000000.987654321");
  expect(parse(text)).toEqual({ path: "a=b\nc é", linkpath: "l", size: 8589934593, mtime: 1700000000 });
});

test("the value of a forgotten record may be binary", () => {
  const record = Buffer.from(paxRecord("x", "??"));
  record.fill(0xff, record.length - 3, record.length - 1);
  expect(parsePax(new Uint8Array(record))).toEqual({});
});

test("an empty value takes back what was said", () => {
  const records = parse(paxRecord("path", "a") + paxRecord("path", ""));
  expect(Object.hasOwn(records, "path")).toBeTrue();
  expect(records.path).toBeUndefined();
});

test.each([
  ["-1.5", -2],
  ["0", 0],
  ["12.", 12],
])("mtime %s is %d", (text, mtime) => {
  expect(parse(paxRecord("mtime", text)).mtime).toBe(mtime);
});

test.each([
  "x",
  "9 path=a",
  "9 path=ab",
  "8 path=a\n",
  "99 path=a\n",
  "0 path=a\n",
  "-9 path=a\n",
  "010 path=ab\n1",
  " path=a\n",
  "8 patha\n",
  "10 path=a\nx",
  "\n\n\n",
  "2 \n4 a\n",
  "99999999999999999999 path=a\n",
  paxRecord("path", "a\0b"),
  paxRecord("size", "-1"),
  paxRecord("size", "1.5"),
  paxRecord("size", "9007199254740992"),
  paxRecord("size", "0x10"),
  paxRecord("mtime", "soon"),
  paxRecord("GNU.sparse.major", "1"),
])("%j is refused", async (text) => {
  expect(await outcome(() => parse(text))).toBe("archive-invalid");
});

test("what a writer says arrives, at every length", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 1100 }), (path) => {
      fc.pre(!path.includes("\0"));
      expect(parse(paxRecord("other", path) + paxRecord("path", path)).path).toBe(path);
    }),
  );
});

test("no bytes make it fail otherwise", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (bytes) => {
      expect(await outcome(() => parsePax(new Uint8Array(bytes)))).toBeOneOf(["ok", "archive-invalid"]);
    }),
  );
});
