import { join } from "node:path";
import { keyPairFromText } from "../../format/seal/keys.ts";
import { toHex } from "../../format/wire/hashes.ts";
import { writeEqual } from "../lab/content.ts";
import { environmentIn, freshHome, type Lab, removeFolder } from "../lab/lab.ts";
import { milliseconds, said } from "../lab/process.ts";
import { pack, SEED } from "../lab/programs.ts";
import { inTurn } from "../lab/rounds.ts";
import { need } from "../lab/skip.ts";
import type { Row } from "../results/results.ts";
import type { Measurement } from "./measurement.ts";

const SLOTS = ["s0", "s1", "s2", "s3"];

/** What a start costs that compares every file with what was signed, against one that does not and one digest of each. */
export const strict: Measurement = {
  name: "strict",
  rows: async (lab) => {
    const rows: Row[] = [];
    for (const files of [20, 2000, 10_000]) rows.push(await rowOf(lab, files));
    return rows;
  },
};

async function rowOf(lab: Lab, files: number): Promise<Row> {
  const bytes = lab.quick ? 2e6 : 100e6;
  const dir = join(lab.dir, "strict", String(files));
  const slots = SLOTS.map((id) => ({
    id,
    source: join(dir, id),
    target: `lib/${id}`,
    operations: "tar|zstd",
  }));
  for (const [i, { source }] of slots.entries())
    writeEqual(source, files / SLOTS.length, bytes / SLOTS.length, i * files);
  const path = await pack(lab, { name: `strict-${files}`, command: "/bin/true", slots });
  removeFolder(dir);
  const home = freshHome(lab.dir);
  const trusted = { FLAVOR_TRUSTED_KEYS: toHex(keyPairFromText(SEED).publicKey) };
  const start = (more = {}) => ({ command: [path], env: environmentIn(home, { ...trusted, ...more }) });
  said(start());
  const digests = ["sh", "-c", 'find "$1" -type f -print0 | xargs -0 sha256sum', "sh", join(home, "cache")];
  need("sha256sum");
  const series = inTurn({ rounds: lab.rounds(9) }, [
    { name: "flavor, strict", run: () => milliseconds(start({ FLAVOR_VALIDATION: "strict" })) },
    {
      name: "sha256sum of every file",
      run: () => milliseconds({ command: digests, env: environmentIn(home) }),
    },
    { name: "flavor, standard", run: () => milliseconds(start()) },
  ]);
  removeFolder(home);
  const what = `warm start with a workenv of ${bytes / 1e6} MB in ${files} files`;
  return { id: `strict-${files}`, what, unit: "ms", series, bars: [], notes: [] };
}
