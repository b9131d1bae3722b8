import { statSync } from "node:fs";
import { PspfError, withoutPrivateKeys } from "../../format/errors.ts";
import { openFileSource } from "../../format/io/byte-source.ts";
import { openPackage, type Package } from "../../format/reader.ts";
import { type Seal, sealOf, signerOf } from "../../format/seal/package-seal.ts";
import { type Advisers, consult, knowledgeOf } from "../../format/trust/consult.ts";
import { explain } from "../../format/trust/explain.ts";
import { type Case, judgeSigner } from "../../format/trust/judge.ts";
import type { KnownPackage } from "../../format/trust/known-packages.ts";
import type { SealState, TrustState } from "../../format/trust/levels.ts";
import { fitsAny } from "../../format/trust/package-patterns.ts";
import type { Keeper } from "../../format/trust/trust-file.ts";
import { authorOf, type Statement } from "../../format/trust/statement.ts";
import type { RevokedKey, TrustedKey } from "../../format/trust/trust-store.ts";
import { keyIn } from "./key-words.ts";
import { listKnown } from "./memory.ts";
import { type Outcomes, outcomesOf } from "./outcomes.ts";
import { readStores } from "./store-file.ts";

/** What is said about a key. */
export interface KeyFacts {
  readonly kind: "key";
  readonly key: string;
  readonly trusted: readonly (TrustedKey & { readonly keeper: Keeper })[];
  readonly revoked: readonly (RevokedKey & { readonly keeper: Keeper })[];
  /** What it has said itself, and what others have said of it. */
  readonly statements: readonly Statement[];
  /** The packages that it is remembered for. */
  readonly known: readonly KnownPackage[];
}

/** What would become of packages of a name, by their signer. */
export interface NameFacts {
  readonly kind: "name";
  readonly name: string;
  readonly remembered: KnownPackage | undefined;
  readonly memoryFile: string | undefined;
  readonly signers: readonly SignerFacts[];
}

export interface SignerFacts {
  /** Undefined for any other key. */
  readonly key: string | undefined;
  readonly finding: TrustState;
  /** Why, in a few words. */
  readonly why: string;
  readonly outcomes: Outcomes;
}

/** What would become of a package. */
export interface PackageFacts {
  readonly kind: "package";
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly signer: string;
  readonly seal: Seal;
  readonly finding: TrustState;
  readonly why: string;
  readonly facts: readonly string[];
  readonly hint: string;
  readonly outcomes: Outcomes;
}

export type Facts = KeyFacts | NameFacts | PackageFacts;

/**
 * What is known about a key, a package or a package's name, whichever a word means: the file of a package, the digits
 * or the name of a key, else the name of packages. Throws what is wrong with files of trust.
 */
export async function lookUp(word: string, advisers: Advisers): Promise<Facts> {
  if (withoutPrivateKeys(word) !== word)
    throw new PspfError("bad-arguments", "Cannot look up a private key: name the file of a public one");
  const pkg = await packageAt(word, advisers);
  if (pkg !== undefined) return pkg;
  const key = keyIn(word) ?? keyNamed(word, advisers);
  return key === undefined ? await factsOfName(word, advisers) : factsOfKey(key, advisers);
}

/** Undefined for a word that names no package; what looks like a path must name one. */
async function packageAt(word: string, advisers: Advisers): Promise<PackageFacts | undefined> {
  const isPath = /[/\\]|\.(psp|exe)$/i.test(word);
  if (!isPath && statSync(word, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  using source = openFileSource(word);
  try {
    return await factsOfPackage(word, await openPackage(source), advisers);
  } catch (error) {
    if (!isPath && error instanceof PspfError && error.code === "not-a-package") return undefined;
    throw error;
  }
}

async function factsOfPackage(path: string, pkg: Package, advisers: Advisers): Promise<PackageFacts> {
  const { name, version } = pkg.metadata.package;
  const seal = await sealOf(pkg);
  const consultation = await consult({ pkg, ...advisers });
  const finding = seal === "valid" ? consultation.finding.kind : "unchecked";
  const words =
    seal === "valid"
      ? explain(consultation)
      : {
          state: seal === "missing" ? "it is not signed" : "its signature does not match its metadata",
          facts: [],
          hint: "get it again from its author",
        };
  const outcomes = outcomesOf({ seal, trust: finding }, consultation.about.policy);
  const { state: why, facts, hint } = words;
  return {
    kind: "package",
    path,
    name,
    version,
    signer: signerOf(pkg),
    seal,
    finding,
    why,
    facts,
    hint,
    outcomes,
  };
}

function keyNamed(word: string, { places }: Advisers): string | undefined {
  return readStores(places)
    .flatMap(({ store }) => store.keys)
    .find(({ name }) => name === word)?.key;
}

function factsOfKey(key: string, { places }: Advisers): KeyFacts {
  const stores = readStores(places);
  const isIt = (row: { readonly key: string }) => row.key === key;
  return {
    kind: "key",
    key,
    trusted: stores.flatMap(({ keeper, store }) =>
      store.keys.filter(isIt).map((row) => ({ ...row, keeper })),
    ),
    revoked: stores.flatMap(({ keeper, store }) =>
      store.revoked.filter(isIt).map((row) => ({ ...row, keeper })),
    ),
    statements: stores
      .flatMap(({ store }) => store.statements)
      .filter((row) => authorOf(row) === key || (row.kind === "rotation" && row.to === key)),
    known: listKnown(places).flatMap((file) =>
      "known" in file && file.known.signer === key ? [file.known] : [],
    ),
  };
}

async function factsOfName(name: string, advisers: Advisers): Promise<NameFacts> {
  const { memoryFile, ...known } = await knowledgeOf(name, advisers);
  const { remembered, userStore, systemStore, environmentKeys = [] } = known;
  const listed = [...userStore.keys, ...systemStore.keys].filter(({ packages }) => fitsAny(name, packages));
  const keys = new Set([
    ...(remembered === undefined ? [] : [remembered.signer]),
    ...listed.map(({ key }) => key),
    ...environmentKeys,
  ]);
  const factsFor = (key: string | undefined): SignerFacts => {
    const about: Case = {
      ...known,
      version: remembered?.version ?? "",
      signer: key ?? NOBODY,
      isAnonymous: false,
      built: remembered?.built,
    };
    const finding = judgeSigner(about);
    const seal: SealState = "valid";
    return {
      key,
      finding: finding.kind,
      why: explain({ finding, about, memoryFile }).state,
      outcomes: outcomesOf({ seal, trust: finding.kind }, known.policy),
    };
  };
  return {
    kind: "name",
    name,
    remembered,
    memoryFile,
    signers: [...[...keys].map(factsFor), factsFor(undefined)],
  };
}

/** No public key: with it, nothing can be signed. */
const NOBODY = "0".repeat(64);
