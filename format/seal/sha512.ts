import { hashes } from "@noble/ed25519";

/** Gives `@noble/ed25519` a synchronous SHA-512; it brings none of its own. */
export function useSha512(): void {
  hashes.sha512 ??= (message) => new Uint8Array(new Bun.CryptoHasher("sha512").update(message).digest());
}
