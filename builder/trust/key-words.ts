import { readFileSync } from "node:fs";
import { PspfError } from "../../format/errors.ts";
import { doing } from "../../format/io/fs.ts";
import { readPublicKey } from "../../format/seal/keys.ts";
import { isKey } from "../../format/trust/document.ts";
import type { Statement } from "../../format/trust/statement.ts";
import type { TrustStore } from "../../format/trust/trust-store.ts";
import { toHex } from "../../format/wire/hashes.ts";
import { statementIn } from "./statement-file.ts";

/** The key that a word spells, in lower case; undefined for a word that is none. */
export function keyIn(word: string): string | undefined {
  const key = word.toLowerCase();
  return isKey(key) ? key : undefined;
}

/**
 * What a key, or the file of a public key or of a statement, brings into a trust store. Throws `key-invalid`,
 * `statement-invalid`, `io-failed`.
 */
export async function readKeyOrStatement(word: string): Promise<{ key: string } | { statement: Statement }> {
  const spelled = keyIn(word);
  if (spelled !== undefined) return { key: spelled };
  const bytes = new Uint8Array(doing("read the key", word, () => readFileSync(word)));
  // 32 bytes are a key, whatever they look like.
  const isJson =
    bytes.length !== 32 && /^\s*\{/.test(new TextDecoder("latin1").decode(bytes.subarray(0, 4096)));
  return isJson ? { statement: await statementIn(bytes, word) } : { key: toHex(readPublicKey(bytes, word)) };
}

/** The public key that a word spells, or that is in the file with that name. Throws as above. */
export async function readKey(word: string): Promise<string> {
  const found = await readKeyOrStatement(word);
  if ("key" in found) return found.key;
  throw new PspfError("key-invalid", `Cannot use ${word} as a public key: it is a statement`);
}

/**
 * The key that a word means: its digits, or the name that it has in one of the stores. Throws `bad-arguments` for a
 * name that no key has, and for one that several have.
 */
export function keyCalled(word: string, stores: readonly TrustStore[]): string {
  const spelled = keyIn(word);
  if (spelled !== undefined) return spelled;
  const rows = stores.flatMap(({ keys }) => keys.filter(({ name }) => name === word));
  const [first, ...others] = new Set(rows.map(({ key }) => key));
  if (first !== undefined && others.length === 0) return first;
  const state = first === undefined ? "no trusted key has that name" : "several keys have that name";
  throw new PspfError("bad-arguments", `Cannot tell which key ${JSON.stringify(word)} is: ${state}`, {
    ...(first === undefined ? {} : { problems: [first, ...others] }),
    hint: 'use its 64 hex digits; "flavor trust list" shows them',
  });
}
