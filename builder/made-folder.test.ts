import { expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../tests/support/temp-dir.ts";
import { openMadeFolder } from "./made-folder.ts";

test("folders that were made and not used go again, others stay", () => {
  using dir = tempDir();
  mkdirSync(join(dir.path, "mine"));
  const path = join(dir.path, "mine", "a", "b");
  {
    using _ = openMadeFolder(path);
    expect(existsSync(path)).toBe(true);
  }
  expect([existsSync(join(dir.path, "mine", "a")), existsSync(join(dir.path, "mine"))]).toEqual([
    false,
    true,
  ]);
  {
    using _ = openMadeFolder(path);
    writeFileSync(join(dir.path, "mine", "a", "file"), "");
  }
  expect([existsSync(path), existsSync(join(dir.path, "mine", "a", "file"))]).toEqual([false, true]);
  {
    using _ = openMadeFolder(join(dir.path, "mine"));
  }
  expect(existsSync(join(dir.path, "mine"))).toBe(true);
});

test("a signal removes them, too, and nobody listens any more at the end", () => {
  using dir = tempDir();
  const decides = () => {};
  process.on("SIGHUP", decides);
  try {
    using _ = openMadeFolder(join(dir.path, "a", "b"));
    process.emit("SIGHUP", "SIGHUP");
    expect(existsSync(join(dir.path, "a"))).toBe(false);
    {
      using _ = openMadeFolder(join(dir.path, "c"));
    }
    expect(process.listeners("SIGHUP")).toEqual([decides]);
  } finally {
    process.off("SIGHUP", decides);
  }
});
