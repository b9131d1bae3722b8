import { expect, test } from "bun:test";
import { trustPlaces } from "./places.ts";

const POSIX_SYSTEM = { systemStore: "/etc/flavor/trust.json", policy: "/etc/flavor/policy.json" };
const WINDOWS_SYSTEM = {
  systemStore: "C:\\ProgramData\\flavor\\trust.json",
  policy: "C:\\ProgramData\\flavor\\policy.json",
};

test.each([
  [
    "a home",
    { HOME: "/h" },
    { userStore: "/h/.config/flavor/trust.json", memory: "/h/.local/state/flavor/known" },
  ],
  [
    "folders of the user's choice",
    { HOME: "/h", XDG_CONFIG_HOME: "/c", XDG_STATE_HOME: "/s" },
    { userStore: "/c/flavor/trust.json", memory: "/s/flavor/known" },
  ],
  [
    "relative ones, which are ignored",
    { HOME: "/h", XDG_CONFIG_HOME: "c", XDG_STATE_HOME: "./s" },
    { userStore: "/h/.config/flavor/trust.json", memory: "/h/.local/state/flavor/known" },
  ],
  ["a home that is none", { HOME: "h", XDG_STATE_HOME: "" }, { userStore: undefined, memory: undefined }],
  ["nothing", {}, { userStore: undefined, memory: undefined }],
  [
    "names that would move the system's files",
    { PROGRAMDATA: "/mine", FLAVOR_POLICY: "/mine", XDG_CONFIG_DIRS: "/mine" },
    { userStore: undefined, memory: undefined },
  ],
] as const)("on POSIX, with %s", (_, env, places) => {
  expect(trustPlaces({ env, windows: false })).toEqual({ ...POSIX_SYSTEM, ...places });
});

test.each([
  [
    "its variables",
    { APPDATA: "C:\\r", LOCALAPPDATA: "C:\\l", ProgramData: "D:\\mine", PROGRAMDATA: "D:\\mine" },
    { userStore: "C:\\r\\flavor\\trust.json", memory: "C:\\l\\flavor\\known" },
  ],
  [
    "a profile alone",
    { USERPROFILE: "C:\\u", XDG_STATE_HOME: "C:\\s" },
    {
      userStore: "C:\\u\\AppData\\Roaming\\flavor\\trust.json",
      memory: "C:\\u\\AppData\\Local\\flavor\\known",
    },
  ],
  ["nothing", {}, { userStore: undefined, memory: undefined }],
] as const)("on Windows, with %s", (_, env, places) => {
  expect(trustPlaces({ env, windows: true })).toEqual({ ...WINDOWS_SYSTEM, ...places });
});
