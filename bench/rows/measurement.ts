import type { Lab } from "../lab/lab.ts";
import type { Row } from "../results/results.ts";

/** One thing that is measured. It throws Skip where that is not possible here. */
export interface Measurement {
  /** The word for it on the command line. */
  readonly name: string;
  readonly rows: (lab: Lab) => Promise<readonly Row[]>;
}
