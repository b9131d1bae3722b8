import { authorOf, type Statement, statementDocument } from "../../../format/trust/statement.ts";
import type { TrustList } from "../../trust/list.ts";
import type { StoreChange, StoreFile } from "../../trust/store-file.ts";
import type { Paint, Report } from "../io.ts";
import { columns, plain } from "./text.ts";

/** Stores, policy and memory, each with where it is. */
export const trustListReport: Report<TrustList> = {
  schema: "flavor.trust-list/1",
  text: ({ stores, policy, memory, known }, paint) => {
    const rows = known.map((file) =>
      "known" in file
        ? [`  ${plain(file.known.package)}`, file.known.signer, since(file.known)]
        : [`  ${plain(file.path)}`, paint("red", "cannot be used"), plain(file.error.message)],
    );
    return [
      ...stores.map((store) => storeText(store, paint)),
      block(paint("bold", "Remembered packages"), memory ?? NO_HOME, rows),
      block(paint("bold", "Policy"), policy.exists ? policy.path : `${policy.path} (none)`, [
        ["  lowest level", policy.lowestValidation],
        ["  trust", policy.trust],
        ["  older builds", policy.rollback === "allow" ? "allowed" : "refused"],
      ]),
    ].join("\n\n");
  },
  json: ({ stores, policy, memory, known }) => ({
    stores: stores.map(({ keeper, path = null, exists, store }) => ({
      store: NAMES[keeper].word,
      path,
      exists,
      keys: store.keys,
      revoked: store.revoked,
      statements: store.statements.map(statementDocument),
    })),
    policy: {
      path: policy.path,
      exists: policy.exists,
      lowestValidation: policy.lowestValidation,
      trust: policy.trust,
      rollback: policy.rollback,
    },
    memory: memory ?? null,
    packages: known.flatMap((file) =>
      "known" in file
        ? [
            {
              name: file.known.package,
              signer: file.known.signer,
              firstSeen: file.known.firstSeen,
              version: file.known.version,
              built: file.known.built ?? null,
              path: file.path,
            },
          ]
        : [],
    ),
    unusable: known.flatMap((file) =>
      "error" in file
        ? [
            {
              path: file.path,
              message: file.error.message,
              problems: file.error.problems,
              hint: file.error.hint ?? null,
            },
          ]
        : [],
    ),
  }),
};

const NO_HOME = "no variable names your home folder";

/** How the two stores are called, for people and for programs. */
export const NAMES = {
  "the user": { title: "Your trust store", word: "user" },
  "the system": { title: "The system's trust store", word: "system" },
} as const;

const since = ({ firstSeen, version }: { readonly firstSeen: string; readonly version: string }): string =>
  `since ${firstSeen.slice(0, 10)}, version ${plain(version)}`;

const block = (title: string, place: string, rows: readonly (readonly string[])[]): string =>
  [`${title}: ${plain(place)}`, ...(rows.length === 0 ? [] : [columns(rows)])].join("\n");

function storeText({ keeper, path, exists, store }: StoreFile, paint: Paint): string {
  const { keys, revoked, statements } = store;
  const place = path === undefined ? NO_HOME : exists ? path : `${path} (none)`;
  const rows = [
    ...keys.map((row) => ["  trusted", row.key, plain(row.name), packagesText(row.packages)]),
    ...revoked.map((row) => [`  ${paint("red", "revoked")}`, row.key, plain(row.reason)]),
    ...statements.map((row) => ["  said", authorOf(row), statementWords(row)]),
  ];
  return block(paint("bold", NAMES[keeper].title), place, rows);
}

/** Patterns for people. */
export const packagesText = (packages: readonly string[]): string =>
  packages.length === 0 ? "any package" : plain(packages.join(", "));

/** What a statement says, behind the key that says it. */
export const statementWords = (statement: Statement): string =>
  statement.kind === "rotation"
    ? `handed over to ${statement.to}${statement.packages.length === 0 ? "" : ` for ${plain(statement.packages.join(", "))}`}`
    : `revoked itself${statement.reason === "" ? "" : `: ${plain(statement.reason)}`}`;

/** A change of a trust store. */
export interface StoreEdit extends StoreChange {
  readonly deed: "add" | "remove" | "revoke";
  readonly key: string;
  /** What was added, if it was no key. */
  readonly statement?: Statement;
  /** How many workenvs ask again at their next start. */
  readonly rechecked: number;
}

/** What a store says about the key now. */
export const storeEditReport: Report<StoreEdit> = {
  schema: "flavor.trust-edit/1",
  text: (edit) => `${plain(editWords(edit))} in ${edit.path}`,
  json: ({ deed, key, path, after, changed, rechecked, statement }) => ({
    deed,
    key,
    path,
    changed,
    trusted: after.keys.find((row) => row.key === key) ?? null,
    revoked: after.revoked.find((row) => row.key === key) ?? null,
    statement: statement === undefined ? null : statementDocument(statement),
    rechecked,
  }),
};

function editWords({ deed, key, changed, before, after, statement }: StoreEdit): string {
  const was = changed ? "" : "already ";
  switch (deed) {
    case "add": {
      const row = after.keys.find((it) => it.key === key);
      return statement === undefined
        ? `${was}trusted: ${key} (${row?.name ?? ""}), ${packagesText(row?.packages ?? [])},`
        : `${was}noted: ${key} ${statementWords(statement)},`;
    }
    case "revoke":
      return `${was}revoked: ${key}`;
    case "remove": {
      if (!changed) return `there was nothing about ${key}`;
      const isRevoked = before.revoked.some((row) => row.key === key);
      const isTrusted = before.keys.some((row) => row.key === key);
      const words = [isTrusted ? "trusted" : "", isRevoked ? "revoked" : ""].filter((word) => word !== "");
      return `no longer ${words.length === 0 ? "with a statement" : words.join(" and ")}: ${key}`;
    }
    default:
      return deed satisfies never;
  }
}

export interface Forgotten {
  readonly name: string;
  readonly path: string;
  readonly rechecked: number;
}

/** What is gone. */
export const forgetReport: Report<Forgotten> = {
  schema: "flavor.trust-forget/1",
  text: ({ name, path }) => `forgot ${plain(name)}: removed ${plain(path)}`,
  json: ({ name, path, rechecked }) => ({ name, path, rechecked }),
};

/** A statement that was made. */
export const statementReport: Report<{ readonly path: string; readonly statement: Statement }> = {
  schema: "flavor.trust-statement/1",
  text: ({ path, statement }) =>
    columns([
      ["Statement", plain(path)],
      ["Key", authorOf(statement)],
      ["Says", statementWords(statement)],
    ]),
  json: ({ path, statement }) => ({ path, statement: statementDocument(statement) }),
};
