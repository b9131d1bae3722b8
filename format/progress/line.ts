import { printable } from "../errors.ts";
import { formatPart, formatSize } from "../size-text.ts";

/** How far a step of some work has come. */
export interface StepState {
  /** What is being done: any text, names of packages and files among it. */
  readonly label: string;
  /** Bytes. */
  readonly done: number;
  /** Bytes; undefined, or 0, where nobody knows. It may turn out to be too small. */
  readonly total: number | undefined;
  /** Bytes in a second, where that is known. */
  readonly rate: number | undefined;
  /** Milliseconds. */
  readonly elapsed: number;
}

/**
 * A step as one line for a terminal that is so many columns wide: label, bar, percent, bytes, rate and time left. Where
 * it is narrow the less important is left out, and of a long label the end. Never wider than the terminal less one
 * column, in which some wrap; never with anything that steers a terminal. Empty where nothing fits.
 */
export function progressLine(step: StepState, columns: number): string {
  const room = columns - 1;
  const label = printable(step.label.toWellFormed());
  const forms = step.total ? formsWithTotal(step, step.total) : formsWithout(step);
  for (const facts of forms) {
    const line = fitted(label, facts, room);
    if (line !== undefined) return line.trimEnd();
  }
  const fact = String(forms.at(-1)?.[0] ?? "").trim();
  return fact.length <= room ? fact : "";
}

/** Text, or a bar that takes the columns that are left: how much of it is done, from 0 to 1. */
type Fact = string | number;
/** What to say, the most first. The columns of a fact hardly change, so that nothing jumps about. */
type Forms = readonly (readonly Fact[])[];

const GAP = 2;
const BAR_COLUMNS = { least: 10, most: 32 };
/** A label is not cut below this for the sake of less important facts. */
const LABEL_COLUMNS = 16;

function formsWithTotal(step: StepState, total: number): Forms {
  const done = Math.min(step.done, total);
  const percent = `${Math.floor((done / total) * 100)}%`.padStart(4);
  const bytes = formatPart(done, total).padStart(14);
  const [rate, left] = [rateText(step), leftText(total - done, step.rate)];
  return [
    [done / total, percent, bytes, rate, left],
    [percent, bytes, rate, left],
    [percent, rate, left],
    [percent, left],
    [percent],
  ];
}

function formsWithout(step: StepState): Forms {
  const time = clock(step.elapsed / 1000);
  if (step.done === 0) return step.elapsed < 1000 ? [[]] : [[time], []];
  const bytes = formatSize(step.done).padStart(8);
  return [[bytes, rateText(step), time], [bytes, time], [bytes]];
}

const rateText = ({ rate }: StepState): string =>
  (rate === undefined ? "" : `${formatSize(Math.round(rate))}/s`).padStart(10);

const LONGEST_SECONDS = 100 * 3600;

/** Nothing where it cannot be told, or is too long to be believed. */
function leftText(bytes: number, rate: number | undefined): string {
  const seconds = rate ? Math.ceil(bytes / rate) : Number.POSITIVE_INFINITY;
  return (bytes === 0 || seconds >= LONGEST_SECONDS ? "" : `${clock(seconds)} left`).padStart(10);
}

/** Seconds as "0:07" or "1:00:07". */
function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (part: number) => String(part).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(whole % 60)}`;
}

/** Label and facts in that many columns, if the label can still be read. */
function fitted(label: string, facts: readonly Fact[], room: number): string | undefined {
  const taken = facts.reduce<number>(
    (sum, fact) => sum + GAP + (typeof fact === "number" ? BAR_COLUMNS.least : fact.length),
    0,
  );
  const wanted = columnsOf(label);
  const given = Math.min(wanted, room - taken);
  if (given < Math.min(wanted, LABEL_COLUMNS)) return undefined;
  const bar = Math.min(BAR_COLUMNS.most, BAR_COLUMNS.least + room - taken - given);
  const texts = facts.map((fact) => (typeof fact === "number" ? barOf(fact, bar) : fact));
  return [shortened(label, given), ...texts].join(" ".repeat(GAP));
}

/** "[====>     ]" */
function barOf(part: number, columns: number): string {
  const inside = columns - 2;
  const full = Math.floor(part * inside);
  return `[${`${"=".repeat(full)}${full < inside ? ">" : ""}`.padEnd(inside)}]`;
}

function shortened(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = "";
  let taken = MORE.length;
  for (const character of text) {
    taken += columnsOf(character);
    if (taken > columns) break;
    kept += character;
  }
  return kept + MORE;
}

const MORE = "...";

/** At most so many: terminals do not agree on what is wide, nor on what is joined to one picture. */
const columnsOf = (text: string): number =>
  [...text].reduce(
    (sum, character) => sum + Math.max(1, Bun.stringWidth(character, { ambiguousIsNarrow: false })),
    0,
  );
