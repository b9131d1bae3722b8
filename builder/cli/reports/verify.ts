import { isValid, type Verification } from "../../../format/verify.ts";
import type { Report } from "../io.ts";
import { counted, plain } from "./text.ts";

export interface VerifiedFile {
  /** As it was named. */
  readonly path: string;
  readonly verification: Verification;
}

/** Every check, the verdict, and after a failure what to do. */
export const verifyReport: Report<VerifiedFile> = {
  schema: "flavor.verify/1",
  text: ({ path, verification }, paint) => {
    const checks = verification.checks.map(({ name, ok, detail }) =>
      plain(`${ok ? "ok  " : "FAIL"} ${name}: ${detail}`).replace(/^\w+/, (word) =>
        paint(ok ? "green" : "red", word),
      ),
    );
    const failed = verification.checks.filter((check) => !check.ok).length;
    const verdict = isValid(verification)
      ? `${path} is ${paint("green", "valid")}`
      : `${path} is ${paint("red", "NOT VALID")}: ${counted(failed, "check")} failed`;
    const hints = new Set(verification.checks.flatMap(({ hint }) => (hint === undefined ? [] : [hint])));
    return [...checks, verdict, ...[...hints].map((hint) => `  hint: ${hint}`)].join("\n");
  },
  json: ({ path, verification }) => ({
    path,
    valid: isValid(verification),
    name: verification.package?.metadata.package.name ?? null,
    version: verification.package?.metadata.package.version ?? null,
    key: verification.signer ?? null,
    checks: verification.checks.map(({ name, ok, detail, code = null, hint = null }) => ({
      name,
      ok,
      detail,
      code,
      hint,
    })),
  }),
};
