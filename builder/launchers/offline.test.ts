import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { PspfError } from "../../format/errors.ts";
import type { Target } from "../../format/platform.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { ensureLauncher } from "./cache.ts";
import { hostTarget } from "./host.ts";

const entry = join(import.meta.dir, "..", "..", "tests", "support", "stand-in", "main.ts");
const foreign: Target = hostTarget() === "linux-arm64" ? "linux-x64" : "linux-arm64";

/** A machine that has nothing yet, and `registry` as its only way out. */
const freshMachine = (home: string, registry: string) => ({
  PATH: process.env["PATH"],
  HOME: home,
  USERPROFILE: home,
  BUN_INSTALL_CACHE_DIR: join(home, "bun-cache"),
  NPM_CONFIG_REGISTRY: registry,
});

/** A port on which nobody listens. */
function closedPort(): string {
  using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  return server.url.href;
}

test("without a network, a launcher for another platform is an error with advice, and leaves nothing", async () => {
  using dir = tempDir();
  using home = tempDir();
  const failed = ensureLauncher(foreign, {
    cacheDir: dir.path,
    entry,
    env: freshMachine(home.path, closedPort()),
  });
  const error = await failed.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(PspfError);
  expect(error).toMatchObject({
    code: "launcher-unavailable",
    exitCode: 110,
    message: `Cannot make a launcher for ${foreign}: Bun ended with 1`,
    problems: [expect.stringMatching(/^Failed to download .*: ConnectionRefused$/)],
    hint: expect.stringContaining(`flavor launchers build ${foreign}`),
  });
  expect(readdirSync(dir.path)).toEqual([]);
});

test("without a network, a launcher for this platform is built: we are its base", async () => {
  using dir = tempDir();
  using home = tempDir();
  const env = freshMachine(home.path, closedPort());
  const { path } = await ensureLauncher(hostTarget(), { cacheDir: dir.path, entry, env });
  expect(Bun.spawnSync([path, "late"]).stdout.toString()).toBe("loaded late");
});

test("a mirror is asked for the package of the platform, and one that does not have it is said", async () => {
  using dir = tempDir();
  using home = tempDir();
  const asked: string[] = [];
  using mirror = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      asked.push(new URL(request.url).pathname);
      return new Response("no", { status: 404 });
    },
  });
  const env = freshMachine(home.path, mirror.url.href);
  const error = await ensureLauncher(foreign, { cacheDir: dir.path, entry, env }).catch(
    (thrown: unknown) => thrown,
  );
  const name = foreign === "linux-arm64" ? "bun-linux-aarch64" : "bun-linux-x64";
  expect([...new Set(asked)]).toEqual([`/@oven/${name}/-/${name}-${Bun.version}.tgz`]);
  expect(error).toMatchObject({ code: "launcher-unavailable" });
});

test("a download that is no Bun does not become a launcher", async () => {
  using dir = tempDir();
  using home = tempDir();
  using mirror = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("not a tarball") });
  const env = freshMachine(home.path, mirror.url.href);
  const error = await ensureLauncher(foreign, { cacheDir: dir.path, entry, env }).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: "launcher-unavailable" });
  expect(readdirSync(dir.path)).toEqual([]);
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s during a download ends both processes and leaves nothing",
  async (signal) => {
    using dir = tempDir();
    using home = tempDir();
    const reached = Promise.withResolvers<void>();
    const hungUp = Promise.withResolvers<void>();
    // A server that takes the question and never answers.
    using server = Bun.listen({
      port: 0,
      hostname: "127.0.0.1",
      socket: { data: () => reached.resolve(), close: () => hungUp.resolve() },
    });
    const maker = join(import.meta.dir, "..", "..", "tests", "support", "launcher-maker.ts");
    const child = Bun.spawn([process.execPath, maker, foreign, dir.path, entry], {
      env: freshMachine(home.path, `http://127.0.0.1:${server.port}/`),
      stderr: "ignore",
    });
    await reached.promise;
    expect(readdirSync(dir.path)).toEqual([expect.stringMatching(/^\.flavor-work-/)]);
    child.kill(signal);
    await child.exited;
    expect(child.signalCode).toBe(signal);
    await hungUp.promise; // the compiler is gone, too
    expect(readdirSync(dir.path)).toEqual([]);
  },
);
