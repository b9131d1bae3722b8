import { expect, test } from "bun:test";
import { dirname } from "node:path";
import { TARGET_NAMES } from "../../../format/platform.ts";
import { compiledLauncher } from "../../../tests/support/compiled.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { documentOf, runCli } from "../testing.ts";

const sharedEnv = async () => {
  const launcher = await compiledLauncher();
  return { launcher, env: { ...process.env, FLAVOR_LAUNCHERS: dirname(launcher.path) } };
};

test("every platform is listed with its state", async () => {
  using dir = tempDir();
  const env = { ...process.env, FLAVOR_LAUNCHERS: dir.path };
  expect((await runCli(["launchers", "list"], { env })).out).toBe(
    TARGET_NAMES.map((target) => `${target.padEnd(18)}  missing\n`).join(""),
  );
  const shared = await sharedEnv();
  const { target, path, size, sha256 } = shared.launcher;
  const document = documentOf(await runCli(["launchers", "list", "--json"], { env: shared.env }));
  expect(document["schema"]).toBe("flavor.launchers-list/1");
  expect(document["launchers"]).toContainEqual({ target, state: "ready", path, size, sha256 });
});

test("build makes sure of this machine's launcher", async () => {
  const { launcher, env } = await sharedEnv();
  const { target, path, size, sha256 } = launcher;
  expect(documentOf(await runCli(["launchers", "build", "--json"], { env }))).toEqual({
    schema: "flavor.launchers-build/1",
    launchers: [{ target, built: false, path, size, sha256 }],
  });
  expect((await runCli(["launchers", "build", target], { env })).out).toMatch(
    new RegExp(`^${target} {2}was there {2}[0-9.]+ MB {2}/`),
  );
});

test("a platform that is none is refused", async () => {
  expect(await runCli(["launchers", "build", "linux-x64,amiga"])).toMatchObject({
    out: "",
    err: `error: Cannot build for "amiga": there is no such platform [bad-arguments]\n  hint: use some of ${TARGET_NAMES.join(", ")}, or all\n`,
    exitCode: 105,
  });
});
