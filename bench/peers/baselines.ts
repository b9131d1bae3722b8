import { join } from "node:path";
import { environmentIn } from "../lab/lab.ts";
import { said } from "../lab/process.ts";
import { need } from "../lab/skip.ts";
import type { Peer } from "./peer.ts";

/** GNU tar with zstd at level 3: unpacks and starts nothing. */
export const tarZstd: Peer = {
  name: "tar --zstd -xf",
  carriesFiles: true,
  build: (lab, payload, dir) => {
    for (const program of ["tar", "zstd"]) need(program);
    const file = join(dir, "archive.tar.zst");
    said({
      command: ["sh", "-c", `tar -c -C "$1" . | zstd -3 -q -o "$2"`, "sh", payload.dir, file],
      env: lab.env,
    });
    return {
      file,
      start: (home) => ({ command: ["tar", "--zstd", "-xf", file, "-C", home], env: environmentIn(home) }),
    };
  },
};

/** The same, and all of it on the disk before it ends. */
export const tarZstdSync: Peer = {
  ...tarZstd,
  name: "tar --zstd -xf && sync -f",
  build: async (lab, payload, dir) => {
    const { file } = await tarZstd.build(lab, payload, dir);
    const script = 'tar --zstd -xf "$1" -C "$2" && sync -f "$2"';
    return {
      file,
      start: (home) => ({ command: ["sh", "-c", script, "sh", file, home], env: environmentIn(home) }),
    };
  },
};

/** A copy of the folder: no archive, no checks. */
export const copy: Peer = {
  name: "cp -r",
  carriesFiles: true,
  build: (_, payload) => ({
    file: payload.dir,
    start: (home) => ({ command: ["cp", "-r", payload.dir, join(home, "copy")], env: environmentIn(home) }),
  }),
};

/** What a native program costs that does nothing but become the shell: coreutils' `env`. */
export const nativeFloor: Peer = {
  name: "env, a native program",
  carriesFiles: false,
  build: (_, payload) => {
    const file = need("env");
    const script = join(payload.dir, "hello.sh");
    return { file, start: (home) => ({ command: [file, "/bin/sh", script], env: environmentIn(home) }) };
  },
};
