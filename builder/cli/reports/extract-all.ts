import { join } from "node:path";
import type { Extracted } from "../../extract.ts";
import type { Report } from "../io.ts";

export interface ExtractedFolder {
  /** As it was named. */
  readonly folder: string;
  readonly extracted: readonly Extracted[];
}

/** One line per thing that was written. */
export const extractAllReport: Report<ExtractedFolder> = {
  schema: "flavor.extract-all/1",
  text: ({ folder, extracted }) =>
    [...extracted.map(({ name }) => name), "metadata.json"].map((name) => join(folder, name)).join("\n"),
  json: ({ folder, extracted }) => ({
    folder,
    metadata: join(folder, "metadata.json"),
    slots: extracted.map(({ name, slot }) => ({
      index: slot.entry.index,
      id: slot.entry.id,
      path: join(folder, name),
    })),
  }),
};
