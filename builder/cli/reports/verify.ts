import { isValid, type Verification } from "../../../format/verify.ts";
import type { LauncherOrigin } from "../../launchers/origin.ts";
import type { Report } from "../io.ts";
import { counted, plain } from "./text.ts";

export interface VerifiedFile {
  /** As it was named. */
  readonly path: string;
  readonly verification: Verification;
  /** Where its launcher comes from; absent when the file is no package. */
  readonly origin?: LauncherOrigin;
}

/** No check: a launcher of another builder or version is none the worse for it. */
function inWords(found: LauncherOrigin): string {
  switch (found.origin) {
    case "this version":
      return `made by this version of flavor (${found.target})`;
    case "other":
      return found.claimed === undefined
        ? "not one that this version of flavor makes"
        : `not one that this version of flavor makes, though it says that it is (${found.claimed})`;
    case "unknown":
      return `cannot tell whether this version of flavor made it: no launcher for ${found.target} is here (flavor launchers build ${found.target})`;
    default:
      return found satisfies never;
  }
}

/** Every check, the verdict, and after a failure what to do. */
export const verifyReport: Report<VerifiedFile> = {
  schema: "flavor.verify/1",
  text: ({ path, verification, origin }, paint) => {
    const checks = verification.checks.map(({ name, ok, detail }) =>
      plain(`${ok ? "ok  " : "FAIL"} ${name}: ${detail}`).replace(/^\w+/, (word) =>
        paint(ok ? "green" : "red", word),
      ),
    );
    if (origin !== undefined) checks.push(`note launcher: ${inWords(origin)}`);
    const failed = verification.checks.filter((check) => !check.ok).length;
    const verdict = isValid(verification)
      ? `${plain(path)} is ${paint("green", "valid")}`
      : `${plain(path)} is ${paint("red", "NOT VALID")}: ${counted(failed, "check")} failed`;
    const hints = new Set(verification.checks.flatMap(({ hint }) => (hint === undefined ? [] : [hint])));
    return [...checks, verdict, ...[...hints].map((hint) => `  hint: ${hint}`)].join("\n");
  },
  json: ({ path, verification, origin }) => ({
    path,
    valid: isValid(verification),
    name: verification.package?.metadata.package.name ?? null,
    version: verification.package?.metadata.package.version ?? null,
    key: verification.signer ?? null,
    launcher:
      origin === undefined
        ? null
        : {
            origin: origin.origin,
            target: "target" in origin ? origin.target : null,
            claimed: "claimed" in origin ? origin.claimed : null,
          },
    checks: verification.checks.map(({ name, ok, detail, code = null, hint = null }) => ({
      name,
      ok,
      detail,
      code,
      hint,
    })),
  }),
};
