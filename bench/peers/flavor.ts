import { environmentIn } from "../lab/lab.ts";
import { pack } from "../lab/programs.ts";
import { HELLO_JS, HELLO_SH } from "../lab/tree.ts";
import type { Peer } from "./peer.ts";

/** Ours: a package with the payload in one `tar|zstd` slot, level 3, that starts the shell script. */
export const flavor = ours("flavor", "sh", `/bin/sh {workenv}/payload/${HELLO_SH}`);

/** Ours with the JavaScript, run by the Bun that is the launcher. */
export const flavorBun = ours("flavor {bun}", "js", `{bun} {workenv}/payload/${HELLO_JS}`);

function ours(name: string, runs: "sh" | "js", command: string): Peer {
  return {
    name,
    carriesFiles: true,
    build: async (lab, payload) => {
      const slot = { id: "payload", source: payload.dir, target: "payload", operations: "tar|zstd" };
      const file = await pack(lab, { name: `${runs}-${payload.name}`, command, slots: [slot] });
      return { file, start: (home) => ({ command: [file], env: environmentIn(home) }) };
    },
  };
}
