import type { GeneratedKeys } from "../../keygen.ts";
import type { Report } from "../io.ts";
import { columns } from "./text.ts";

/** Where the keys are, and the public one itself. */
export const keygenReport: Report<GeneratedKeys> = {
  schema: "flavor.keygen/1",
  text: ({ privateKey, publicKey, fingerprint }) =>
    columns([
      ["Private key", privateKey],
      ["Public key", publicKey],
      ["Fingerprint", fingerprint],
    ]),
  json: ({ privateKey, publicKey, fingerprint, isEncrypted }) => ({
    privateKey,
    publicKey,
    fingerprint,
    encrypted: isEncrypted,
  }),
};
