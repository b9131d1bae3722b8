import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { renamePatiently } from "./patient-rename.ts";

/** A system on which a rename fails so many times. */
function failing(times: number, code: string, platform: NodeJS.Platform = "win32") {
  const pauses: number[] = [];
  let left = times;
  const system = {
    rename: () => {
      if (left-- > 0) throw Object.assign(new Error(code), { code });
    },
    pause: (milliseconds: number) => void pauses.push(milliseconds),
    platform,
  };
  return { pauses, run: () => renamePatiently("from", "to", system) };
}

describe("on Windows", () => {
  test.each(["EPERM", "EACCES", "EBUSY", "ENOTEMPTY"])("%s passes", (code) => {
    const { run, pauses } = failing(6, code);
    run();
    expect(pauses).toEqual([10, 20, 40, 80, 160, 250]);
  });

  test("but not for ever: after ten seconds the error counts", () => {
    const { run, pauses } = failing(Number.POSITIVE_INFINITY, "EPERM");
    expect(run).toThrow("EPERM");
    const waited = pauses.reduce((sum, pause) => sum + pause, 0);
    expect(waited).toBeGreaterThanOrEqual(10_000);
    expect(waited).toBeLessThan(10_500);
  });

  test("and other errors count at once", () => {
    const { run, pauses } = failing(1, "ENOENT");
    expect(run).toThrow("ENOENT");
    expect(pauses).toEqual([]);
  });
});

test("elsewhere every error counts at once", () => {
  const { run, pauses } = failing(1, "EPERM", "linux");
  expect(run).toThrow("EPERM");
  expect(pauses).toEqual([]);
});

test("a folder is renamed", () => {
  using dir = tempDir();
  mkdirSync(join(dir.path, "from"));
  renamePatiently(join(dir.path, "from"), join(dir.path, "to"));
  expect([existsSync(join(dir.path, "from")), existsSync(join(dir.path, "to"))]).toEqual([false, true]);
});
