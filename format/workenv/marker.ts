import type { Sha256 } from "../types.ts";
import type { LaunchFacts } from "../wire/metadata-types.ts";
import {
  LEVELS,
  type TrustState,
  VALIDATION_LEVELS,
  type SealState,
  type ValidationLevel,
} from "../trust/levels.ts";
import type { FileFacts } from "./mending/file-facts.ts";

const SCHEMA = "flavor.workenv/2";

/** What the completion marker vouches for. It is written last, by rename. The time of its file is the last use. */
export interface Marker {
  readonly schema: typeof SCHEMA;
  readonly packageId: string;
  /** SHA-256 of the package's whole index block, and by its checksum of the metadata. Names only suggest, this decides. */
  readonly digest: Sha256;
  /** SHA-256 of the metadata's JSON: it names every byte of the content. */
  readonly jsonDigest: Sha256;
  /** The public key in the package, in hex; zeros when it has none. */
  readonly signer: string;
  /** Absolute path of the package's file. */
  readonly source: string;
  /** Absolute path of the content: setup commands may have written it into files. */
  readonly place: string;
  /** Inode of the content directory: another directory under the same name is not the one vouched for. */
  readonly inode: number;
  /** When that directory came into being, in milliseconds: file systems give inode numbers out again. */
  readonly born: number;
  /** What the seal was when the slots were unpacked, so that a stricter level asks again. */
  readonly seal: SealState;
  /** What was known of the signer then. */
  readonly trust: TrustState;
  /** The lowest level that the machine's owner allowed then. */
  readonly lowest: ValidationLevel;
  /** What a warm start would otherwise read from the package again. */
  readonly launch: LaunchFacts;
  /** Indices of the slots that are there. */
  readonly slots: readonly number[];
  /** A few files, of which each start looks at some. */
  readonly sample: Sample;
  /** Damage was found and is being repaired: nothing is vouched for until every file was looked at. */
  readonly suspect: boolean;
  /** Whether the content was on the disk before this marker was. */
  readonly durable: boolean;
  /** The run of the system in which it was made, where the system tells. */
  readonly bootId?: string;
  /** ISO 8601. */
  readonly created: string;
}

/** Files of a workenv that stand for all of them. */
export interface Sample {
  /** Those that the command names: every start looks at them. */
  readonly entryPoints: readonly FileFacts[];
  /** Others, spread over all. */
  readonly others: readonly FileFacts[];
}

export const newMarker = (facts: Omit<Marker, "schema">): Marker => ({ schema: SCHEMA, ...facts });

export const encodeMarker = (marker: Marker): string => `${JSON.stringify(marker)}\n`;

/** A marker, or undefined for anything else: a look-up never fails on bad data. */
export function decodeMarker(text: string): Marker | undefined {
  try {
    const value = JSON.parse(text) as Partial<Marker> | null;
    if (value?.schema !== SCHEMA || !hasAllMembers(value) || !hasAllFacts(value.launch)) return undefined;
    const { trust, lowest } = value;
    // Markers from before signers were asked for, and of a later version of us, say nothing about them.
    const isKnown = trust !== undefined && Object.hasOwn(LEVELS.none.trust, trust);
    const isLevel = lowest !== undefined && VALIDATION_LEVELS.includes(lowest);
    return Object.assign(value as Marker, {
      trust: isKnown ? trust : "unchecked",
      lowest: isLevel ? lowest : "none",
    });
  } catch {
    return undefined;
  }
}

// Every start comes by here once, and what runs once is not compiled: plain questions in a row take a fifth of the time
// that lists of them took, which were asked by closures through `every`. What is called fifty times is compiled, by a thread
// that JSC starts for that: so no question is asked of each item of a list by a function.

const hasAllMembers = (marker: Partial<Marker>): boolean =>
  typeof marker.digest === "string" &&
  typeof marker.jsonDigest === "string" &&
  typeof marker.signer === "string" &&
  typeof marker.source === "string" &&
  typeof marker.place === "string" &&
  typeof marker.created === "string" &&
  (marker.bootId === undefined || typeof marker.bootId === "string") &&
  isNumber(marker.inode) &&
  isNumber(marker.born) &&
  typeof marker.durable === "boolean" &&
  typeof marker.suspect === "boolean" &&
  isListOf(marker.slots, "number") &&
  areFacts(marker.sample?.entryPoints) &&
  areFacts(marker.sample?.others);

/** Whether everything is there that a start looks into: a marker may be of another version of us. */
const hasAllFacts = (launch: Partial<LaunchFacts> = {}): boolean =>
  typeof launch.eachStart === "boolean" &&
  typeof launch.atEnd === "boolean" &&
  typeof launch.package?.name === "string" &&
  typeof launch.package.version === "string" &&
  typeof launch.execution?.command === "string" &&
  isNumber(launch.execution.primarySlot) &&
  isTextTable(launch.execution.env) &&
  isTextTable(launch.runtimeEnv?.map) &&
  isTextTable(launch.runtimeEnv?.set) &&
  isTextTable(launch.workenv?.env) &&
  isListOf(launch.runtimeEnv?.unset, "string") &&
  isListOf(launch.runtimeEnv?.pass, "string") &&
  isListOf(launch.devSlots, "number") &&
  haveTargets(launch.slots);

/** In JSON, 1e999 is a number, too, but none that could be written again: infinite, it is not 0 without itself. */
const isNumber = (value: unknown): boolean => typeof value === "number" && value - value === 0;

function isListOf(value: unknown, type: "string" | "number"): boolean {
  if (!Array.isArray(value)) return false;
  for (const item of value)
    if (typeof item !== type || (type === "number" && item - item !== 0)) return false;
  return true;
}

function haveTargets(slots: unknown): boolean {
  if (!Array.isArray(slots)) return false;
  for (const slot of slots) if (typeof slot?.target !== "string") return false;
  return true;
}

function areFacts(rows: unknown): boolean {
  if (!Array.isArray(rows)) return false;
  for (const row of rows) {
    if (!Array.isArray(row) || typeof row[0] !== "string") return false;
    for (let i = 1; i <= 3; i++) if (typeof row[i] !== "number" || row[i] - row[i] !== 0) return false;
  }
  return true;
}

function isTextTable(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  for (const name in value) if (typeof (value as Record<string, unknown>)[name] !== "string") return false;
  return true;
}
