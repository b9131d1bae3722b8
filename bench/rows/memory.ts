import { closeSync, mkdirSync, openSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { someOf, writeEqual } from "../lab/content.ts";
import { type Lab, removeFolder } from "../lab/lab.ts";
import { Skip } from "../lab/skip.ts";
import { madePayload } from "../lab/tree.ts";
import { tarZstd } from "../peers/baselines.ts";
import { compare } from "../peers/compare.ts";
import { flavor } from "../peers/flavor.ts";
import { coldStart } from "../peers/peer.ts";
import type { Bar } from "../results/results.ts";
import type { Measurement } from "./measurement.ts";

/** For any size, in MB. */
export const MEMORY_BAR: Bar = { kind: "value", series: flavor.name, limit: 160 };

const GIB = 2 ** 30;
/** The content, what is unpacked of it, its archive and its package. */
const SPACE = 18 * GIB;

/** Peak memory of a cold start of 6 GiB, on the disk: five large files, and 20 000 that are small. */
export const memory: Measurement = {
  name: "memory-6gib",
  rows: async (lab) => {
    if (lab.quick) throw new Skip("it takes minutes: only full runs do it");
    const { bavail, bsize } = statfsSync(lab.disk);
    if (bavail * bsize < SPACE)
      throw new Skip(`${lab.disk} has ${Math.floor((bavail * bsize) / GIB)} GiB free, wanted ${SPACE / GIB}`);
    try {
      return await sixGib({ ...lab, dir: lab.disk });
    } finally {
      for (const name of ["payloads", "packages", "peers"]) removeFolder(join(lab.disk, name));
    }
  },
};

async function sixGib(lab: Lab) {
  const payload = await madePayload(lab, "6gib", lab.dir, (dir) => {
    for (let i = 0; i < 5; i++) writeLarge(join(dir, "large"), `${i}`, GIB);
    writeEqual(join(dir, "small"), 20_000, GIB);
  });
  const series = await compare(
    lab,
    [flavor, tarZstd],
    payload,
    (name, it) => coldStart(name, it, lab.dir, "MB"),
    {
      rounds: Math.min(2, lab.rounds(2)),
      warmUp: 0,
    },
  );
  const what = `peak memory of a cold start of 6 GiB in ${payload.files} files, on a disk`;
  return [
    {
      id: "memory/6gib",
      what,
      unit: "MB" as const,
      size: payload.bytes,
      series,
      bars: [MEMORY_BAR],
      notes: [],
    },
  ];
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
