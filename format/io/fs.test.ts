import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { failureOf } from "../../tests/support/failure.ts";
import { PspfError, renderError } from "../errors.ts";
import { doing, doingAsync, errnoOf, ioError, isNothingThere } from "./fs.ts";

const systemError = (code: string) => Object.assign(new Error(`${code}: something`), { code });

describe("a deed", () => {
  test("that succeeds gives its result", async () => {
    expect(doing("read", "x", () => 7)).toBe(7);
    expect(await doingAsync("read", "x", async () => 7)).toBe(7);
  });

  test("that fails says deed and path, and keeps its cause", async () => {
    const failure = await failureOf(() =>
      doing("read", "/no/such/file", () => readFileSync("/no/such/file")),
    );
    expect(failure).toMatchObject({ code: "io-failed", exitCode: 106, message: "Cannot read /no/such/file" });
    expect(errnoOf(failure.cause)).toBe("ENOENT");
    expect(renderError(failure)).toMatch(
      /^error: Cannot read \/no\/such\/file \[io-failed\]\n {2}caused by: .*ENOENT.*\n {2}hint: /,
    );
  });

  test("that fails later does so as well", async () => {
    const failure = await failureOf(() =>
      doingAsync("write", "x", () => Promise.reject(systemError("EROFS"))),
    );
    expect(failure).toMatchObject({ message: "Cannot write x", hint: expect.stringContaining("read-only") });
  });

  test("whose error is ours already is not wrapped", async () => {
    const own = new PspfError("path-escapes", "Cannot do it");
    const fail = () => {
      throw own;
    };
    expect(await failureOf(() => doing("write", "x", fail))).toBe(own);
    expect(await failureOf(() => doingAsync("write", "x", async () => fail()))).toBe(own);
  });
});

test.each(["ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS", "ENOENT", "ENOTDIR", "EISDIR", "EMFILE"])(
  "%s comes with advice",
  (code) => {
    expect(ioError("write", "x", systemError(code)).hint).toBeString();
  },
);

test.each([
  ["an errno without advice", systemError("EXDEV"), "EXDEV"],
  ["an error without errno", new Error("plain"), undefined],
  ["a text", "a text", undefined],
  ["nothing", undefined, undefined],
  ["null", null, undefined],
  ["a number for a code", { code: 5 }, undefined],
])("%s comes without advice", (_, cause, errno) => {
  expect(ioError("write", "x", cause)).toMatchObject({ code: "io-failed", hint: undefined });
  expect(errnoOf(cause)).toBe(errno as string);
});

test("nothing is there where there is no such name, and below a file", () => {
  const isThere = ["ENOENT", "ENOTDIR", "EACCES"].map((code) => !isNothingThere(systemError(code)));
  expect(isThere).toEqual([false, false, true]);
  expect(isNothingThere(undefined)).toBe(false);
});
