import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { headingsOf } from "@/headings";
import { tocOf } from "@/toc";

const USAGE = "usage: toc [--depth N] [file]      reads standard input without a file";

try {
  const { depth, file } = readArguments();
  const markdown = readFileSync(file ?? 0, "utf8"); // 0 is standard input
  const headings = headingsOf(markdown).filter(({ level }) => level <= depth);
  for (const line of tocOf(headings)) console.log(line);
  if (headings.length === 0) throw new Error(`there is no heading in ${file ?? "standard input"}`);
} catch (error) {
  console.error(`toc: ${(error as Error).message}`);
  process.exitCode ??= 1;
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      options: { depth: { type: "string", default: "6" } },
      allowPositionals: true,
    });
    if (!/^[1-6]$/.test(values.depth)) throw new Error("the depth is a number from 1 to 6");
    if (positionals.length > 1) throw new Error("there is more than one file");
    return { depth: Number(values.depth), file: positionals[0] };
  } catch (error) {
    process.exitCode = 2;
    throw new Error(`${(error as Error).message}\n${USAGE}`);
  }
}
