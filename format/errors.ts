/**
 * Everything that can go wrong, and the exit code it means. Adding a failure is one row here; `docs/errors.md`
 * has one anchor per row and a test that compares the two.
 */
export const EXIT_CODES = {
  "internal-error": 101,
  // 102: the bytes are not a package, or not one that we read
  "not-a-package": 102,
  "unsupported-version": 102,
  "index-damaged": 102,
  "layout-invalid": 102,
  "metadata-invalid": 102,
  "slot-table-invalid": 102,
  "value-out-of-range": 102,
  // 103: unpacking
  "operation-unsupported": 103,
  "codec-failed": 103,
  "archive-invalid": 103,
  "path-escapes": 103,
  "slot-not-found": 103,
  "no-workenv-location": 103,
  "setup-failed": 103,
  "workenv-damaged": 103,
  // 104: starting the program
  "command-invalid": 104,
  "program-not-found": 104,
  "start-failed": 104,
  // 105: arguments and environment of a call
  "bad-arguments": 105,
  "workenv-not-found": 105,
  // 106: files and disks
  "io-failed": 106,
  "output-exists": 106,
  "workenv-busy": 106,
  // 107: integrity and trust
  "metadata-checksum-mismatch": 107,
  "signature-invalid": 107,
  "signature-missing": 107,
  "slot-checksum-mismatch": 107,
  "slot-table-mismatch": 107,
  "launcher-checksum-mismatch": 107,
  "key-invalid": 107,
  "signing-failed": 107,
  "statement-invalid": 107,
  "signer-changed": 107,
  "signer-revoked": 107,
  "signer-untrusted": 107,
  "package-older": 107,
  // 108, 109, 110: building
  "build-failed": 108,
  "manifest-invalid": 109,
  "policy-invalid": 109,
  "trust-store-invalid": 109,
  "launcher-unavailable": 110,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof EXIT_CODES;

export interface ErrorFacts {
  /** One line of advice: what the reader can do next. */
  readonly hint?: string;
  /** Single problems of a document, shown one per line below the message. */
  readonly problems?: readonly string[];
  readonly cause?: unknown;
}

/**
 * The one error class. `message` reads "Cannot <deed> <thing>: <state>, <wanted>"; `code` never changes. What is said
 * is shown on terminals and quotes packages: see `printable`. No text of it shows a private key.
 */
export class PspfError extends Error {
  override readonly name = "PspfError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly problems: readonly string[];

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(printable(message), facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.hint = facts.hint === undefined ? undefined : printable(facts.hint);
    this.problems = (facts.problems ?? []).map(printable);
  }

  get exitCode(): number {
    return EXIT_CODES[this.code];
  }
}

/** The exit code for anything that was thrown. */
export const exitCodeOf = (error: unknown): number =>
  error instanceof PspfError ? error.exitCode : EXIT_CODES["internal-error"];

/**
 * An error as text for a terminal: what happened, its problems and causes one per line, the hint, the code.
 * An error that is not ours shows its stack, because it is our bug.
 */
export function renderError(error: unknown, speaker = "error"): string {
  if (!(error instanceof PspfError))
    return withoutPrivateKeys(
      `${printable(speaker)}: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  const lines = [
    `${printable(speaker)}: ${error.message} [${error.code}]`,
    ...error.problems.map((p) => `  ${p}`),
  ];
  lines.push(...causesOf(error).map((cause) => `  caused by: ${cause}`));
  if (error.hint !== undefined) lines.push(`  hint: ${error.hint}`);
  return lines.join("\n");
}

/** What each error behind an error says, the nearest first. */
export function causesOf({ cause }: Error): readonly string[] {
  return cause instanceof Error ? [printable(cause.message), ...causesOf(cause)] : [];
}

/** Characters of one text: two paths of the longest kind fit, a document that is quoted whole does not. */
const MAX_TEXT = 10_000;

/**
 * A text for others to see: private keys are cut out. PEM, also where it is cut, and what tells a key in the base64 of
 * Ed25519's PKCS#8, when that is not encrypted. Who gives a key where its file was asked for gets it quoted otherwise, in
 * the logs of a build for all to read.
 */
export const withoutPrivateKeys = (text: string): string =>
  text.replace(
    /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)|BQYDK2VwBCIEI[\w+/=-]*/g,
    "(a private key)",
  );

/** Text that neither breaks lines nor steers a terminal, whoever wrote it: what could is spelled as \uXXXX. */
export const printable = (text: string): string =>
  withoutPrivateKeys(text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text).replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is removed
    /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
