import { splitChain } from "../../../format/codecs/chain.ts";
import type { Slot } from "../../../format/reader.ts";
import type { SetupCommand } from "../../../format/wire/metadata-types.ts";
import { formatOperations } from "../../../format/wire/operations.ts";
import type { Inspection } from "../../inspect.ts";
import type { Paint, Report } from "../io.ts";
import { formatSize } from "../../../format/size-text.ts";
import { columns, counted, plain } from "./text.ts";

/** A package on one screen. */
export const inspectReport: Report<Inspection> = {
  schema: "flavor.inspect/1",
  text: (inspection, paint) => {
    const parts = [factsText(inspection, paint), slotsText(inspection.slots, paint), setupText(inspection)];
    return parts.filter((part) => part !== "").join("\n\n");
  },
  json: (inspection) => {
    const { metadata, slots, key = null, ...facts } = inspection;
    const { source, size, formatVersion, packageId, launcherSize, metadataSize, jsonSize, seal } = facts;
    const { build, launcher } = metadata;
    return {
      path: source,
      size,
      format: metadata.format,
      formatVersion: `0x${formatVersion.toString(16)}`,
      packageId,
      name: metadata.package.name,
      version: metadata.package.version,
      description: metadata.package.description || null,
      seal: { state: seal, key },
      launcher: {
        size: launcherSize,
        tool: launcher?.tool ?? null,
        toolVersion: launcher?.toolVersion ?? null,
        checksum: launcher?.checksum ?? null,
      },
      metadata: { size: metadataSize, uncompressedSize: jsonSize },
      slots: slots.map(slotJson),
      command: metadata.execution.command,
      primarySlot: metadata.execution.primarySlot,
      env: metadata.execution.env,
      runtimeEnv: metadata.runtimeEnv,
      workenv: metadata.workenv,
      setupCommands: metadata.setupCommands,
      build: build ?? null,
    };
  },
};

function factsText(inspection: Inspection, paint: Paint): string {
  const { metadata, size, slots, launcherSize, source } = inspection;
  const { name, version, description } = metadata.package;
  const slotBytes = slots.reduce((sum, slot) => sum + slot.stored.size, 0);
  const { launcher, build } = metadata;
  const rows = [
    ["File", `${plain(source)}, ${formatSize(size)}`],
    [
      "Launcher",
      `${formatSize(launcherSize)}${launcher === undefined ? "" : `, ${plain(`${launcher.tool} ${launcher.toolVersion}`)}`}`,
    ],
    ["Slots", `${counted(slots.length, "slot")}, ${formatSize(slotBytes)} stored`],
    ["Seal", sealText(inspection, paint)],
    ["Command", plain(metadata.execution.command)],
    ["Workenv", inspection.packageId],
    ...(build === undefined
      ? []
      : [
          [
            "Built",
            plain(
              `${build.timestamp} by ${build.tool} ${build.toolVersion} for ${build.platform.os}/${build.platform.arch}`,
            ),
          ],
        ]),
  ];
  const heading = paint("bold", plain(`${name} ${version}`));
  return [heading, ...(description ? [plain(description)] : []), "", columns(rows)].join("\n");
}

function sealText({ seal, key = "" }: Inspection, paint: Paint): string {
  switch (seal) {
    case "valid":
      return `${paint("green", "valid")}, Ed25519 ${key}`;
    case "invalid":
      return `${paint("red", "INVALID")}: the signature does not match, key ${key}`;
    case "missing":
      return `${paint("red", "missing")}: the package is not signed`;
    default:
      return seal satisfies never;
  }
}

function slotsText(slots: readonly Slot[], paint: Paint): string {
  if (slots.length === 0) return "";
  const head = ["#", "id", "target", "operations", "stored", "original", "lifecycle", "mode", "platform"];
  const rows = slots.map(({ entry, stored, raw, mode }) => [
    String(entry.index),
    plain(entry.id),
    plain(entry.target || "."),
    formatOperations(entry.operations),
    formatSize(stored.size),
    formatSize(entry.originalSize ?? Number(raw.originalSize)),
    plain(entry.lifecycle),
    // the entries of an archive have modes of their own
    splitChain(entry.operations).bundle === undefined ? octal(mode) : "",
    plain(entry.platform ?? "any"),
  ]);
  const table = columns([head, ...rows], ["right", "left", "left", "left", "right", "right"]);
  const [first = "", ...rest] = table.split("\n");
  return [paint("dim", first), ...rest].join("\n");
}

function setupText({ metadata }: Inspection): string {
  if (metadata.setupCommands.length === 0) return "";
  return ["Setup:", ...metadata.setupCommands.map((setup) => `  ${plain(wordsOf(setup))}`)].join("\n");
}

function wordsOf(setup: SetupCommand): string {
  switch (setup.type) {
    case "execute":
      return `execute ${setup.command}`;
    case "enumerate_and_execute":
      return `execute ${setup.command} for each ${setup.enumerate.pattern} in ${setup.enumerate.path}`;
    case "write_file":
      return `write ${setup.path}, ${setup.content.length} characters`;
    case "chmod":
      return `chmod ${octal(setup.mode)} ${setup.path}`;
    default:
      return setup satisfies never;
  }
}

function slotJson({ entry, stored, raw, mode }: Slot) {
  return {
    index: entry.index,
    id: entry.id,
    source: entry.source,
    target: entry.target,
    operations: formatOperations(entry.operations),
    offset: stored.offset,
    size: stored.size,
    originalSize: entry.originalSize ?? Number(raw.originalSize),
    checksum: entry.checksum ?? null,
    purpose: entry.purpose,
    lifecycle: entry.lifecycle,
    permissions: octal(mode),
    resolution: entry.resolution ?? null,
    platform: entry.platform ?? null,
    selfRef: entry.selfRef,
  };
}

const octal = (mode: number): string => mode.toString(8).padStart(4, "0");
