import { resolve } from "node:path";
import { PspfError } from "../format/errors.ts";
import type { ByteSource } from "../format/io/byte-source.ts";
import type { Target } from "../format/platform.ts";
import type { Bytes, ByteStream } from "../format/types.ts";
import type { BuildResult } from "./build.ts";
import { type BuildContext, BuildError } from "./build-error.ts";
import { type BuilderOptions, buildPlanned } from "./build-planned.ts";
import { hostTarget } from "./launchers/host.ts";
import { kindOfPath } from "./manifest/source-path.ts";
import { isObject, type JsonObject } from "../format/json-object.ts";
import { copyOfJson, mergeObjects } from "./merge-objects.ts";
import { type PackageSettings, planPackage } from "./package-plan.ts";
import type { ExternalSigner, KeyChoice } from "./signing/key-choice.ts";
import { type AddedSlot, addedSlot, type SlotContent, type SlotDescriptor } from "./slot-descriptor.ts";

/**
 * Makes one package step by step. Setters only note what they get; `build` judges all of it together, so a wrong
 * package is one `BuildError` that names every mistake. A builder can build several times.
 */
export class PSPFBuilder {
  #settings: PackageSettings = { metadata: {}, slots: [], faults: [] };
  #key: KeyChoice = {};
  #target: Target | undefined;
  /** Streams that a build has read: read again, they would be empty. */
  readonly #spent = new WeakSet<object>();

  /** The package's name. Wins over `package.name` of `setMetadata`. */
  setPackageName(name: string): this {
    return this.#set({ name });
  }

  /** The package's version. Wins over `package.version` of `setMetadata`. */
  setPackageVersion(version: string): this {
    return this.#set({ version });
  }

  /** The command line that starts the application, with placeholders. Wins over `execution.command`. */
  setCommand(command: string): this {
    return this.#set({ command });
  }

  /**
   * Adds members to the signed JSON; calls are merged, objects by their members. `package`, `execution`, `runtime`,
   * `workenv`, `setup_commands` and `cache_validation` mean what they mean in a manifest and are judged as there;
   * what the builder decides itself (slots, build, launcher) wins.
   */
  setMetadata(metadata: JsonObject): this {
    const { metadata: before, faults } = this.#settings;
    try {
      return this.#set({ metadata: mergeObjects(before, copyOfJson(metadata)) });
    } catch (error) {
      return this.#set({
        faults: [...faults, `metadata: expected a JSON object: ${(error as Error).message}`],
      });
    }
  }

  /** The launcher: its bytes, its path, or a source. Not set, it is flavor's own for the platform. */
  setLauncher(launcher: Bytes | string | ByteSource): this {
    return this.#set({ launcher: typeof launcher === "string" ? resolve(launcher) : launcher });
  }

  /** The platform that the package is for; that of this machine when not set. */
  setPlatform(target: Target): this {
    this.#target = target;
    return this;
  }

  /** Adds the next slot. A path may be a file or a folder; nothing is read before `build`. */
  addSlot(slot: SlotDescriptor, data: SlotContent): this {
    return this.#set({ slots: [...this.#settings.slots, addedSlot(slot, data)] });
  }

  /** Signs with the key whose private seed is the SHA-256 of a text. Replaces other keys that were set. */
  setKeySeed(keySeed: string): this {
    this.#key = { keySeed };
    return this;
  }

  /**
   * Signs with a private key, from a file or as PEM, encrypted or not, or with a command. The public key is compared
   * with it. Replaces other keys that were set.
   */
  setKeys(keys: Omit<KeyChoice, "keySeed" | "signer">): this {
    const { privateKey, privateKeyPem, passphrase, publicKey, signCommand, signTimeoutSeconds } = keys;
    this.#key = {
      ...(privateKey === undefined ? {} : { privateKey }),
      ...(privateKeyPem === undefined ? {} : { privateKeyPem }),
      ...(passphrase === undefined ? {} : { passphrase }),
      ...(publicKey === undefined ? {} : { publicKey }),
      ...(signCommand === undefined ? {} : { signCommand }),
      ...(signTimeoutSeconds === undefined ? {} : { signTimeoutSeconds }),
    };
    return this;
  }

  /** Lets something else sign, such as the library of a key service. Replaces other keys that were set. */
  setSigner(signer: ExternalSigner): this {
    this.#key = { signer };
    return this;
  }

  /**
   * Writes the package to a file, whole or not at all. Without a key it is signed with one that is made for this
   * build and then forgotten. Throws `BuildError`.
   */
  async build(output: string, options: BuilderOptions = {}): Promise<BuildResult> {
    const settings = this.#settings;
    const path = resolve(output);
    try {
      const target = this.#target ?? hostTarget();
      const faults = [
        ...settings.faults,
        ...faultsOfStreams(settings.slots, this.#spent),
        ...faultsOfTask(path, options),
      ];
      const plan = planPackage({ ...settings, faults }, target);
      for (const { content } of settings.slots) if (isStream(content)) this.#spent.add(content);
      return await buildPlanned({ ...options, plan, settings, target, key: this.#key, output: path });
    } catch (error) {
      if (!(error instanceof PspfError)) throw error;
      throw BuildError.from(error, contextOf(settings, path));
    }
  }

  #set(more: Partial<PackageSettings>): this {
    this.#settings = { ...this.#settings, ...more };
    return this;
  }
}

/** Streams that were read before, or stand in two slots. */
function faultsOfStreams(slots: readonly AddedSlot[], spent: WeakSet<object>): readonly string[] {
  const seen = new Set<object>();
  return slots.flatMap(({ content }, i) => {
    if (!isStream(content)) return [];
    const isFresh = !seen.has(content) && !spent.has(content);
    seen.add(content);
    return isFresh ? [] : [`slots[${i}].data: expected a fresh stream, this one can be read only once`];
  });
}

/** The largest time that a date can be, in seconds. */
const MAX_EPOCH = 8.64e12;

function faultsOfTask(output: string, { sourceDateEpoch: epoch = 0 }: BuilderOptions): readonly string[] {
  const isTime = Number.isSafeInteger(epoch) && epoch >= 0 && epoch <= MAX_EPOCH;
  return [
    ...(isTime ? [] : [`sourceDateEpoch: expected whole seconds since 1970, got ${epoch}`]),
    ...(kindOfPath(output) === "folder" ? [`output: expected a file, ${output} is a folder`] : []),
  ];
}

const isStream = (content: SlotContent): content is ByteStream =>
  typeof content === "object" && content !== null && !(content instanceof Uint8Array);

function contextOf({ name, version, metadata, slots }: PackageSettings, output: string): BuildContext {
  const about = isObject(metadata["package"]) ? metadata["package"] : {};
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  return {
    name: name ?? text(about["name"]),
    version: version ?? text(about["version"]),
    output,
    slots: slots.map(({ descriptor }) => descriptor.name),
  };
}
