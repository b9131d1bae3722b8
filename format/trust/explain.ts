import { type ErrorCode, printable } from "../errors.ts";
import type { Consultation } from "./consult.ts";
import type { KnownPackage } from "./known-packages.ts";

/** What was found about a signer, for people. */
export interface Explanation {
  /** The reason why a start is refused, if it is. */
  readonly code: ErrorCode;
  /** Behind "Cannot trust this package: ". */
  readonly state: string;
  /** One fact a line: the keys above all. */
  readonly facts: readonly string[];
  /** What to do about it. */
  readonly hint: string;
}

/** Puts a finding into words. Names and reasons come from others: what could steer a terminal is spelled out. */
export function explain({ finding, about, memoryFile }: Consultation): Explanation {
  const { name, version, signer, built } = about;
  const quoted = printable(JSON.stringify(name));
  const now = `now: ${signer}${about.isAnonymous ? " (made for this build alone)" : ""}`;
  const key = `signer: ${signer}`;
  const forget = forgetHint(name, memoryFile);
  const listing = addHint(signer, name);
  const add = (more: string) => (listing === undefined ? BY_VARIABLE : `${listing}${more}`);
  switch (finding.kind) {
    case "trusted":
      return accepted(`its signer is "${printable(finding.name)}" in ${finding.by}`, [key]);
    case "named":
      return accepted("its signer is one of FLAVOR_TRUSTED_KEYS", [key]);
    case "known":
      return untrusted(
        `its signer has signed ${quoted} before, but is in no trust store`,
        [key, sinceLine(finding.remembered)],
        listing,
      );
    case "successor":
      return untrusted(
        `the former signer of ${quoted} has handed over to its signer, which is in no trust store`,
        [rememberedLine(finding.remembered), now],
        listing,
      );
    case "new":
      return untrusted("its signer is in no trust store", [key], listing);
    case "anonymous":
      return {
        ...accepted("it was signed with a key that was made for this build alone", [key]),
        hint: "ask its author for one that is signed with a key of theirs",
      };
    case "changed":
      return {
        code: "signer-changed",
        state: `${quoted} was signed by another key until now`,
        facts: [rememberedLine(finding.remembered), now],
        hint: `if its author has changed the key: ${forget}`,
      };
    case "revoked": {
      const reason = finding.reason === "" ? [] : [`reason: ${printable(finding.reason)}`];
      return {
        code: "signer-revoked",
        state: `the key that signed it was revoked by ${finding.where}`,
        facts: [key, ...reason],
        hint: "ask its author for one that is signed with another key",
      };
    }
    case "pinned":
      return {
        code: "signer-untrusted",
        state: `${finding.by} wants another key for ${quoted}`,
        facts: [...finding.to.map((row) => `wanted: ${row.key} (${printable(row.name)})`), now],
        hint: `if that key is its author's, too: ${add(finding.by === "your trust store" ? "" : " --system, as root")}`,
      };
    case "unlisted":
      return finding.by === "FLAVOR_TRUSTED_KEYS"
        ? {
            code: "signer-untrusted",
            state: "its signer is not one of FLAVOR_TRUSTED_KEYS",
            facts: [key],
            hint: "if that key is its author's, add it to FLAVOR_TRUSTED_KEYS",
          }
        : {
            code: "signer-untrusted",
            state: "the policy of this machine wants a signer that is listed, and this one is not",
            facts: [key],
            hint: `if that key is its author's: ${add(about.policy.trust === "system" ? " --system, as root" : "")}`,
          };
    case "older":
      return {
        code: "package-older",
        state: `it was built before the ${quoted} that was started here last, and the policy of this machine forbids that`,
        facts: [
          `newest: ${finding.newest}${about.remembered === undefined ? "" : ` (version ${printable(about.remembered.version)})`}`,
          `this one: ${built ?? "it does not say when"} (version ${printable(version)})`,
        ],
        hint: `if an older one is what you want: ${forget}`,
      };
    default:
      return finding satisfies never;
  }
}

/** What is refused only where a listed signer is demanded. */
const untrusted = (state: string, facts: readonly string[], listing: string | undefined): Explanation => ({
  code: "signer-untrusted",
  state,
  facts,
  hint: `if that key is its author's: ${listing === undefined ? BY_VARIABLE : `${listing}, or FLAVOR_TRUSTED_KEYS`}`,
});

/** What no level refuses, or for another reason than its signer. */
const accepted = (state: string, facts: readonly string[]): Explanation => ({
  code: "signer-untrusted",
  state,
  facts,
  hint: "",
});

const BY_VARIABLE = "list it in FLAVOR_TRUSTED_KEYS";

/**
 * How to trust a key for packages of a name and for no others; undefined for a name that cannot be typed, or that would
 * be a pattern and mean others, too.
 */
function addHint(signer: string, name: string): string | undefined {
  const word = argument(name);
  return word === undefined || name.includes("*")
    ? undefined
    : `flavor trust add ${signer} --package=${word}`;
}

const rememberedLine = (known: KnownPackage): string => `remembered: ${known.signer} (${since(known)})`;
const sinceLine = (known: KnownPackage): string => `remembered ${since(known)}`;

const since = ({ firstSeen, version }: KnownPackage): string =>
  `since ${firstSeen.slice(0, 10)}, version ${printable(version)}`;

/** The remedy must also work for who has no `flavor`. */
function forgetHint(name: string, file: string | undefined): string {
  const word = argument(name);
  const ways = [
    ...(word === undefined ? [] : [`flavor trust forget ${word.startsWith("'-") ? "-- " : ""}${word}`]),
    ...(file === undefined ? [] : [`remove ${file}`]),
  ];
  return ways.join(", or ");
}

/** A name as an argument for a shell, whatever is in it; undefined for one that cannot be typed. */
function argument(name: string): string | undefined {
  if (/^[\w.][\w.-]*$/.test(name)) return name;
  return name === printable(name) ? `'${name.replaceAll("'", `'\\''`)}'` : undefined;
}
