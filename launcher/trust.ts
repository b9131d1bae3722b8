import { recheckWorkenvs } from "../format/cache/recheck.ts";
import { PspfError } from "../format/errors.ts";
import type { Package } from "../format/reader.ts";
import { sealOf } from "../format/seal/package-seal.ts";
import { type Advisers, type Consultation, readPolicy } from "../format/trust/consult.ts";
import { parseTrustedKeys } from "../format/trust/environment-keys.ts";
import { explain } from "../format/trust/explain.ts";
import { formerSignersOf } from "../format/trust/judge.ts";
import {
  isBelow,
  LEVELS,
  type Level,
  looksAtSeal,
  type SealState,
  stricterOf,
  type TrustState,
  type ValidationLevel,
} from "../format/trust/levels.ts";
import { type TrustPlaces, trustPlaces } from "../format/trust/places.ts";
import { POLICY, type Policy } from "../format/trust/policy-file.ts";
import { consultAndRemember } from "../format/trust/remember.ts";
import type { LauncherOptions } from "./env.ts";
import type { Invocation } from "./invocation.ts";
import { logOf } from "./log.ts";
import { say, warn } from "./say.ts";
import { candidatesFor } from "./workenv.ts";

/** What was found out about a package that may be started. */
export interface Judged {
  readonly seal: SealState;
  readonly trust: TrustState;
  /** The lowest level that the machine's owner allows. */
  readonly lowest: ValidationLevel;
  /** The one that counts for this start. */
  readonly level: ValidationLevel;
  /** Keys that have handed over to the signer. */
  readonly formerSigners: readonly string[];
}

/**
 * Looks at the seal and the signer of a package as far as the level asks for it. What the level refuses is thrown,
 * before anything of the package is unpacked or remembered; what it warns of is one line.
 */
export async function judgePackage(
  pkg: Package,
  call: Invocation,
  options: LauncherOptions,
): Promise<Judged> {
  const log = logOf(call, options);
  const places = placesOf(call);
  const policy = readPolicy(places);
  const level = levelUnder(policy, places, options);
  const seal = looksAtSeal(level) ? await sealOf(pkg) : "unchecked";
  enforceSeal(seal, level, call);
  log("debug", () => `the seal is ${seal}`);
  // Without a valid seal nobody has signed: there is no signer to ask about.
  const { trust, formerSigners } =
    seal === "valid" ? await judgeSignerOf(pkg, { call, options, level }) : NOT_ASKED;
  log("debug", () => `the signer is ${trust}`);
  return { seal, trust, lowest: policy.lowestValidation, level, formerSigners };
}

/** The level that counts for a start. Throws `bad-arguments` when the caller asks for less than the policy allows. */
export const levelOf = (call: Invocation, options: LauncherOptions): ValidationLevel =>
  levelUnder(readPolicy(placesOf(call)), placesOf(call), options);

/** Whom a call asks about signers. Throws `bad-arguments` for a FLAVOR_TRUSTED_KEYS that makes no sense. */
export const advisersOf = async (call: Invocation, { trustedKeys }: LauncherOptions): Promise<Advisers> => ({
  places: placesOf(call),
  environmentKeys: trustedKeys === undefined ? undefined : await parseTrustedKeys(trustedKeys, call.cwd),
});

const placesOf = ({ env, host }: Invocation): TrustPlaces =>
  trustPlaces({ env, windows: host.os === "windows" });

function levelUnder(
  { lowestValidation }: Policy,
  { policy }: TrustPlaces,
  { validation, isLevelAsked }: LauncherOptions,
): ValidationLevel {
  if (isLevelAsked && isBelow(validation, lowestValidation))
    throw new PspfError(
      "bad-arguments",
      `Cannot use FLAVOR_VALIDATION=${validation}: ${POLICY.what} wants at least ${lowestValidation}`,
      { hint: `the machine's owner says so in ${policy}` },
    );
  return stricterOf(validation, lowestValidation);
}

function enforceSeal(seal: SealState, level: ValidationLevel, call: Invocation): void {
  const fault = seal === "missing" ? "it is not signed" : "its signature does not match its metadata";
  const row: Level = LEVELS[level];
  switch (row.seal[seal]) {
    case "run":
      return;
    case "warn":
      return say(call, `warning: ${fault}; ${becauseOf(level)}`);
    case "refuse":
      throw new PspfError(
        seal === "missing" ? "signature-missing" : "signature-invalid",
        `Cannot trust this package: ${fault}`,
        { hint: "get it again from its author" },
      );
  }
}

const becauseOf = (level: ValidationLevel): string => `it runs because FLAVOR_VALIDATION=${level}`;

interface Circumstances {
  readonly call: Invocation;
  readonly options: LauncherOptions;
  readonly level: ValidationLevel;
}

const NOT_ASKED = { trust: "unchecked", formerSigners: [] } as const;

async function judgeSignerOf(
  pkg: Package,
  { call, options, level }: Circumstances,
): Promise<Pick<Judged, "trust" | "formerSigners">> {
  const log = logOf(call, options);
  const advisers = await advisersOf(call, options);
  const warned = new Set<string>();
  try {
    const { state, about, isReplaced } = await consultAndRemember({
      ...advisers,
      pkg,
      uid: call.uid,
      accept: (found) => {
        const line = enforceTrust(found, level);
        if (line !== undefined && !warned.has(line)) say(call, `warning: ${line}; ${becauseOf(level)}`);
        if (line !== undefined) warned.add(line);
      },
      onForgotten: (reason) => log("info", () => `the signer cannot be remembered: ${reason}`),
    });
    // Older builds that are ready, and those of the former signer, are asked about at their next start.
    if (isReplaced) recheckOthers(pkg, call);
    return { trust: state, formerSigners: formerSignersOf(about) };
  } catch (error) {
    const isOurs = error instanceof PspfError && error.code === "trust-store-invalid";
    const row: Level = LEVELS[level];
    if (!isOurs || row.trust.unchecked === "refuse") throw error;
    warn(call, `the signer is not known; ${becauseOf(level)}`, error);
    return NOT_ASKED;
  }
}

function recheckOthers({ id, metadata }: Package, call: Invocation): void {
  const { name } = metadata.package;
  recheckWorkenvs(
    candidatesFor(call).map(({ path }) => path),
    ({ packageId, launch }) => launch.package.name === name && packageId !== id,
  );
}

/** What is to be warned of; throws what is refused. */
function enforceTrust(found: Consultation, level: ValidationLevel): string | undefined {
  const row: Level = LEVELS[level];
  const verdict = row.trust[found.finding.kind];
  if (verdict === "run") return undefined;
  const { code, state, facts, hint } = explain(found);
  if (verdict === "warn") return `${state} (${facts.join("; ")})`;
  throw new PspfError(code, `Cannot trust this package: ${state}`, { problems: facts, hint });
}
