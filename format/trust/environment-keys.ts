import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { PspfError } from "../errors.ts";
import { toHex } from "../wire/hashes.ts";
import { isKey } from "./document.ts";

/**
 * The keys of FLAVOR_TRUSTED_KEYS: 64 hex digits each, or the path of a public key file, with commas between. Throws
 * `bad-arguments` for anything else: who lists keys wants only those.
 */
export async function parseTrustedKeys(text: string, cwd: () => string): Promise<readonly string[]> {
  return await Promise.all(text.split(",").map((entry) => keyOf(entry.trim(), cwd)));
}

async function keyOf(entry: string, cwd: () => string): Promise<string> {
  const hex = entry.toLowerCase();
  if (isKey(hex)) return hex;
  try {
    if (entry === "") throw new PspfError("key-invalid", "an entry is empty");
    const { readPublicKey } = await import("../seal/keys.ts");
    return toHex(readPublicKey(new Uint8Array(readFileSync(resolve(cwd(), entry))), entry));
  } catch (cause) {
    throw new PspfError(
      "bad-arguments",
      `Cannot use FLAVOR_TRUSTED_KEYS: ${JSON.stringify(entry)} is no key`,
      {
        cause,
        hint: "list public keys of 64 hex digits, or files that hold one, with commas between",
      },
    );
  }
}
