import { closeSync, mkdirSync, openSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { someOf, writeEqual } from "../lab/content.ts";
import { type Lab, removeFolder } from "../lab/lab.ts";
import { flavorProgram } from "../lab/programs.ts";
import { Skip } from "../lab/skip.ts";
import { madePayload } from "../lab/tree.ts";
import { tarZstd } from "../peers/baselines.ts";
import { compare } from "../peers/compare.ts";
import { flavor } from "../peers/flavor.ts";
import { type Built, coldStart } from "../peers/peer.ts";
import type { Bar, Row } from "../results/results.ts";
import type { Measurement } from "./measurement.ts";

/** For any size, in MB. */
export const MEMORY_BAR: Bar = { kind: "value", series: flavor.name, limit: 160 };

const GIB = 2 ** 30;
/** The content, what is unpacked of it, its archive and its package. */
const SPACE = 18 * GIB;

/** Peak memory of cold starts of 1 and 6 GiB, on the disk: five large files, and small ones that have a sixth. */
export const memory: Measurement = {
  name: "memory-large",
  rows: async (lab) => {
    if (lab.quick) throw new Skip("it takes minutes: only full runs do it");
    const { bavail, bsize } = statfsSync(lab.disk);
    if (bavail * bsize < SPACE)
      throw new Skip(`${lab.disk} has ${Math.floor((bavail * bsize) / GIB)} GiB free, wanted ${SPACE / GIB}`);
    await flavorProgram(lab);
    return [await rowOf(lab, 1), await rowOf(lab, 6)];
  },
};

async function rowOf(lab: Lab, gibibytes: number): Promise<Row> {
  // memory has no room for it
  const onDisk = { ...lab, dir: join(lab.disk, "large") };
  const [name, sixth] = [`${gibibytes}gib`, (gibibytes * GIB) / 6];
  try {
    const payload = await madePayload(onDisk, name, (dir) => {
      for (let i = 0; i < 5; i++) writeLarge(join(dir, "large"), `${i}`, Math.floor(sixth));
      writeEqual(join(dir, "small"), Math.round(sixth / 50_000), sixth);
    });
    const contestant = (peer: string, it: Built) => coldStart(peer, it, lab.disk, "MB");
    const rounds = { rounds: Math.min(2, lab.rounds(2)), warmUp: 0 };
    const series = await compare(onDisk, [flavor, tarZstd], payload, contestant, rounds);
    const what = `peak memory of a cold start of ${gibibytes} GiB in ${payload.files} files, on a disk`;
    return {
      id: `memory/${name}`,
      what,
      unit: "MB",
      size: payload.bytes,
      series,
      bars: [MEMORY_BAR],
      notes: [],
    };
  } finally {
    removeFolder(onDisk.dir);
  }
}

function writeLarge(dir: string, name: string, size: number): void {
  mkdirSync(dir, { recursive: true });
  const fd = openSync(join(dir, name), "w");
  try {
    for (let at = 0; at < size;)
      at += writeSync(fd, someOf(Math.min(16 * 2 ** 20, size - at), at + Number(name)));
  } finally {
    closeSync(fd);
  }
}
