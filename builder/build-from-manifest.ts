import type { Target } from "../format/platform.ts";
import { readManifest } from "./manifest/manifest.ts";
import type { KeyChoice } from "./signing/key-choice.ts";
import { type Packed, packManifest } from "./pack.ts";
import type { StatementChoice } from "./trust/package-statements.ts";

/** What `buildPackageFromManifest` needs; only the manifest's path has no default. */
export interface ManifestBuild
  extends
    Pick<
      KeyChoice,
      "keySeed" | "privateKeyPem" | "passphrase" | "signCommand" | "signTimeoutSeconds" | "signer"
    >,
    Pick<StatementChoice, "statements"> {
  readonly manifestPath: string;
  readonly privateKeyPath?: string;
  readonly publicKeyPath?: string;
  /** A file, or a folder; `dist/NAME.psp` beside the manifest when not given. */
  readonly output?: string;
  /** One package each; the manifest's own list when not given, else the machine's platform. */
  readonly platforms?: readonly Target[];
}

/** Builds the packages of a manifest, as `flavor pack` does. Throws its errors: `manifest-invalid` and the rest. */
export async function buildPackageFromManifest(request: ManifestBuild): Promise<readonly Packed[]> {
  const { manifestPath, privateKeyPath, publicKeyPath, output, platforms, ...key } = request;
  const built = platforms === undefined ? {} : { platforms };
  return packManifest(await readManifest(manifestPath, built), {
    ...built,
    ...key,
    ...(privateKeyPath === undefined ? {} : { privateKey: privateKeyPath }),
    ...(publicKeyPath === undefined ? {} : { publicKey: publicKeyPath }),
    ...(output === undefined ? {} : { output }),
  });
}
