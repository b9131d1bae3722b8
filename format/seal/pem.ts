import type { Bytes } from "../types.ts";

/** What stands between the two lines of a PEM file (RFC 7468). */
export interface Pem {
  /** Such as "PRIVATE KEY". */
  readonly label: string;
  /** The base64, with its line breaks. */
  readonly body: string;
}

const PEM = /^\s*-----BEGIN ([A-Z0-9 ]+)-----\s+([A-Za-z0-9+/=\s]+?)-----END \1-----\s*$/;

/** A file that is one PEM block, or undefined. Longer files than any key are none. */
export function readPem(file: Bytes): Pem | undefined {
  const match = PEM.exec(new TextDecoder("latin1").decode(file.subarray(0, 4096)));
  if (match === null) return undefined;
  const [, label = "", body = ""] = match;
  return { label, body };
}

/** One PEM block, its lines no longer than 64 characters. */
export const writePem = (label: string, der: Bytes): string =>
  `-----BEGIN ${label}-----\n${der.toBase64().replace(/.{1,64}/g, "$&\n")}-----END ${label}-----\n`;
