import { TARGETS, type Target } from "../format/platform.ts";
import type { BuildFacts } from "../format/wire/metadata-types.ts";
import { TOOL } from "./metadata-json.ts";

const DEFAULT_EPOCH = Date.UTC(2025, 0, 1) / 1000;

/**
 * What a package says of its build. Nothing of it depends on the machine or on the time, so equal input gives equal
 * bytes; who wants a time gives one, in seconds since 1970.
 */
export const buildFacts = (target: Target, epoch = DEFAULT_EPOCH): BuildFacts => ({
  ...TOOL,
  timestamp: new Date(epoch * 1000).toISOString().replace(".000Z", "+00:00"),
  deterministic: true,
  platform: { os: TARGETS[target].os, arch: TARGETS[target].arch, host: "deterministic-build" },
});
