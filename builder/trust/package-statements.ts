import { PspfError } from "../../format/errors.ts";
import { fitsAny } from "../../format/trust/package-patterns.ts";
import type { Statement } from "../../format/trust/statement.ts";
import { readStatement } from "./statement-file.ts";

/** Which statements go into a package. */
export interface StatementChoice {
  /** Files of rotations; each must lead to the key that signs. */
  readonly statements?: readonly string[];
  /** Files that lie about: those that lead to the key that signs are taken. */
  readonly foundStatements?: readonly string[];
}

/** What the statements must be about. */
interface SignedPackage {
  readonly name: string;
  /** The key that signs it, in hex. */
  readonly signer: string;
}

/** A statement that was read. */
interface Read {
  readonly path: string;
  readonly statement: Statement;
}

/**
 * The rotations that lead to the key that signs a package, each once: who remembers one of the earlier keys accepts
 * the package by them. Throws `statement-invalid` for a file that is no genuine statement, and for a chosen one that
 * does not lead there.
 */
export async function statementsFor(
  { name, signer }: SignedPackage,
  { statements: chosen = [], foundStatements: found = [] }: StatementChoice,
): Promise<readonly Statement[]> {
  const read = await Promise.all(
    [...chosen, ...found].map(async (path): Promise<Read> => ({
      path,
      statement: await readStatement(path),
    })),
  );
  const useful = leadingTo(
    signer,
    read.filter(({ statement }) => isAbout(statement, name)),
  );
  const useless = read.slice(0, chosen.length).find((each) => !useful.includes(each));
  if (useless !== undefined) throw leadsNowhere(useless, name, signer);
  const bySignature = new Map(useful.map(({ statement }) => [statement.signature, statement]));
  return [...bySignature.values()];
}

const isAbout = (statement: Statement, name: string): boolean =>
  statement.kind === "rotation" && fitsAny(name, statement.packages);

/** Those whose last successor is a key, in the order of the list. */
function leadingTo(key: string, read: readonly Read[]): readonly Read[] {
  const reached = new Set([key]);
  const isUseful = ({ statement }: Read) => statement.kind === "rotation" && reached.has(statement.to);
  // Each round takes one more step back; there are no more steps than statements.
  for (const _ of read)
    for (const { statement } of read.filter(isUseful))
      if (statement.kind === "rotation") reached.add(statement.from);
  return read.filter(isUseful);
}

function leadsNowhere({ path, statement }: Read, name: string, signer: string): PspfError {
  const refuse = (state: string, hint: string) =>
    new PspfError("statement-invalid", `Cannot pack the statement ${path}: ${state}`, { hint });
  if (statement.kind === "revocation")
    return refuse(
      `it revokes the key ${statement.key}`,
      '"flavor trust add" takes it into the trust store of those who shall know',
    );
  if (!isAbout(statement, name))
    return refuse(
      `it is about ${statement.packages.join(", ")}, not about ${name}`,
      '"flavor trust statement rotate --package" says which packages a statement is about',
    );
  return refuse(
    `it names ${statement.to} as the new key, the package is signed by ${signer}`,
    "sign with the private key of the new one, or leave the statement out",
  );
}
