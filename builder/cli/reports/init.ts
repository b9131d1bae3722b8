import type { InitializedProject } from "../init-project.ts";
import type { Report } from "../io.ts";

/** One line per file that was written. */
export const initReport: Report<InitializedProject> = {
  schema: "flavor.init/1",
  text: ({ written }) => written.join("\n"),
  json: ({ name, written, isRunnable }) => ({ name, written, runnable: isRunnable }),
};
