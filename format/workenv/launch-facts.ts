import type { LaunchFacts, Metadata } from "../wire/metadata-types.ts";
import { needsBun } from "./bun-runtime.ts";

/** What a warm start needs to know of a package. */
export function launchFactsOf(metadata: Metadata): LaunchFacts {
  const { package: about, execution, runtimeEnv, workenv, slots } = metadata;
  const targets = slots.map(({ target }) => ({ target }));
  return { package: about, execution, runtimeEnv, workenv, slots: targets, usesBun: needsBun(metadata) };
}
