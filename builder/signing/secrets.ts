import type { Environment } from "../launchers/base.ts";

/** Variables that hold what nobody else may know. */
const SECRET_VARIABLES = ["FLAVOR_KEY_SEED", "FLAVOR_PRIVATE_KEY", "FLAVOR_KEY_PASSPHRASE"] as const;

/** An environment for other programs, without our secrets; on Windows their names have no case. */
export const withoutSecrets = (env: Environment): Environment =>
  Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !(SECRET_VARIABLES as readonly string[]).includes(name.toUpperCase()),
    ),
  );
