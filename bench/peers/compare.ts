import type { Lab } from "../lab/lab.ts";
import { type Contestant, inTurn, missingSeries, type Rounds } from "../lab/rounds.ts";
import type { Payload } from "../lab/tree.ts";
import type { Series } from "../results/results.ts";
import { type Built, builtBy, type Peer } from "./peer.ts";

/**
 * Lets peers build a payload and then run in turn: one series each, in the order of the peers. A peer that cannot be had or
 * cannot carry the payload has no samples, and a reason.
 */
export async function compare(
  lab: Lab,
  peers: readonly Peer[],
  payload: Payload,
  contestantOf: (name: string, built: Built) => Contestant,
  rounds: Rounds,
): Promise<readonly Series[]> {
  const built: (Contestant | Series)[] = [];
  for (const peer of peers)
    try {
      built.push(contestantOf(peer.name, await builtBy(lab, peer, payload)));
    } catch (error) {
      built.push(missingSeries(peer.name, error));
    }
  const measured = inTurn(rounds, built.filter(isContestant));
  return built.map((it) =>
    isContestant(it) ? (measured.find(({ name }) => name === it.name) as Series) : it,
  );
}

const isContestant = (it: Contestant | Series): it is Contestant => "run" in it;
