import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failureOf } from "../../tests/support/failure.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { POLICY } from "./policy-file.ts";
import { readTrustFile } from "./trust-file.ts";
import { TRUST_STORE } from "./trust-store.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot)
  process.stderr.write("not tested: files of trust that belong to root (only root can make them)\n");

let dir: ReturnType<typeof tempDir>;
let file: string;
beforeEach(() => {
  dir = tempDir();
  mkdirSync(join(dir.path, "flavor"), { mode: 0o755 });
  file = join(dir.path, "flavor", "trust.json");
});
afterEach(() => dir[Symbol.dispose]());

const put = (mode = 0o644) => {
  writeFileSync(file, "{}");
  chmodSync(file, mode);
};
const readText = (keeper: "the user" | "the system", path = file) => {
  const bytes = readTrustFile(path, keeper === "the user" ? TRUST_STORE : POLICY, keeper);
  return bytes && new TextDecoder().decode(bytes);
};
const stateOf = async (keeper: "the user" | "the system", path = file) => {
  const failure = await failureOf(() => readText(keeper, path));
  expect(failure.code).toBe(keeper === "the user" ? "trust-store-invalid" : "policy-invalid");
  expect(failure.hint).toContain(dir.path);
  return failure.message.replace(/^Cannot use .*\.json: /, "");
};

test.each(["the user", "the system"] as const)("of %s: what is not there is nothing", (keeper) => {
  expect(readText(keeper)).toBeUndefined();
  expect(readText(keeper, join(dir.path, "none", "trust.json"))).toBeUndefined();
  writeFileSync(join(dir.path, "plain"), "");
  expect(readText(keeper, join(dir.path, "plain", "trust.json"))).toBeUndefined();
});

test("of the user: their own, also by a link", () => {
  put(0o600);
  expect(readText("the user")).toBe("{}");
  symlinkSync(file, join(dir.path, "link.json"));
  expect(readText("the user", join(dir.path, "link.json"))).toBe("{}");
});

test("of the user: one that everybody may write is refused", async () => {
  put(0o646);
  expect(await stateOf("the user")).toBe("everybody may write to it");
});

describe.each(["the user", "the system"] as const)("of %s: is refused", (keeper) => {
  test("a folder", async () => {
    mkdirSync(file);
    expect(await stateOf(keeper)).toBe("it is not a file");
  });

  test("a pipe, without waiting for a writer", async () => {
    Bun.spawnSync(["mkfifo", file]);
    expect(await stateOf(keeper)).toBe("it is not a file");
  });

  test("one that is too large", async () => {
    put();
    truncateSync(file, 4 * 1024 * 1024 + 1);
    expect(await stateOf(keeper)).toBe("it has 4194305 bytes, at most 4194304 are read");
  });

  test("a link that leads to itself", async () => {
    symlinkSync(file, file);
    expect(await stateOf(keeper)).toBe("it cannot be read (ELOOP)");
  });
});

describe.skipIf(!isRoot)("of the system", () => {
  test("root's own", () => {
    put();
    expect(readText("the system")).toBe("{}");
  });

  test("is refused when it belongs to another user", async () => {
    put();
    chownSync(file, 1234, 0);
    expect(await stateOf("the system")).toBe(`${file} does not belong to root`);
  });

  test.each([0o664, 0o646, 0o666])("is refused when others may write: %o", async (mode) => {
    put(mode);
    expect(await stateOf("the system")).toBe(`others than root may write to ${file}`);
  });

  test("is refused when others may write to its folder", async () => {
    put();
    const folder = join(dir.path, "flavor");
    chmodSync(folder, 0o775);
    expect(await stateOf("the system")).toBe(`others than root may write to ${folder}`);
    chmodSync(folder, 0o755);
    chownSync(folder, 1234, 0);
    expect(await stateOf("the system")).toBe(`${folder} does not belong to root`);
  });

  test("is refused when others may write to the folder that a link leads to", async () => {
    put();
    const link = join(dir.path, "link.json");
    chmodSync(dir.path, 0o755);
    symlinkSync(file, link);
    expect(readText("the system", link)).toBe("{}");
    chmodSync(join(dir.path, "flavor"), 0o777);
    expect(await stateOf("the system", link)).toBe(
      `others than root may write to ${join(dir.path, "flavor")}`,
    );
  });

  /** As somebody who is not root: in a process of its own. */
  const asNobody = (path: string, keeper: string) => {
    const script = `
      const { readTrustFile } = await import(${JSON.stringify(join(import.meta.dir, "trust-file.ts"))});
      const { POLICY } = await import(${JSON.stringify(join(import.meta.dir, "policy-file.ts"))});
      process.setgid(1234); process.setuid(1234);
      try {
        process.stdout.write(String(readTrustFile(${JSON.stringify(path)}, POLICY, ${JSON.stringify(keeper)})));
      } catch (error) { process.stdout.write(error.message); }`;
    return Bun.spawnSync([process.execPath, "-e", script]).stdout.toString();
  };

  test("a home that is another user's is none, but what the system has and nobody may read is refused", () => {
    put();
    chmodSync(dir.path, 0o755);
    const folder = join(dir.path, "flavor");
    chmodSync(folder, 0o700);
    expect(asNobody(file, "the user")).toBe("undefined");
    expect(asNobody(file, "the system")).toEndWith("it cannot be read (EACCES)");
    chmodSync(folder, 0o755);
    chmodSync(file, 0o600);
    expect(asNobody(file, "the user")).toEndWith("it cannot be read (EACCES)");
  });
});
