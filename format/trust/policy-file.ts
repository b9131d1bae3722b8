import type { Bytes } from "../types.ts";
import { type DocumentKind, parseDocument, refuseOthers } from "./document.ts";
import { VALIDATION_LEVELS, type ValidationLevel } from "./levels.ts";

/** What the machine's owner asks of every start. */
export interface Policy {
  /** The lowest level that the environment may choose. */
  readonly lowestValidation: ValidationLevel;
  /** "listed": the first use of a signer is not enough. "system": only the owner's list counts. */
  readonly trust: "anyone" | "listed" | "system";
  /** What becomes of a package that was built before one of its name and signer that was started here. */
  readonly rollback: "allow" | "refuse";
}

/** Where there is no policy. */
export const NO_POLICY: Policy = { lowestValidation: "none", trust: "anyone", rollback: "allow" };

export const POLICY: DocumentKind = {
  code: "policy-invalid",
  what: "the policy of this machine",
  schema: "flavor.policy/1",
  hint: (path) => `the machine's owner must mend or remove ${path}: until then nothing is started`,
};

/** A policy file. Throws `policy-invalid` for one that cannot be understood in full. */
export const parsePolicy = (bytes: Bytes, path: string): Policy =>
  parseDocument(bytes, path, POLICY, (members, problems) => {
    refuseOthers(members, ["schema", "lowest_validation", "trust", "rollback"], "", problems);
    const choice = <const T extends string>(name: string, list: readonly [T, ...T[]], otherwise: T): T =>
      Object.hasOwn(members, name) ? problems.oneOf(members, name, "", list) : otherwise;
    return {
      lowestValidation: choice("lowest_validation", VALIDATION_LEVELS, NO_POLICY.lowestValidation),
      trust: choice("trust", ["anyone", "listed", "system"], NO_POLICY.trust),
      rollback: choice("rollback", ["allow", "refuse"], NO_POLICY.rollback),
    };
  });
