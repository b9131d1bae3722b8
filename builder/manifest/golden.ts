import { join } from "node:path";
import type { Manifest } from "./manifest.ts";

/** One complete manifest in both forms, and the model that both mean. */

export const GOLDEN_TOML = `
[package]
name = "demo"
version = "2.1.0"
description = "A demo"

[execution]
command = '{workenv}/bin/uv run "{slot:1}/main.py"'
primary = "code"

[execution.env]
MODE = "production"
HOME_OF = "{workenv}/home"

[[slots]]
id = "uv"
source = "uv"
target = "bin/uv"
operations = "gzip"
purpose = "tool"
lifecycle = "cache"
permissions = "0755"
platform = "linux-x64"
resolution = "build"

[[slots]]
id = "code"
source = "./app"
target = "{workenv}/lib/code/"
include = ["**/*.py"]
exclude = ["tests/**"]
purpose = "code"
keep_times = true

[[slots]]
id = "env"
source = "env.tgz"
target = "{workenv}"
operations = "tar.gz"
purpose = "runtime"
lifecycle = "init"

[[slots]]
id = "me"
source = "$SELF"
target = "me"
purpose = "data"

[runtime.env]
unset = ["PYTHON*"]
pass = ["HOME"]

[runtime.env.map]
OLD = "NEW"

[runtime.env.set]
LANG = "C"

[workenv]
directories = ["{workenv}/tmp", { path = "var/log", mode = 0o750 }]

[workenv.env]
TMPDIR = "{workenv}/tmp"

[[setup_commands]]
type = "execute"
command = "true"

[[setup_commands]]
type = "enumerate_and_execute"
command = "{workenv}/bin/uv pip install"
enumerate = { path = "{workenv}/wheels", pattern = "*.whl" }

[[setup_commands]]
type = "write_file"
path = "{workenv}/metadata/installed"
content = "{package_name}-{version}"
mode = "0644"

[[setup_commands]]
type = "chmod"
path = "{workenv}/bin/*"
mode = "700"

[cache_validation]
check_file = "{workenv}/metadata/installed"
expected_content = "demo-2.1.0"

[pack]
platforms = ["linux-x64", "darwin-arm64"]
launcher = "launcher"
`;

export const GOLDEN_JSON = JSON.stringify({
  format: "PSPF/2025",
  package: { name: "demo", version: "2.1.0", description: "A demo" },
  execution: {
    command: '{workenv}/bin/uv run "{slot:1}/main.py"',
    primary_slot: 1,
    environment: { MODE: "test", HOME_OF: "{workenv}/home" },
    env: { MODE: "production" },
  },
  slots: [
    {
      slot: 0,
      id: "uv",
      source: "uv",
      target: "bin/uv",
      operations: "gzip",
      purpose: "tool",
      lifecycle: "cache",
      permissions: "0755",
      platform: "linux-x64",
      resolution: "build",
    },
    {
      slot: 1,
      id: "code",
      source: "./app",
      target: "{workenv}/lib/code/",
      include: ["**/*.py"],
      exclude: ["tests/**"],
      purpose: "code",
      keep_times: true,
    },
    {
      id: "env",
      source: "env.tgz",
      target: "{workenv}",
      operations: "tgz",
      purpose: "runtime",
      lifecycle: "init",
    },
    { id: "me", source: "$SELF", target: "me" },
  ],
  runtime: { env: { unset: ["PYTHON*"], pass: ["HOME"], map: { OLD: "NEW" }, set: { LANG: "C" } } },
  workenv: {
    directories: [{ path: "{workenv}/tmp" }, { path: "var/log", mode: "0750" }],
    env: { TMPDIR: "{workenv}/tmp" },
  },
  setup_commands: [
    "true",
    {
      type: "enumerate_and_execute",
      command: "{workenv}/bin/uv pip install",
      enumerate: { path: "{workenv}/wheels", pattern: "*.whl" },
    },
    {
      type: "write_file",
      path: "{workenv}/metadata/installed",
      content: "{package_name}-{version}",
      mode: 420,
    },
    { type: "chmod", path: "{workenv}/bin/*" },
  ],
  cache_validation: { check_file: "{workenv}/metadata/installed", expected_content: "demo-2.1.0" },
  pack: { platforms: ["linux-x64", "darwin-arm64"], launcher: "./launcher" },
  launcher: "ignored",
  something_else: { unknown: true },
});

export const goldenModel = (root: string, path: string): Manifest => ({
  path,
  directory: root,
  package: { name: "demo", version: "2.1.0", description: "A demo" },
  execution: {
    primarySlot: 1,
    command: '{workenv}/bin/uv run "{slot:1}/main.py"',
    env: { MODE: "production", HOME_OF: "{workenv}/home" },
  },
  slots: [
    {
      id: "uv",
      source: join(root, "uv"),
      sourceText: "uv",
      include: [],
      exclude: [],
      target: "bin/uv",
      operations: ["GZIP"],
      purpose: "tool",
      lifecycle: "cache",
      permissions: 0o755,
      platform: "linux-x64",
      resolution: "build",
      mtimes: false,
    },
    {
      id: "code",
      source: join(root, "app"),
      sourceText: "./app",
      include: ["**/*.py"],
      exclude: ["tests/**"],
      target: "lib/code",
      purpose: "code",
      lifecycle: "runtime",
      mtimes: true,
    },
    {
      id: "env",
      source: join(root, "env.tgz"),
      sourceText: "env.tgz",
      include: [],
      exclude: [],
      target: "",
      operations: ["TAR", "GZIP"],
      purpose: "runtime",
      lifecycle: "init",
      mtimes: false,
    },
    {
      id: "me",
      source: "$SELF",
      sourceText: "$SELF",
      include: [],
      exclude: [],
      target: "me",
      purpose: "data",
      lifecycle: "runtime",
      mtimes: false,
    },
  ],
  runtimeEnv: { unset: ["PYTHON*"], pass: ["HOME"], map: { OLD: "NEW" }, set: { LANG: "C" } },
  workenv: {
    directories: [{ path: "tmp" }, { path: "var/log", mode: 0o750 }],
    env: { TMPDIR: "{workenv}/tmp" },
  },
  setupCommands: [
    { type: "execute", command: "true" },
    {
      type: "enumerate_and_execute",
      command: "{workenv}/bin/uv pip install",
      enumerate: { path: "{workenv}/wheels", pattern: "*.whl" },
    },
    {
      type: "write_file",
      path: "{workenv}/metadata/installed",
      content: "{package_name}-{version}",
      mode: 0o644,
    },
    { type: "chmod", path: "{workenv}/bin/*", mode: 0o700 },
  ],
  cacheValidation: { checkFile: "{workenv}/metadata/installed", expectedContent: "demo-2.1.0" },
  platforms: ["linux-x64", "darwin-arm64"],
  launcher: join(root, "launcher"),
});
