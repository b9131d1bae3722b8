import type { KnownPackage } from "../../../format/trust/known-packages.ts";
import { authorOf, statementDocument } from "../../../format/trust/statement.ts";
import type { Facts, KeyFacts, NameFacts, PackageFacts, SignerFacts } from "../../trust/look-up.ts";
import { outcomeWords, type Outcomes } from "../../trust/outcomes.ts";
import type { Paint, Report } from "../io.ts";
import { columns, plain } from "./text.ts";
import { NAMES, packagesText, statementWords } from "./trust.ts";

/** What is known, and what follows from it. */
export const trustShowReport: Report<Facts> = {
  schema: "flavor.trust-show/1",
  text: (facts, paint) => {
    switch (facts.kind) {
      case "key":
        return keyText(facts, paint);
      case "name":
        return nameText(facts, paint);
      case "package":
        return packageText(facts, paint);
      default:
        return facts satisfies never;
    }
  },
  json: (facts) => {
    switch (facts.kind) {
      case "key":
        return keyJson(facts);
      case "name":
        return nameJson(facts);
      case "package":
        return packageJson(facts);
      default:
        return facts satisfies never;
    }
  },
};

function keyText({ key, trusted, revoked, statements, known }: KeyFacts, paint: Paint): string {
  const rows = [
    ...trusted.map((row) => [
      NAMES[row.keeper].title,
      `trusted as ${plain(row.name)}: ${packagesText(row.packages)}`,
    ]),
    ...revoked.map((row) => [
      NAMES[row.keeper].title,
      `${paint("red", "revoked")}${row.reason === "" ? "" : `: ${plain(row.reason)}`}`,
    ]),
    ...statements.map((row) => [authorOf(row) === key ? "It" : authorOf(row), statementWords(row)]),
    ...known.map((row) => [
      "Remembered",
      `for ${plain(row.package)} since ${row.firstSeen.slice(0, 10)}, version ${plain(row.version)}`,
    ]),
  ];
  return `${paint("bold", key)}\n\n${rows.length === 0 ? "Nothing is known about this key" : columns(rows)}`;
}

const keyJson = ({ key, trusted, revoked, statements, known }: KeyFacts) => ({
  kind: "key",
  key,
  trusted: trusted.map(({ keeper, ...row }) => ({ store: NAMES[keeper].word, ...row })),
  revoked: revoked.map(({ keeper, ...row }) => ({ store: NAMES[keeper].word, ...row })),
  statements: statements.map(statementDocument),
  packages: known.map((row) => ({ ...rememberedJson(row), name: row.package })),
});

function nameText({ name, remembered, memoryFile, signers }: NameFacts, paint: Paint): string {
  const memory =
    remembered === undefined
      ? "Nothing is remembered of packages with this name"
      : columns([
          [
            "Remembered",
            `${remembered.signer} since ${remembered.firstSeen.slice(0, 10)}, version ${plain(remembered.version)}`,
          ],
          ["In", plain(memoryFile ?? "")],
        ]);
  return [
    paint("bold", plain(name)),
    "",
    memory,
    "",
    "Signed by",
    columns(signers.map((row) => signerRow(row, paint))),
  ].join("\n");
}

const signerRow = ({ key, outcomes, why }: SignerFacts, paint: Paint): readonly string[] => [
  `  ${key ?? "any other key"}`,
  outcomeText(outcomes, paint),
  plain(why),
];

function outcomeText(outcomes: Outcomes, paint: Paint): string {
  const words = outcomeWords(outcomes);
  return outcomes.standard === "refuse" ? paint("red", words) : words;
}

const rememberedJson = ({ signer, firstSeen, version, built }: KnownPackage) => ({
  signer,
  firstSeen,
  version,
  built: built ?? null,
});

const nameJson = ({ name, remembered, memoryFile, signers }: NameFacts) => ({
  kind: "name",
  name,
  remembered: remembered === undefined ? null : rememberedJson(remembered),
  memoryFile: memoryFile ?? null,
  signers: signers.map(({ key, finding, why, outcomes }) => ({ key: key ?? null, finding, why, outcomes })),
});

function packageText(facts: PackageFacts, paint: Paint): string {
  const { name, version, signer, seal, why, hint, outcomes } = facts;
  const rows = [
    ["Signer", signer],
    ["Seal", seal === "valid" ? seal : paint("red", seal)],
    ["Start", outcomeText(outcomes, paint)],
    ["Because", plain(why)],
    ...facts.facts.filter((fact) => !fact.endsWith(signer)).map((fact) => ["", plain(fact)]),
  ];
  const advice = hint === "" ? [] : [`  hint: ${plain(hint)}`];
  return [paint("bold", plain(`${name} ${version}`)), "", columns(rows), ...advice].join("\n");
}

const packageJson = ({
  path,
  name,
  version,
  signer,
  seal,
  finding,
  why,
  facts,
  hint,
  outcomes,
}: PackageFacts) => ({
  kind: "package",
  path,
  name,
  version,
  signer,
  seal,
  finding,
  why,
  facts,
  hint: hint === "" ? null : hint,
  outcomes,
});
