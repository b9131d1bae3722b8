import type { Lab } from "../lab/lab.ts";
import { type Payload, partPayload, treePayload } from "../lab/tree.ts";
import { copy, tarZstd } from "../peers/baselines.ts";
import { compare } from "../peers/compare.ts";
import { flavor } from "../peers/flavor.ts";
import { coldStart } from "../peers/peer.ts";
import { caxa, makeself } from "../peers/self-extracting.ts";
import type { Row, Unit } from "../results/results.ts";
import { bytesText } from "../results/tables.ts";
import type { Measurement } from "./measurement.ts";
import { MEMORY_BAR } from "./memory.ts";

const PEERS = [flavor, tarZstd, copy, caxa, makeself];
const SIZES = [1e6, 10e6, 50e6, 100e6];

/** Time and memory of a first start against the size of what is unpacked: the points of two plots. */
export const sizes: Measurement = {
  name: "sizes",
  rows: async (lab) => {
    const rows: Row[] = [];
    for (const bytes of lab.quick ? [1e6] : SIZES)
      rows.push(...(await rowsOf(lab, await partPayload(lab, bytes))));
    const [time, memory] = await rowsOf(lab, await treePayload(lab));
    return [...rows, time, { ...memory, bars: [MEMORY_BAR] }];
  },
};

async function rowsOf(lab: Lab, payload: Payload): Promise<readonly [time: Row, memory: Row]> {
  const of = `cold start of ${bytesText(payload.bytes)} in ${payload.files} files`;
  const rowOf = async (
    id: string,
    what: string,
    unit: Unit,
    rounds: number,
    warmUp: number,
  ): Promise<Row> => ({
    id: `${id}/${payload.name}`,
    what,
    unit,
    size: payload.bytes,
    series: await compare(lab, PEERS, payload, (name, it) => coldStart(name, it, lab.dir, unit), {
      rounds,
      warmUp,
    }),
    bars: [],
    notes: [],
  });
  return [
    await rowOf("cold", `${of}, in memory`, "ms", lab.rounds(5), 1),
    await rowOf("memory", `peak memory of a ${of}`, "MB", Math.min(3, lab.rounds(3)), 0),
  ];
}
