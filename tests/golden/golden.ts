import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Bytes } from "../../format/types.ts";

/** The packages in this folder, by the builder that made them. */
export const GOLDEN_NAMES = ["go", "rust", "python"] as const;
export type GoldenName = (typeof GOLDEN_NAMES)[number];

export const goldenPath = (name: GoldenName): string => join(import.meta.dir, `${name}.psp`);

/** A golden package as a fresh copy, free to be damaged. */
export const goldenBytes = (name: GoldenName): Bytes => new Uint8Array(readFileSync(goldenPath(name)));

/** Public key of the seed that signed all of them, as hex. */
export const GOLDEN_SIGNER = "edcf7af5bd19035711c8a4d4dde178e89a1746ba9d123eb1bac27744a9de8743";
