import { join } from "node:path";
import type { Package } from "../reader.ts";
import { signerOf } from "../seal/package-seal.ts";
import { isTime } from "./document.ts";
import { type Case, type Finding, judgeSigner } from "./judge.ts";
import { KNOWN, type KnownPackage, knownFileName, parseKnown } from "./known-packages.ts";
import type { TrustPlaces } from "./places.ts";
import { NO_POLICY, parsePolicy, POLICY, type Policy } from "./policy-file.ts";
import { isGenuine, type Statement } from "./statement.ts";
import { readTrustFile, type Keeper } from "./trust-file.ts";
import { EMPTY_STORE, parseTrustStore, TRUST_STORE, type TrustStore } from "./trust-store.ts";

/** Whom to ask about a signer. */
export interface Advisers {
  readonly places: TrustPlaces;
  /** What FLAVOR_TRUSTED_KEYS lists; undefined when it is not set. */
  readonly environmentKeys: readonly string[] | undefined;
}

/** Whom to ask about the signer of a package. */
export interface ConsultRequest extends Advisers {
  /** Its seal is valid. */
  readonly pkg: Pick<Package, "index" | "metadata">;
}

/** What was found, and what it was found from. */
export interface Consultation {
  readonly finding: Finding;
  readonly about: Case;
  /** Where the package is remembered; undefined where there is no home. */
  readonly memoryFile: string | undefined;
}

/**
 * What is known here about the signer of a package. Only reads. Throws `policy-invalid` and `trust-store-invalid` for
 * files that cannot be used.
 */
export async function consult({ pkg, ...advisers }: ConsultRequest): Promise<Consultation> {
  const { name, version } = pkg.metadata.package;
  const { memoryFile, ...known } = await knowledgeOf(name, advisers);
  const passedOn = await genuine(pkg.metadata.statements ?? []);
  const about: Case = {
    ...known,
    version,
    signer: signerOf(pkg),
    isAnonymous: pkg.metadata.isAnonymous === true,
    built: builtOf(pkg),
    rotations: [...known.rotations, ...passedOn.filter(isRotation)],
  };
  return { finding: judgeSigner(about), about, memoryFile };
}

/** What is known here about packages of a name, whoever signs them. */
export type Knowledge = Omit<Case, "version" | "signer" | "isAnonymous" | "built"> &
  Pick<Consultation, "memoryFile">;

/** What is known here about packages of a name. Throws as `consult` does. */
export async function knowledgeOf(name: string, { places, environmentKeys }: Advisers): Promise<Knowledge> {
  const userStore = places.userStore === undefined ? EMPTY_STORE : readStore(places.userStore, "the user");
  const systemStore = readStore(places.systemStore, "the system");
  const memoryFile = places.memory && join(places.memory, knownFileName(name));
  const stated = await genuine([...userStore.statements, ...systemStore.statements]);
  return {
    name,
    remembered: memoryFile === undefined ? undefined : recall(memoryFile, name),
    userStore,
    systemStore,
    environmentKeys,
    policy: readPolicy(places),
    rotations: stated.filter(isRotation),
    selfRevoked: new Map(stated.filter(isRevocation).map(({ key, reason }) => [key, reason])),
    memoryFile,
  };
}

/** What the machine's owner asks. Throws `policy-invalid`. */
export function readPolicy({ policy }: Pick<TrustPlaces, "policy">): Policy {
  const bytes = readTrustFile(policy, POLICY, "the system");
  return bytes === undefined ? NO_POLICY : parsePolicy(bytes, policy);
}

/** A trust store; the empty one where there is no file. Throws `trust-store-invalid`. */
export function readStore(path: string, keeper: Keeper): TrustStore {
  const bytes = readTrustFile(path, TRUST_STORE, keeper);
  return bytes === undefined ? EMPTY_STORE : parseTrustStore(bytes, path);
}

/** What is remembered of a package in its file. Throws `trust-store-invalid`. */
export function recall(file: string, name: string): KnownPackage | undefined {
  const bytes = readTrustFile(file, KNOWN, "the user");
  return bytes === undefined ? undefined : parseKnown(bytes, file, name);
}

/** When a package was built, as UTC; undefined when it does not say, or not so that it can be compared. */
function builtOf({ metadata }: ConsultRequest["pkg"]): string | undefined {
  const time = Date.parse(metadata.build?.timestamp ?? "");
  if (Number.isNaN(time)) return undefined;
  const text = new Date(time).toISOString();
  return isTime(text) ? text : undefined;
}

const isRotation = (statement: Statement) => statement.kind === "rotation";
const isRevocation = (statement: Statement) => statement.kind === "revocation";

/** Those that are signed by the key that they are about. */
async function genuine(statements: readonly Statement[]): Promise<readonly Statement[]> {
  const answers = await Promise.all(statements.map(isGenuine));
  return statements.filter((_, i) => answers[i]);
}
