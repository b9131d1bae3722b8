import { join } from "node:path";
import { environmentIn, freshFolder, freshHome, type Lab, removeFolder, type Start } from "../lab/lab.ts";
import { peakMegabytes } from "../lab/peak.ts";
import { milliseconds, said } from "../lab/process.ts";
import type { Contestant } from "../lab/rounds.ts";
import { Skip } from "../lab/skip.ts";
import { carriesMore, type Payload } from "../lab/tree.ts";

/** A way to make one file of a payload. */
export interface Peer {
  readonly name: string;
  /** Whether a folder of files can go along. */
  readonly carriesFiles: boolean;
  /** Makes the file. Throws Skip where the tool cannot be had. */
  readonly build: (lab: Lab, payload: Payload, dir: string) => Promise<Built> | Built;
}

export interface Built {
  /** What a user would be given; its size is compared. */
  readonly file: string;
  readonly start: Start;
  /** Tidies up after a start, where a start leaves something outside its home. */
  readonly end?: (home: string) => void;
}

/** What a peer makes of a payload, made once. Throws Skip. */
export const builtBy = (lab: Lab, peer: Peer, payload: Payload): Promise<Built> =>
  lab.once(`${peer.name} of ${payload.name}`, () => {
    if (!peer.carriesFiles && carriesMore(payload)) throw new Skip("it carries no files");
    return peer.build(lab, payload, freshFolder(join(lab.dir, "peers"), payload.name));
  });

/** A first start for a user who never had it: what is measured is its time or its peak of memory. */
export function coldStart(
  name: string,
  { start, end }: Built,
  parent: string,
  unit: "ms" | "MB" = "ms",
): Contestant {
  let home = "";
  return {
    name,
    before: () => {
      // what was removed after the last run is no burden of this one
      said({ command: ["sync", "-f", parent], env: environmentIn(parent) });
      home = freshHome(parent);
    },
    run: () => (unit === "ms" ? milliseconds : peakMegabytes)(start(home)),
    after: () => {
      end?.(home);
      removeFolder(home);
    },
  };
}

/** A start for a user who has had it before. */
export function warmStart(name: string, { start, end }: Built, parent: string): Contestant {
  let home: string | undefined;
  return {
    name,
    before: () => {
      if (home !== undefined) return;
      home = freshHome(parent);
      said(start(home));
      end?.(home);
    },
    run: () => milliseconds(start(home as string)),
    after: () => end?.(home as string),
    close: () => {
      if (home !== undefined) removeFolder(home);
    },
  };
}
