import { describe, expect, test } from "bun:test";
import type { RuntimeEnv } from "../wire/metadata-types.ts";
import { applyRuntimeEnv, childEnvironment } from "./environment.ts";
import type { Scope } from "./template.ts";

const NONE: RuntimeEnv = { unset: [], pass: [], map: {}, set: {} };
const UNIX = { windows: false };
const WINDOWS = { windows: true };
const PARENT = {
  HOME: "/h",
  USER: "u",
  PATH: "/bin",
  SECRET_KEY: "s",
  SECRET_TOKEN: "t",
  LC_ALL: "C",
  LC_TIME: "de",
};

const names = (env: object) => Object.keys(env).sort();
const without = (...gone: string[]) => names(PARENT).filter((name) => !gone.includes(name));

describe("unset", () => {
  test.each([
    ["nothing", [], without()],
    ["an exact name", ["USER"], without("USER")],
    ["a name that is not there", ["NOBODY"], without()],
    ["a glob at the end", ["SECRET_*"], without("SECRET_KEY", "SECRET_TOKEN")],
    ["a glob at the start", ["*_KEY"], without("SECRET_KEY")],
    ["a glob in the middle", ["SECRET*KEY"], without("SECRET_KEY")],
    ["a question mark for one character", ["USE?"], without("USER")],
    ["a question mark for none does not match", ["USER?"], without()],
    ["a set", ["LC_[AT]*"], without("LC_ALL", "LC_TIME")],
    ["a set that excludes", ["LC_[!A]*"], without("LC_TIME")],
    ["several", ["USER", "LC_*"], without("USER", "LC_ALL", "LC_TIME")],
    ["everything", ["*"], []],
    ["another case is another name", ["user", "secret_*"], without()],
    ["a dot is a dot", ["U.ER"], without()],
  ])("%s", (_, unset, left) => {
    expect(names(applyRuntimeEnv(PARENT, { ...NONE, unset }, UNIX))).toEqual(left);
  });
});

describe("pass protects from unset", () => {
  test.each([
    ["an exact name", ["*"], ["HOME"], ["HOME"]],
    ["a glob", ["*"], ["LC_*"], ["LC_ALL", "LC_TIME"]],
    ["a question mark", ["*"], ["USE?"], ["USER"]],
    ["everything", ["*"], ["*"], without()],
    ["against an exact name", ["HOME"], ["HOME"], without()],
    ["against a glob", ["SECRET_*"], ["SECRET_TOKEN"], without("SECRET_KEY")],
    ["a name that is not there makes none", ["*"], ["NOBODY"], []],
    ["without unset it does nothing", [], ["HOME"], without()],
  ])("%s", (_, unset, pass, left) => {
    expect(names(applyRuntimeEnv(PARENT, { ...NONE, unset, pass }, UNIX))).toEqual(left);
  });
});

describe("map renames", () => {
  const mapped = (map: Record<string, string>, more: Partial<RuntimeEnv> = {}) =>
    applyRuntimeEnv(PARENT, { ...NONE, ...more, map }, UNIX);

  test("the value moves", () => {
    const { USER: _, ...rest } = PARENT;
    expect(mapped({ USER: "OWNER" })).toEqual({ ...rest, OWNER: "u" });
  });
  test("over what was there", () => {
    expect(mapped({ USER: "HOME" })).toMatchObject({ HOME: "u" });
  });
  test("nothing, when there is nothing", () => {
    expect(mapped({ NOBODY: "SOMEBODY" })).toEqual(PARENT);
  });
  test("nothing that was unset before", () => {
    expect(mapped({ USER: "OWNER" }, { unset: ["USER"] })).not.toHaveProperty("OWNER");
  });
  test("nothing that pass protects", () => {
    expect(mapped({ USER: "OWNER" }, { pass: ["US*"] })).toEqual(PARENT);
  });
  test("nothing that pass protects, also when it has come by another rename", () => {
    const { USER: _, ...rest } = PARENT;
    const map = { USER: "OWNER", OWNER: "BOSS" };
    expect(mapped(map, { pass: ["OWN*"] })).toEqual({ ...rest, OWNER: "u" });
    expect(mapped(map)).toEqual({ ...rest, BOSS: "u" });
  });
  test("names that JavaScript knows are no variables", () => {
    expect(mapped({ constructor: "A", toString: "B", __proto__: "C" })).toEqual(PARENT);
  });
});

describe("set assigns", () => {
  test("verbatim: neither placeholders nor variables are filled in", () => {
    const set = { WHERE: "{workenv}/x", HOME: "$USER", EMPTY: "" };
    expect(applyRuntimeEnv(PARENT, { ...NONE, set }, UNIX)).toEqual({ ...PARENT, ...set });
  });
  test("after unset and map, whatever pass says", () => {
    const rules = { unset: ["*"], pass: ["HOME"], map: { HOME: "H" }, set: { HOME: "new", USER: "new" } };
    expect(applyRuntimeEnv(PARENT, rules, UNIX)).toEqual({ HOME: "new", USER: "new" });
  });
});

test("the caller's environment is not touched", () => {
  const parent = Object.freeze({ ...PARENT });
  applyRuntimeEnv(parent, { unset: ["*"], pass: [], map: { HOME: "X" }, set: { Y: "1" } }, UNIX);
  expect(parent).toEqual(PARENT);
});

describe("on Windows", () => {
  const parent = { Path: "C:\\bin", SystemRoot: "C:\\W", TEMP: "t", ComSpec: "c", PATHEXT: ".EXE", Own: "1" };
  test("what the system needs survives everything", () => {
    const left = names(applyRuntimeEnv(parent, { ...NONE, unset: ["*"] }, WINDOWS));
    expect(left).toEqual(["ComSpec", "PATHEXT", "SystemRoot", "TEMP"]);
  });
  test("case does not matter, in names and in globs", () => {
    expect(applyRuntimeEnv(parent, { ...NONE, unset: ["OWN"] }, WINDOWS)).not.toHaveProperty("Own");
    expect(applyRuntimeEnv(parent, { ...NONE, unset: ["ow*"] }, WINDOWS)).not.toHaveProperty("Own");
    expect(names(applyRuntimeEnv(parent, { ...NONE, unset: ["*"], pass: ["own"] }, WINDOWS))).toContain(
      "Own",
    );
  });
  test("elsewhere nothing is special", () => {
    expect(applyRuntimeEnv(parent, { ...NONE, unset: ["*"] }, UNIX)).toEqual({});
  });
});

const SCOPE: Scope = {
  workenv: "/c/id",
  packageName: "app",
  version: "1.0",
  slots: ["/c/id/a"],
  primarySlot: 0,
  os: "linux",
  arch: "amd64",
  bun: "/c/.id.pspf/bun/bun",
};
const CALLER = {
  originalCommand: "./link",
  package: "/opt/app.psp",
  commandName: "link",
  cache: "/c",
  windows: false,
};

function childOf(
  parent: Record<string, string>,
  layers: {
    runtime?: Partial<RuntimeEnv>;
    workenv?: Record<string, string>;
    execution?: Record<string, string>;
  } = {},
  windows = CALLER,
) {
  const metadata = {
    runtimeEnv: { ...NONE, ...layers.runtime },
    workenv: { directories: [], env: layers.workenv ?? {} },
    execution: { primarySlot: 0, command: "x", env: layers.execution ?? {} },
  };
  return childEnvironment(parent, metadata, SCOPE, windows);
}

describe("the application's environment", () => {
  test("is the caller's, what we tell it, and the package's programs first on PATH", () => {
    expect(childOf({ A: "1", PATH: "/usr/bin" })).toEqual({
      A: "1",
      PATH: "/c/id/bin:/usr/bin",
      FLAVOR_CACHE: "/c",
      FLAVOR_WORKENV: "/c/id",
      FLAVOR_PACKAGE: "/opt/app.psp",
      FLAVOR_COMMAND_NAME: "link",
      FLAVOR_ORIGINAL_COMMAND: "./link",
    });
  });

  test("has a PATH when the caller has none, or an empty one", () => {
    expect(childOf({})["PATH"]).toBe("/c/id/bin");
    expect(childOf({ PATH: "" })["PATH"]).toBe("/c/id/bin");
  });

  test("keeps the caller's FLAVOR_CACHE", () => {
    expect(childOf({ FLAVOR_CACHE: "rel" })["FLAVOR_CACHE"]).toBe("rel");
  });

  test("has its layers in order: runtime, workenv, execution, ours", () => {
    const runtime = { set: { ONE: "runtime", TWO: "runtime", THREE: "runtime", FLAVOR_WORKENV: "runtime" } };
    const workenv = { TWO: "workenv", THREE: "workenv", FLAVOR_COMMAND_NAME: "workenv" };
    const execution = { THREE: "execution", FLAVOR_ORIGINAL_COMMAND: "execution" };
    expect(childOf({ ONE: "caller", ZERO: "caller" }, { runtime, workenv, execution })).toMatchObject({
      ZERO: "caller",
      ONE: "runtime",
      TWO: "workenv",
      THREE: "execution",
      FLAVOR_WORKENV: "/c/id",
      FLAVOR_PACKAGE: "/opt/app.psp",
      FLAVOR_COMMAND_NAME: "link",
      FLAVOR_ORIGINAL_COMMAND: "./link",
    });
  });

  test("has placeholders filled in in workenv.env and execution.env, not in runtime.env", () => {
    const filled = childOf(
      {},
      {
        runtime: { set: { A: "{workenv}" } },
        workenv: { B: "{workenv}/b" },
        execution: { C: "{slot:0} {version}" },
      },
    );
    expect(filled).toMatchObject({ A: "{workenv}", B: "/c/id/b", C: "/c/id/a 1.0" });
  });

  test("has a PATH that the package sets, with its own folder still in front", () => {
    expect(childOf({ PATH: "/usr/bin" }, { execution: { PATH: "{workenv}/x" } })["PATH"]).toBe(
      "/c/id/bin:/c/id/x",
    );
    expect(childOf({ PATH: "/usr/bin" }, { runtime: { unset: ["*"] } })["PATH"]).toBe("/c/id/bin");
  });

  test("always says where the workenv is, also when the package unsets everything", () => {
    expect(names(childOf({ A: "1" }, { runtime: { unset: ["*"] } }))).toEqual(
      ["FLAVOR_COMMAND_NAME", "FLAVOR_ORIGINAL_COMMAND", "FLAVOR_PACKAGE", "FLAVOR_WORKENV", "PATH"].sort(),
    );
  });

  test("on Windows keeps the spelling of Path and has Scripts as well", () => {
    const env = childOf({ Path: "C:\\bin" }, {}, { ...CALLER, windows: true });
    expect(env["Path"]).toBe("/c/id\\bin;/c/id\\Scripts;C:\\bin");
    expect(env).not.toHaveProperty("PATH");
  });
});
