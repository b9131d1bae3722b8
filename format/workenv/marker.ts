import type { Sha256 } from "../types.ts";
import type { LaunchFacts } from "../wire/metadata-types.ts";
import type { Seal } from "../seal/package-seal.ts";

const SCHEMA = "flavor.workenv/1";

/** What the completion marker vouches for. It is written last, by rename. */
export interface Marker {
  readonly schema: typeof SCHEMA;
  readonly packageId: string;
  /** SHA-256 of the package's whole index block, and by its checksum of the metadata. Names only suggest, this decides. */
  readonly digest: Sha256;
  /** SHA-256 of the metadata's JSON: it names every byte of the content. */
  readonly jsonDigest: Sha256;
  /** Inode of the content directory: another directory under the same name is not the one vouched for. */
  readonly inode: number;
  /** What the seal was when the slots were unpacked, so that a stricter level asks again. */
  readonly seal: Seal | "unchecked";
  /** What a warm start would otherwise read from the package again. */
  readonly launch: LaunchFacts;
  /** Whether the content was on the disk before this marker was. */
  readonly durable: boolean;
  /** The run of the system in which it was made, where the system tells. */
  readonly bootId?: string;
  /** ISO 8601. */
  readonly created: string;
}

export const newMarker = (facts: Omit<Marker, "schema">): Marker => ({ schema: SCHEMA, ...facts });

export const encodeMarker = (marker: Marker): string => `${JSON.stringify(marker)}\n`;

/** A marker, or undefined for anything else: a look-up never fails on bad data. */
export function decodeMarker(text: string): Marker | undefined {
  try {
    const value = JSON.parse(text) as Partial<Marker> | null;
    const isOurs =
      value?.schema === SCHEMA &&
      [value.digest, value.jsonDigest, value.bootId ?? ""].every((text) => typeof text === "string") &&
      typeof value.inode === "number" &&
      typeof value.durable === "boolean";
    return isOurs && hasAllFacts(value.launch) ? (value as Marker) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether everything is there that a start looks into: a marker may be of another version of us. */
function hasAllFacts({
  package: about,
  execution,
  runtimeEnv,
  workenv,
  slots,
}: Partial<LaunchFacts> = {}): boolean {
  const tables = [execution?.env, runtimeEnv?.map, runtimeEnv?.set, workenv?.env];
  const lists = [runtimeEnv?.unset, runtimeEnv?.pass, slots];
  return (
    [about?.name, about?.version, execution?.command].every((text) => typeof text === "string") &&
    tables.every((table) => typeof table === "object" && table !== null) &&
    lists.every(Array.isArray)
  );
}
