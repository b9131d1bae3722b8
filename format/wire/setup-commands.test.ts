import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Problems } from "./problems.ts";
import { parseSetupCommand } from "./setup-commands.ts";

function parsed(value: unknown) {
  const problems = new Problems();
  return { command: parseSetupCommand(value, "setup_commands[0]", problems), found: problems.found };
}

describe("what is accepted", () => {
  test.each([
    ["plain text", "echo hi", { type: "execute", command: "echo hi" }],
    ["execute", { type: "execute", command: "a b" }, { type: "execute", command: "a b" }],
    [
      "enumerate_and_execute",
      {
        type: "enumerate_and_execute",
        command: "pip install {file}",
        enumerate: { path: "wheels", pattern: "*.whl" },
      },
      {
        type: "enumerate_and_execute",
        command: "pip install {file}",
        enumerate: { path: "wheels", pattern: "*.whl" },
      },
    ],
    [
      "write_file without a mode",
      { type: "write_file", path: "x", content: "y\n" },
      { type: "write_file", path: "x", content: "y\n" },
    ],
    [
      "write_file with octal digits",
      { type: "write_file", path: "x", content: "", mode: "0640" },
      { type: "write_file", path: "x", content: "", mode: 0o640 },
    ],
    [
      "write_file with a number, as FlavorPack's Go launcher reads it",
      { type: "write_file", path: "x", content: "", mode: 493 },
      { type: "write_file", path: "x", content: "", mode: 0o755 },
    ],
    ["chmod", { type: "chmod", path: "bin/x", mode: "755" }, { type: "chmod", path: "bin/x", mode: 0o755 }],
    ["chmod without a mode", { type: "chmod", path: "bin/x" }, { type: "chmod", path: "bin/x", mode: 0o700 }],
    [
      "members that nobody reads",
      { type: "execute", command: "a", comment: "because" },
      { type: "execute", command: "a" },
    ],
  ] as const)("%s", (_, value, command) => {
    expect(parsed(value)).toEqual({ command: command as never, found: [] });
  });
});

const at = "setup_commands[0]";
const TYPES = "one of execute, enumerate_and_execute, write_file, chmod";

describe("what is refused, line by line", () => {
  test.each([
    [
      7,
      [
        `${at}: expected an object, got 7`,
        `${at}.type: expected ${TYPES}, got nothing`,
        `${at}.command: expected a string, got nothing`,
      ],
    ],
    [
      ["execute"],
      [
        `${at}: expected an object, got an array`,
        `${at}.type: expected ${TYPES}, got nothing`,
        `${at}.command: expected a string, got nothing`,
      ],
    ],
    [{ type: "execute" }, [`${at}.command: expected a string, got nothing`]],
    [{ type: "execute", command: ["ls"] }, [`${at}.command: expected a string, got an array`]],
    [{ type: "shell", command: "ls" }, [`${at}.type: expected ${TYPES}, got "shell"`]],
    [{ type: "EXECUTE", command: "ls" }, [`${at}.type: expected ${TYPES}, got "EXECUTE"`]],
    [{ command: "ls" }, [`${at}.type: expected ${TYPES}, got nothing`]],
    [
      { type: "enumerate_and_execute", command: "ls" },
      [
        `${at}.enumerate: expected an object, got nothing`,
        `${at}.enumerate.path: expected a string, got nothing`,
        `${at}.enumerate.pattern: expected a string, got nothing`,
      ],
    ],
    [
      { type: "enumerate_and_execute", enumerate: { path: 1, pattern: null } },
      [
        `${at}.command: expected a string, got nothing`,
        `${at}.enumerate.path: expected a string, got 1`,
        `${at}.enumerate.pattern: expected a string, got null`,
      ],
    ],
    [
      { type: "write_file", path: "x", content: "y", mode: "rwx" },
      [`${at}.mode: expected octal mode bits such as "0755", got "rwx"`],
    ],
    [
      { type: "write_file" },
      [`${at}.path: expected a string, got nothing`, `${at}.content: expected a string, got nothing`],
    ],
    [
      { type: "chmod", path: "x", mode: 0o10000 },
      [`${at}.mode: expected octal mode bits such as "0755", got 4096`],
    ],
  ] as readonly (readonly [unknown, readonly string[]])[])("%j", (value, lines) => {
    expect(parsed(value).found).toEqual([...lines]);
  });

  test("any JSON value is a command or a problem, never a failure", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const { found } = parsed(value);
        expect(found.length > 0).toBe(typeof value !== "string");
      }),
    );
  });
});
