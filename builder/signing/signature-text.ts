import type { Bytes } from "../../format/types.ts";

/** A signature (64 bytes) in an answer: raw, or as hex or base64 with blanks around and in it; undefined for others. */
export function parseSignature(answer: Bytes): Bytes | undefined {
  // Neither text form is this short.
  if (answer.length === 64) return answer;
  const text = new TextDecoder("latin1").decode(answer).replace(/\s/g, "");
  if (/^[0-9a-f]{128}$/i.test(text)) return Uint8Array.fromHex(text) as Bytes;
  if (/^[A-Za-z0-9+/]{86}(==)?$/.test(text)) return Uint8Array.fromBase64(text) as Bytes;
  return undefined;
}
