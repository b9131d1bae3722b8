import { basename } from "node:path";
import type { Invocation } from "./invocation.ts";

/** A line on stderr under the package's name. The launcher is silent but for warnings and failures. */
export const say = (call: Pick<Invocation, "argv0">, text: string): void => {
  process.stderr.write(`${basename(call.argv0)}: ${text}\n`);
};
