import fc from "fast-check";
import { type ErrorCode, PspfError } from "../../format/errors.ts";
import { must, type Target } from "./target.ts";

// Parsers with one fault each: a fuzzer that does not find these finds nothing.

/** A parser that does something at a certain word, which is in its dictionary. */
const planted = (name: string, fault: () => unknown): Target => ({
  name,
  allowed: ["io-failed"],
  structured: fc.constant(new TextEncoder().encode("a harmless text, and a long one")),
  tokens: ["BANG"],
  run(input) {
    if (Buffer.from(input).includes("BANG")) fault();
    return "fine";
  },
});

const refuse = (code: ErrorCode, text: string): never => {
  throw new PspfError(code, "Cannot read it: it is bad", { hint: text });
};

/** An error with a text that its class would not have let in. */
function steer(): never {
  const error = new PspfError("io-failed", "Cannot read it");
  error.message = "Cannot read \u001b[31mit";
  throw error;
}

let meals = 0;

/** Takes much memory; not every time, because what it leaves is not always gone before the next. */
function eat(): void {
  if (++meals < 4) new Uint8Array(400 * 1024 * 1024).fill(1);
}

export const TARGETS: readonly Target[] = [
  planted("sound", () => refuse("io-failed", "")),
  planted("throws", () => (undefined as unknown as string).length),
  planted("other-code", () => refuse("not-a-package", "")),
  planted("steers", steer),
  planted("lies", () => must(false, "two and two are five")),
  planted("eats", eat),
  planted("dawdles", () => Bun.sleepSync(60)),
  planted("hangs", () => {
    for (;;);
  }),
  planted("crashes", () => process.kill(process.pid, "SIGABRT")),
];
