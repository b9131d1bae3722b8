import type { Advisers } from "../../format/trust/consult.ts";
import { type TrustPlaces, trustPlaces } from "../../format/trust/places.ts";
import type { Io } from "./io.ts";

/** Where the files of trust are for whoever calls. */
export const placesOf = ({ env }: Pick<Io, "env">): TrustPlaces =>
  trustPlaces({ env, windows: process.platform === "win32" });

/** What a start would ask, FLAVOR_TRUSTED_KEYS included. Throws `bad-arguments` when that is no list of keys. */
export async function advisersOf(io: Pick<Io, "env" | "cwd">): Promise<Advisers> {
  const text = io.env["FLAVOR_TRUSTED_KEYS"];
  const places = placesOf(io);
  if (text === undefined || text === "") return { places, environmentKeys: undefined };
  const { parseTrustedKeys } = await import("../../format/trust/environment-keys.ts");
  return { places, environmentKeys: await parseTrustedKeys(text, io.cwd) };
}
