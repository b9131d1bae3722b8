import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { removeTree } from "./remove-tree.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "remove-tree-"));
});
afterEach(() => {
  Bun.spawnSync(["chmod", "-R", "u+rwx", dir]);
  rmSync(dir, { recursive: true, force: true });
});

function put(path: string, content = ""): string {
  const file = join(dir, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

test("a tree goes, what is beside it stays", () => {
  put("tree/a/b/c");
  put("tree-beside");
  removeTree(join(dir, "tree"));
  expect(existsSync(join(dir, "tree"))).toBe(false);
  expect(existsSync(join(dir, "tree-beside"))).toBe(true);
});

test("a file goes, a link goes, what is not there is fine", () => {
  const file = put("file", "content");
  symlinkSync(file, join(dir, "link"));
  symlinkSync("nowhere", join(dir, "dangling"));
  for (const name of ["link", "dangling", "nothing"]) removeTree(join(dir, name));
  expect(readFileSync(file, "utf8")).toBe("content");
  removeTree(file);
  expect(existsSync(file)).toBe(false);
});

test("links inside are removed, never followed", () => {
  put("outside/kept", "kept");
  put("tree/x");
  symlinkSync("../outside", join(dir, "tree", "link"));
  symlinkSync(join(dir, "outside"), join(dir, "tree", "absolute"));
  removeTree(join(dir, "tree"));
  expect(readFileSync(join(dir, "outside", "kept"), "utf8")).toBe("kept");
});

/** Root may do anything, so the program is somebody else for what only permissions can show. */
const asNobody = (script: string) =>
  Bun.spawnSync([process.execPath, "-e", script], {
    cwd: dir,
    env: { PATH: "/usr/bin:/bin", HOME: dir },
    stderr: "pipe",
    stdout: "pipe",
  });

test.skipIf(process.platform === "win32")(
  "read-only folders go as well, and links out of them keep what they lead to",
  () => {
    const kept = put("outside/kept", "kept");
    chmodSync(dirname(kept), 0o755);
    for (const path of ["tree/a/file", "tree/a/b/file", "tree/c/file"]) put(path);
    symlinkSync("../../outside", join(dir, "tree", "a", "link"));
    for (const path of ["tree/a/b", "tree/a", "tree/c", "tree"]) chmodSync(join(dir, path), 0o500);
    Bun.spawnSync(["chown", "-R", "65534:65534", dir]);
    const script = `
    if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534); }
    const { removeTree } = await import(${JSON.stringify(join(import.meta.dir, "remove-tree.ts"))});
    removeTree("tree");`;
    const { stderr, exitCode } = asNobody(script);
    expect(stderr.toString()).toBe("");
    expect(exitCode).toBe(0);
    expect(existsSync(join(dir, "tree"))).toBe(false);
    expect(readFileSync(kept, "utf8")).toBe("kept");
  },
);

test.skipIf(process.platform === "win32")(
  "what cannot be taken out of its folder changes nothing where it leads to, and says why it stays",
  () => {
    const kept = put("outside/kept");
    chmodSync(kept, 0o640);
    put("closed/file");
    symlinkSync(kept, join(dir, "closed", "link"));
    chmodSync(join(dir, "closed"), 0o500);
    Bun.spawnSync(["chown", "-R", "65534:65534", dir]);
    const script = `
    if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534); }
    const { removeTree } = await import(${JSON.stringify(join(import.meta.dir, "remove-tree.ts"))});
    for (const name of ["closed/link", "closed/file"])
      try { removeTree(name); } catch (error) { console.log(error.cause.code); }`;
    const { stdout } = asNobody(script);
    expect(stdout.toString()).toBe("EACCES\nEACCES\n");
    expect(statSync(kept).mode & 0o777).toBe(0o640);
  },
);

test("what cannot be removed is an error with its path", () => {
  const path = join(put("file"), "below a file");
  // Where rm says nothing is there, nothing is wrong; the system decides which of the two it is.
  try {
    removeTree(path);
  } catch (error) {
    expect(error).toMatchObject({ code: "io-failed", message: `Cannot remove ${path}` });
  }
  expect(existsSync(join(dir, "file"))).toBe(true);
});
