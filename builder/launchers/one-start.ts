import type { Bytes } from "../../format/types.ts";
import type { Bundle, BundleFile } from "./bundle.ts";

/**
 * Has the compiler put all that a program loads at a start into one file, besides the program itself. Bun's splitting
 * puts modules into one file when the same entry points need them, and each file that is loaded late is an entry point: a
 * start would load fifteen. So each of those says that it needs all that the start has loaded, which is there by then.
 * The program stays a file of its own: who imports a module that is still waiting for them waits for ever.
 */
export function gatherStart(bundle: Bundle): Bundle {
  const [program, ...others] = bundle;
  const imports = new Map(bundle.map((file) => [file.name, importsOf(file)]));
  const start = new Set(imports.get(program.name)?.always);
  for (const name of start) for (const more of imports.get(name)?.always ?? []) start.add(more);
  const late = new Set([...imports.values()].flatMap(({ onDemand }) => onDemand));
  const needs = new TextEncoder().encode([...start].map((name) => `import"./${name}";`).join(""));
  const gathered = ({ name, bytes }: BundleFile): BundleFile => ({
    name,
    bytes: late.has(name) ? (new Uint8Array(Buffer.concat([needs, bytes])) as Bytes) : bytes,
  });
  return [program, ...others.map(gathered)];
}

/** The names of the files of the bundle that a file imports. */
function importsOf({ bytes }: BundleFile): Record<"always" | "onDemand", readonly string[]> {
  const found = transpiler.scanImports(bytes).filter(({ path }) => path.startsWith("./"));
  const named = (kind: Bun.ImportKind) =>
    found.filter((it) => it.kind === kind).map(({ path }) => path.slice(2));
  return { always: named("import-statement"), onDemand: named("dynamic-import") };
}

const transpiler = new Bun.Transpiler({ loader: "js" });
