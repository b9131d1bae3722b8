import { copyFileSync } from "node:fs";
import { basename, join } from "node:path";
import { environmentIn, type Lab } from "../lab/lab.ts";
import { said } from "../lab/process.ts";
import { need } from "../lab/skip.ts";
import { HELLO_SH } from "../lab/tree.ts";
import { debianPackage, npmPackage } from "./install.ts";
import type { Peer } from "./peer.ts";

/** caxa: a native stub with a gzip'd archive, unpacked once into the folder for temporary files. Without Node.js in it. */
export const caxa: Peer = {
  name: "caxa",
  carriesFiles: true,
  build: async (lab, payload, dir) => {
    const [node, tool] = [need("node"), await npmPackage(lab, "caxa")];
    const file = join(dir, "hello");
    const options = ["--input", payload.dir, "--output", file, "--no-include-node", "--no-dedupe"];
    const run = ["--", "/bin/sh", `{{caxa}}/${HELLO_SH}`];
    said({
      command: [node, join(tool, "build", "index.mjs"), ...options, ...run],
      env: { ...lab.env, TMPDIR: dir },
    });
    return { file, start: (home) => ({ command: [file], env: environmentIn(home) }) };
  },
};

/** makeself: a shell script with an archive, gzip and CRC as by default, unpacked anew at every start. */
export const makeself: Peer = {
  name: "makeself",
  carriesFiles: true,
  build: async (lab, payload, dir) => {
    const file = join(dir, "hello.run");
    const what = [payload.dir, file, "hello", `./${HELLO_SH}`];
    const tool = await makeselfProgram(lab);
    said({ command: ["sh", ...tool, "--quiet", "--nox11", ...what], env: { ...lab.env, TMPDIR: dir } });
    const start = ["sh", file, "--quiet", "--nox11", "--nochown"];
    return { file, start: (home) => ({ command: start, env: environmentIn(home) }) };
  },
};

async function makeselfProgram(lab: Lab): Promise<readonly string[]> {
  const here = Bun.which("makeself");
  const root = here === null ? await debianPackage(lab, "makeself") : "/";
  const program = here ?? join(root, "usr", "bin", "makeself");
  const version = /[\d.]+/.exec(said({ command: ["sh", program, "--version"], env: lab.env }).out)?.[0];
  lab.versions["makeself"] = version ?? "unknown";
  const header =
    here === null ? ["--header", join(root, "usr", "share", "makeself", "makeself-header.sh")] : [];
  return [program, ...header];
}

/** squashfs mounted by squashfuse, as AppImages are: nothing is unpacked. Unmounted after the measurement. */
export const squashfuse: Peer = {
  name: "squashfuse",
  carriesFiles: true,
  build: (_, payload, dir) => {
    const [mount, make] = [need("squashfuse"), need("mksquashfs")];
    const unmount = Bun.which("fusermount3") ?? need("fusermount");
    const file = join(dir, "hello.squashfs");
    const env = environmentIn(dir);
    said({
      command: [
        make,
        payload.dir,
        file,
        "-quiet",
        "-no-progress",
        "-comp",
        "zstd",
        "-Xcompression-level",
        "3",
      ],
      env,
    });
    const script = `"$1" "$2" "$3" && exec /bin/sh "$3/${HELLO_SH}"`;
    return {
      file,
      start: (home) => ({
        command: ["sh", "-c", script, "sh", mount, file, join(home, "tmp")],
        env: environmentIn(home),
      }),
      end: (home) => void said({ command: [unmount, "-u", join(home, "tmp")], env }),
    };
  },
};

/** dotslash: a native launcher that knows its artifact by digest. It fetches from a file, so nothing of a network is in it. */
export const dotslash: Peer = {
  name: "dotslash",
  carriesFiles: false,
  build: async (lab, payload, dir) => {
    const tool = await npmPackage(lab, "fb-dotslash");
    const program = join(
      tool,
      "bin",
      `linux-musl.${process.arch === "arm64" ? "aarch64" : "x86_64"}`,
      "dotslash",
    );
    need("curl");
    const artifact = join(dir, HELLO_SH);
    copyFileSync(join(payload.dir, HELLO_SH), artifact);
    const bytes = await Bun.file(artifact).bytes();
    const entry = {
      size: bytes.length,
      hash: "sha256",
      digest: new Bun.CryptoHasher("sha256").update(bytes).digest("hex"),
      path: basename(artifact),
      providers: [{ url: `file://${artifact}` }],
    };
    const platforms = { [`linux-${process.arch === "arm64" ? "aarch64" : "x86_64"}`]: entry };
    const file = join(dir, "hello");
    await Bun.write(file, `#!/usr/bin/env dotslash\n${JSON.stringify({ name: "hello", platforms })}\n`);
    return {
      file: program,
      start: (home) => ({
        command: [program, file],
        env: environmentIn(home, { DOTSLASH_CACHE: join(home, "dotslash") }),
      }),
    };
  },
};
