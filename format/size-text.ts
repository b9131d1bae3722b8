const UNITS = ["KB", "MB", "GB", "TB"] as const;

/** A byte count for people: "512 B", "12.3 MB". Units are powers of 1000. */
export function formatSize(bytes: number): string {
  const unit = unitFor(bytes);
  return `${inUnit(bytes, unit, 1)} ${unit.name}`;
}

/** A part of a byte count in the unit of the whole, so that it is seen to grow: "1.5/12.3 MB", "0.62/1.23 GB". */
export function formatPart(bytes: number, whole: number): string {
  const unit = unitFor(whole);
  const digits = unit.size < 1e9 ? 1 : 2;
  return `${inUnit(bytes, unit, digits)}/${inUnit(whole, unit, digits)} ${unit.name}`;
}

interface Unit {
  readonly name: string;
  readonly size: number;
}

function unitFor(bytes: number): Unit {
  let unit: Unit = { name: "B", size: 1 };
  for (const name of UNITS) {
    // 999.96 KB would be printed as 1000.0 KB
    if (bytes / unit.size < (unit.size === 1 ? 1000 : 999.95)) break;
    unit = { name, size: unit.size * 1000 };
  }
  return unit;
}

const inUnit = (bytes: number, { size }: Unit, digits: number): string =>
  size === 1 ? String(bytes) : (bytes / size).toFixed(digits);
