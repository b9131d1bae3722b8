import { describe, expect, test } from "bun:test";
import {
  isPlatformPattern,
  isTarget,
  matchesTarget,
  TARGET_NAMES,
  TARGETS,
  type Target,
  targetOf,
} from "./platform.ts";

describe("the table of targets", () => {
  test.each(TARGET_NAMES)("%s says the same in all of its names", (name) => {
    const { os, arch, bun } = TARGETS[name];
    expect(name).toStartWith(`${os}-${arch === "amd64" ? "x64" : "arm64"}`);
    expect(bun as string).toBe(`bun-${name}`);
    expect(isTarget(name)).toBeTrue();
  });

  test.each(["", "linux", "bun-linux-x64", "LINUX-X64", "toString", "__proto__", "linux-x64 "])(
    "%j is no target",
    (name) => {
      expect(isTarget(name)).toBeFalse();
    },
  );
});

describe("targetOf", () => {
  test.each([
    ["linux", "x64", false, "linux-x64"],
    ["linux", "x64", true, "linux-x64-musl"],
    ["linux", "arm64", false, "linux-arm64"],
    ["linux", "arm64", true, "linux-arm64-musl"],
    ["darwin", "arm64", false, "darwin-arm64"],
    ["darwin", "x64", false, "darwin-x64"],
    ["win32", "x64", false, "windows-x64"],
    ["win32", "arm64", false, "windows-arm64"],
    ["linux", "riscv64", false, undefined],
    ["freebsd", "x64", false, undefined],
    ["darwin", "x64", true, undefined],
  ] as const)("%s %s, musl %p: %p", (platform, arch, musl, target) => {
    expect(targetOf(platform, arch, musl)).toBe(target);
  });

  test("takes a libc that was not named for glibc", () => {
    expect(targetOf("linux", "x64")).toBe("linux-x64");
  });
});

describe("matchesTarget", () => {
  const covered = (pattern: string): readonly Target[] =>
    TARGET_NAMES.filter((target) => matchesTarget(pattern, target));

  test.each([
    ["any", [...TARGET_NAMES]],
    ["darwin", ["darwin-x64", "darwin-arm64"]],
    ["windows", ["windows-x64", "windows-arm64"]],
    ["linux-x64", ["linux-x64", "linux-x64-baseline", "linux-x64-musl"]],
    ["linux-arm64", ["linux-arm64", "linux-arm64-musl"]],
    ["linux-x64-musl", ["linux-x64-musl"]],
    ["lin", []],
    ["linux-x6", []],
    ["", []],
    ["ANY", []],
    ["x64", []],
  ] as const)("%j covers %j", (pattern, targets) => {
    expect(covered(pattern)).toEqual([...targets]);
    expect(isPlatformPattern(pattern)).toBe(targets.length > 0);
  });
});
