import { existsSync } from "node:fs";
import { readPolicy } from "../../format/trust/consult.ts";
import type { TrustPlaces } from "../../format/trust/places.ts";
import type { Policy } from "../../format/trust/policy-file.ts";
import { type KnownFile, listKnown } from "./memory.ts";
import { readStores, type StoreFile } from "./store-file.ts";

/** Everything that this user, this machine's owner and first uses have said. */
export interface TrustList {
  readonly stores: readonly StoreFile[];
  readonly policy: Policy & { readonly path: string; readonly exists: boolean };
  /** The folder of what is remembered; undefined where there is no home. */
  readonly memory: string | undefined;
  readonly known: readonly KnownFile[];
}

/** Reads it all. Throws `trust-store-invalid`, `policy-invalid`, `io-failed`; what is remembered may be damaged. */
export const listTrust = (places: TrustPlaces): TrustList => ({
  stores: readStores(places),
  policy: { ...readPolicy(places), path: places.policy, exists: existsSync(places.policy) },
  memory: places.memory,
  known: listKnown(places),
});
