import { PspfError } from "../errors.ts";
import type { Package } from "../reader.ts";
import { type Advisers, consult } from "./consult.ts";
import { explain } from "./explain.ts";
import { LEVELS, type Level, stricterOf } from "./levels.ts";
import type { Verification } from "../verify.ts";
import type { Check } from "../verifying/check.ts";

/**
 * A verification with what is known here about the signer, behind the check of the signature. It fails where a start
 * would be refused for which the environment asks for no level. Without a valid signature there is no signer to ask about.
 */
export async function withSignerCheck(verification: Verification, advisers: Advisers): Promise<Verification> {
  const { package: pkg, checks } = verification;
  const at = checks.findIndex(({ name }) => name === "signature");
  if (pkg === undefined || checks[at]?.ok !== true) return verification;
  const signer = await signerCheck(pkg, advisers);
  return { ...verification, checks: checks.toSpliced(at + 1, 0, signer) };
}

async function signerCheck(pkg: Package, advisers: Advisers): Promise<Check> {
  try {
    const consultation = await consult({ pkg, ...advisers });
    const { state, code, facts, hint } = explain(consultation);
    const usual: Level = LEVELS[stricterOf("standard", consultation.about.policy.lowestValidation)];
    return usual.trust[consultation.finding.kind] === "refuse"
      ? { name: "signer", ok: false, detail: [state, ...facts].join("; "), code, hint }
      : { name: "signer", ok: true, detail: state };
  } catch (error) {
    if (!(error instanceof PspfError)) throw error;
    const { message, problems, code, hint = "" } = error;
    return { name: "signer", ok: false, detail: [message, ...problems].join("; "), code, hint };
  }
}
