import type { Command } from "commander";
import type { Keeper } from "../../../format/trust/trust-file.ts";
import type { TrustStore } from "../../../format/trust/trust-store.ts";
import type { Marker } from "../../../format/workenv/marker.ts";
import type { StoreEdit } from "../reports/trust.ts";
import { type Io, type JsonOption, say, show } from "../io.ts";
import { advisersOf, placesOf } from "../trust-places.ts";
import { examples } from "./examples.ts";
import { addStatement } from "./trust-statement.ts";

interface StoreFlags extends JsonOption {
  readonly system?: true;
}

interface AddFlags extends StoreFlags {
  readonly name?: string;
  readonly package?: readonly string[];
}

interface RevokeFlags extends StoreFlags {
  readonly reason?: string;
}

const JSON_OPTION = ["--json", "print the result as one JSON document"] as const;
const SYSTEM_OPTION = ["--system", "in the trust store of this machine, for all its users"] as const;
const KEY_ARGUMENT = ["<key>", "its 64 hex digits, or its name"] as const;

export function addTrust(program: Command, io: Io): void {
  const trust = program
    .command("trust")
    .summary("say whose packages may be started")
    .description(
      "Whose packages may be started: keys of authors that you know, and what first starts have left",
    );
  trust
    .command("list")
    .summary("list keys, and what is remembered of packages")
    .description(
      "Lists the keys of both trust stores, what is remembered of packages, and the machine's policy",
    )
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      examples("flavor trust list", "flavor trust list --json | jq -r '.packages[].name'"),
    )
    .action(async (flags: JsonOption) => {
      const { listTrust } = await import("../../trust/list.ts");
      const { trustListReport } = await import("../reports/trust.ts");
      show(io, trustListReport, listTrust(placesOf(io)), flags);
    });
  trust
    .command("add")
    .summary("trust a key")
    .description(
      "Trusts a key. With patterns, packages of such names must be signed by it, or by another key that is listed for them. A statement, which a key has signed about itself, is taken in as it is",
    )
    .argument("<key>", "its 64 hex digits, the file of a public key, or the file of a statement")
    .option("--name <name>", "whose it is (default: the first 16 digits)")
    .option(
      "-p, --package <pattern>",
      "the packages that it may sign, * for any characters; may be repeated (default: any)",
      oneMore,
    )
    .option(...SYSTEM_OPTION)
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      examples(
        "flavor trust add acme-public.key --name Acme --package 'acme-*'",
        "flavor trust add edcf7af5bd19035711c8a4d4dde178e89a1746ba9d123eb1bac27744a9de8743 --system",
        "flavor trust add acme-lost-key.statement.json",
      ),
    )
    .action((word: string, flags: AddFlags) => add(io, word, flags));
  trust
    .command("remove")
    .summary("take back what a trust store says about a key")
    .description(
      "Removes all that a trust store says about a key: that it is trusted, or revoked, and its statements",
    )
    .argument(...KEY_ARGUMENT)
    .option(...SYSTEM_OPTION)
    .option(...JSON_OPTION)
    .addHelpText("after", examples("flavor trust remove Acme", "flavor trust remove Acme --system"))
    .action((word: string, flags: StoreFlags) => remove(io, word, flags));
  trust
    .command("show")
    .summary("say what would become of packages, and why")
    .description(
      "Shows what is known about a key or about packages of a name, or what would become of a package, and why",
    )
    .argument("<what>", "a key, the name of a key, the name of packages, or the file of a package")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      examples("flavor trust show app.psp", "flavor trust show app", "flavor trust show Acme --json"),
    )
    .action(async (word: string, flags: JsonOption) => {
      const { lookUp } = await import("../../trust/look-up.ts");
      const { trustShowReport } = await import("../reports/trust-show.ts");
      show(io, trustShowReport, await lookUp(word, await advisersOf(io)), flags);
    });
  trust
    .command("forget")
    .summary("forget who signed a package until now")
    .description(
      "Forgets who signed packages of a name until now: the next start is a first one, and remembers its signer",
    )
    .argument("<package>", 'the name of the packages, as an error or "flavor inspect" says it')
    .option(...JSON_OPTION)
    .addHelpText("after", examples("flavor trust forget app", "flavor trust forget app --json"))
    .action((name: string, flags: JsonOption) => forget(io, name, flags));
  trust
    .command("revoke")
    .summary("refuse everything that a key has signed")
    .description("Refuses everything that a key has signed, or has handed over to other keys")
    .argument(...KEY_ARGUMENT)
    .option("--reason <text>", "why, for those who are refused")
    .option(...SYSTEM_OPTION)
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      examples(
        "flavor trust revoke Acme --reason 'their laptop was stolen'",
        "flavor trust revoke Acme --system",
      ),
    )
    .action((word: string, flags: RevokeFlags) => revoke(io, word, flags));
  addStatement(trust, io);
}

const oneMore = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

const keeperOf = ({ system }: StoreFlags): Keeper => (system === true ? "the system" : "the user");

async function add(io: Io, word: string, flags: AddFlags): Promise<void> {
  const { readKeyOrStatement } = await import("../../trust/key-words.ts");
  const { withKey, withStatement } = await import("../../trust/edits.ts");
  const { PspfError } = await import("../../../format/errors.ts");
  const found = await readKeyOrStatement(word);
  if ("key" in found) {
    const { name, package: packages = [] } = flags;
    const wanted = { key: found.key, packages, ...(name === undefined ? {} : { name }) };
    return edit(io, flags, {
      deed: "add",
      key: found.key,
      change: (store) => withKey(store, wanted, new Date()),
    });
  }
  if (flags.name !== undefined || flags.package !== undefined)
    throw new PspfError("bad-arguments", `Cannot give the statement ${word} a name or packages`, {
      hint: "it says itself what it is about",
    });
  const { statement } = found;
  const { authorOf } = await import("../../../format/trust/statement.ts");
  return edit(io, flags, {
    deed: "add",
    key: authorOf(statement),
    statement,
    change: (store) => withStatement(store, statement),
  });
}

async function remove(io: Io, word: string, flags: StoreFlags): Promise<void> {
  const { withoutKey } = await import("../../trust/edits.ts");
  const key = await keyFor(io, word);
  return edit(io, flags, { deed: "remove", key, change: (store) => withoutKey(store, key) });
}

async function revoke(io: Io, word: string, flags: RevokeFlags): Promise<void> {
  const { withRevocation } = await import("../../trust/edits.ts");
  const key = await keyFor(io, word);
  const { reason } = flags;
  const wanted = { key, ...(reason === undefined ? {} : { reason }) };
  return edit(io, flags, {
    deed: "revoke",
    key,
    change: (store) => withRevocation(store, wanted, new Date()),
  });
}

async function keyFor(io: Io, word: string): Promise<string> {
  const { keyCalled, keyIn } = await import("../../trust/key-words.ts");
  const { readStores } = await import("../../trust/store-file.ts");
  return (
    keyIn(word) ??
    keyCalled(
      word,
      readStores(placesOf(io)).map(({ store }) => store),
    )
  );
}

/** One change of a store, shown. Every start asks again after it. */
async function edit(
  io: Io,
  flags: StoreFlags,
  {
    change,
    ...deed
  }: Pick<StoreEdit, "deed" | "key" | "statement"> & {
    readonly change: (store: TrustStore) => TrustStore;
  },
): Promise<void> {
  const { changeStore } = await import("../../trust/store-file.ts");
  const { storeEditReport } = await import("../reports/trust.ts");
  const done = await changeStore(placesOf(io), keeperOf(flags), change);
  const rechecked = done.changed ? await recheck(io, () => true) : 0;
  show(io, storeEditReport, { ...deed, ...done, rechecked }, flags);
  if (done.changed && flags.system === true)
    say(io, "note: what other users have started today notices it within a day");
}

async function forget(io: Io, name: string, flags: JsonOption): Promise<void> {
  const { forgetPackage } = await import("../../trust/memory.ts");
  const { forgetReport } = await import("../reports/trust.ts");
  const path = await forgetPackage(placesOf(io), name);
  const rechecked = await recheck(io, ({ launch }) => launch.package.name === name);
  show(io, forgetReport, { name, path, rechecked }, flags);
}

async function recheck(io: Io, isMeant: (marker: Marker) => boolean): Promise<number> {
  const { recheckWorkenvs } = await import("../../../format/cache/recheck.ts");
  const { cachePlaces } = await import("../../../format/cache/places.ts");
  const windows = process.platform === "win32";
  const places = cachePlaces({ env: io.env, cwd: io.cwd, windows, uid: process.getuid?.() });
  return recheckWorkenvs(
    places.map(({ path }) => path),
    isMeant,
  );
}
