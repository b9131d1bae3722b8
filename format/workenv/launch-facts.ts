import type { LaunchFacts, Metadata } from "../wire/metadata-types.ts";
import { needsBun } from "./bun-runtime.ts";
import { planSlots, type Wishes } from "./lifecycles/slot-plan.ts";

/** What a warm start on some machine needs to know of a package. */
export function launchFactsOf(metadata: Metadata, { os, arch }: Wishes["host"]): LaunchFacts {
  const { package: about, execution, runtimeEnv, workenv, slots, setupCommands } = metadata;
  const targets = slots.map(({ target }) => ({ target }));
  const plan = planSlots(metadata, { host: { os, arch }, dev: false });
  return {
    package: about,
    execution,
    runtimeEnv,
    workenv,
    slots: targets,
    usesBun: needsBun(metadata),
    hasSetup: setupCommands.length > 0,
    eachStart: plan.beforeStart.length > 0,
    atEnd: plan.atEnd.length > 0,
    devSlots: plan.forDev,
  };
}
