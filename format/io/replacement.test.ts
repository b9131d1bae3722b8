import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openReplacement, removeUnfinished, replaceFile } from "./replacement.ts";

let dir: string;
let target: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "replacement-"));
  target = join(dir, "file");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const utf8 = (text: string) => new TextEncoder().encode(text);
const read = () => readFileSync(target, "utf8");

describe("a replacement", () => {
  test("appears whole, at commit, with its mode", () => {
    writeFileSync(target, "old", { mode: 0o600 });
    using file = openReplacement(target, 0o751);
    file.write(utf8("new "));
    expect(read()).toBe("old");
    file.write(utf8("content"));
    expect(file.written).toBe(11);
    file.commit();
    expect(read()).toBe("new content");
    expect(lstatSync(target).mode & 0o777).toBe(0o751);
    expect(readdirSync(dir)).toEqual(["file"]);
  });

  test("has its mode whatever the umask is, and is private until then", () => {
    const before = process.umask(0o077);
    try {
      using file = openReplacement(target, 0o755);
      expect(lstatSync(file.path).mode & 0o777).toBe(0o600);
      file.commit();
      expect(lstatSync(target).mode & 0o777).toBe(0o755);
    } finally {
      process.umask(before);
    }
  });

  test("forgets what is behind the place that it goes back to", () => {
    using file = openReplacement(target, 0o600);
    file.write(utf8("kept and given up"));
    file.skipTo(5);
    file.skipTo(8);
    file.write(utf8("new"));
    file.commit();
    expect(read()).toBe("kept \0\0\0new");
  });

  test("without a commit leaves no trace and the old file", () => {
    writeFileSync(target, "old");
    {
      using file = openReplacement(target, 0o644);
      file.write(utf8("half"));
      expect(readdirSync(dir)).toHaveLength(2);
    }
    expect(readdirSync(dir)).toEqual(["file"]);
    expect(read()).toBe("old");
  });

  test("leaves no trace when its writer fails", () => {
    expect(() => {
      using file = openReplacement(target, 0o644);
      file.write(utf8("half"));
      throw new Error("the writer failed");
    }).toThrow("the writer failed");
    expect(readdirSync(dir)).toEqual([]);
  });

  test("can be written out of order, and what is left out is zero", () => {
    using file = openReplacement(target, 0o644);
    file.write(utf8("head"));
    file.skipTo(8);
    file.write(utf8("tail"));
    file.writeAt(utf8("AD"), 2);
    expect(file.written).toBe(12);
    file.commit();
    expect(read()).toBe("heAD\0\0\0\0tail");
  });

  test("takes the place of a link, not of what it leads to", () => {
    writeFileSync(join(dir, "other"), "kept");
    symlinkSync("other", target);
    replaceFile(target, "new");
    expect(lstatSync(target).isSymbolicLink()).toBe(false);
    expect(readFileSync(join(dir, "other"), "utf8")).toBe("kept");
  });

  test("over a folder is an error, and leaves no trace", () => {
    mkdirSync(join(target, "inside"), { recursive: true });
    expect(() => replaceFile(target, "new")).toThrow(
      expect.objectContaining({ code: "io-failed", message: `Cannot write ${target}` }),
    );
    expect(readdirSync(dir)).toEqual(["file"]);
  });

  test("in a folder that is not there is an error with the file's path", () => {
    expect(() => openReplacement(join(dir, "no", "file"), 0o644)).toThrow(
      `Cannot write ${join(dir, "no", "file")}`,
    );
  });

  test("of one file twice at once: the later commit counts, each is whole", () => {
    using one = openReplacement(target, 0o644);
    using two = openReplacement(target, 0o644);
    one.write(utf8("one"));
    two.write(utf8("two"));
    two.commit();
    expect(read()).toBe("two");
    one.commit();
    expect(read()).toBe("one");
    expect(readdirSync(dir)).toEqual(["file"]);
  });
});

test.skipIf(process.platform === "win32")("what is no file is never replaced by one", () => {
  Bun.spawnSync(["mkfifo", target]);
  symlinkSync("file", join(dir, "link"));
  for (const path of [target, join(dir, "link")]) {
    expect(() => openReplacement(path, 0o644)).toThrow(/no regular file/);
    expect(readdirSync(dir).sort()).toEqual(["file", "link"]);
  }
});

describe("replaceFile", () => {
  test("makes folders that only their owner can enter, and a private file", () => {
    const deep = join(dir, "a", "b", "file");
    replaceFile(deep, utf8("bytes"));
    expect(readFileSync(deep, "utf8")).toBe("bytes");
    expect([join(dir, "a"), join(dir, "a", "b"), deep].map((path) => lstatSync(path).mode & 0o777)).toEqual([
      0o700, 0o700, 0o600,
    ]);
  });

  test("writes text as UTF-8, also none", () => {
    replaceFile(target, "ü😀");
    expect(read()).toBe("ü😀");
    replaceFile(target, "");
    expect(read()).toBe("");
  });
});

test("a process that is about to end by a signal removes what it has not finished", () => {
  writeFileSync(join(dir, "other"), "kept");
  using one = openReplacement(target, 0o644);
  using two = openReplacement(join(dir, "other"), 0o644);
  using done = openReplacement(join(dir, "done"), 0o644);
  done.commit();
  one.write(utf8("half"));
  removeUnfinished();
  expect(readdirSync(dir).sort()).toEqual(["done", "other"]);
  expect(existsSync(two.path)).toBe(false);
  removeUnfinished();
});

const canMount =
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  Bun.spawnSync(["unshare", "--mount", "true"]).exitCode === 0;
if (!canMount) process.stderr.write("skipped: a full disk: only root can mount a small one here\n");

test.skipIf(!canMount)("on a full disk the old file stays, and the message says what to do", () => {
  const script = join(dir, "fill.ts");
  writeFileSync(
    script,
    `import { readdirSync, readFileSync, writeFileSync } from "node:fs";
     import { openReplacement } from ${JSON.stringify(join(import.meta.dir, "replacement.ts"))};
     import { renderError } from ${JSON.stringify(join(import.meta.dir, "..", "errors.ts"))};
     writeFileSync("disk/file", "old");
     try {
       using file = openReplacement("disk/file", 0o644);
       for (let i = 0; i < 100; i++) file.write(new Uint8Array(65536).fill(1));
       file.commit();
     } catch (error) {
       console.log(renderError(error));
     }
     console.log(readdirSync("disk").join(), readFileSync("disk/file", "utf8"));`,
  );
  mkdirSync(join(dir, "disk"));
  chmodSync(join(dir, "disk"), 0o700);
  const command = `mount -t tmpfs -o size=256k none disk && exec "$1" "$2"`;
  const { stdout, stderr } = Bun.spawnSync(
    ["unshare", "--mount", "sh", "-c", command, "sh", process.execPath, script],
    { cwd: dir },
  );
  expect(stderr.toString()).toBe("");
  expect(stdout.toString()).toMatch(
    /^error: Cannot write disk\/file \[io-failed\]\n {2}caused by: .*ENOSPC.*\n {2}hint: free some space.*\nfile old\n$/,
  );
});
