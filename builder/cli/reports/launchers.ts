import type { EnsuredLauncher, LauncherState } from "../../launchers/cache.ts";
import type { Report } from "../io.ts";
import { formatSize } from "../../../format/size-text.ts";
import { columns } from "./text.ts";

/** One line per platform. */
export const launcherListReport: Report<readonly LauncherState[]> = {
  schema: "flavor.launchers-list/1",
  text: (states, paint) =>
    columns(
      states.map((launcher) => [
        launcher.target,
        launcher.state === "damaged" ? paint("red", launcher.state) : launcher.state,
        ...(launcher.state === "ready" ? [formatSize(launcher.size), launcher.path] : []),
      ]),
      ["left", "left", "right"],
    ),
  json: (states) => ({
    launchers: states.map((launcher) => ({
      target: launcher.target,
      state: launcher.state,
      path: launcher.path,
      size: launcher.state === "ready" ? launcher.size : null,
      sha256: launcher.state === "ready" ? launcher.sha256 : null,
    })),
  }),
};

/** One line per launcher. */
export const launcherBuildReport: Report<readonly EnsuredLauncher[]> = {
  schema: "flavor.launchers-build/1",
  text: (launchers) =>
    columns(
      launchers.map(({ target, built, size, path }) => [
        target,
        built ? "built" : "was there",
        formatSize(size),
        path,
      ]),
      ["left", "left", "right"],
    ),
  json: (launchers) => ({
    launchers: launchers.map(({ target, built, path, size, sha256 }) => ({
      target,
      built,
      path,
      size,
      sha256,
    })),
  }),
};
