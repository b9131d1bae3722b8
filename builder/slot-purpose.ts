/**
 * What a slot is for, by name. The first seven are the format's own words; the last three are FlavorPack's names for
 * them in its builder. Launchers do not act on purposes. Specification: slot purposes.
 */
export const SlotPurpose = {
  PAYLOAD: "payload",
  RUNTIME: "runtime",
  TOOL: "tool",
  DATA: "data",
  CODE: "code",
  CONFIG: "config",
  MEDIA: "media",
  PYTHON_ENVIRONMENT: "runtime",
  APPLICATION_CODE: "code",
  STATIC_RESOURCES: "data",
} as const satisfies Record<string, string>;
