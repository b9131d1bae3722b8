import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PspfError } from "../errors.ts";
import { splitWords } from "./words.ts";

test.each([
  ["", []],
  [" \t\n ", []],
  ["one", ["one"]],
  ["  one   two\tthree\nfour ", ["one", "two", "three", "four"]],
  [`'a b' "c d"`, ["a b", "c d"]],
  [`''`, [""]],
  [`"" x ''`, ["", "x", ""]],
  [`a'b c'd"e f"g`, ["ab cde fg"]],
  [`'it is "so"'`, [`it is "so"`]],
  [`"it's so"`, ["it's so"]],
  [`'back\\slash'`, ["back\\slash"]],
  [String.raw`"\"quoted\" \\ \$HOME"`, ['"quoted" \\ $HOME']],
  [String.raw`"C:\path\n"`, [String.raw`C:\path\n`]], // in double quotes a backslash escapes only what needs it
  [String.raw`a\ b \'c\' \\`, ["a b", "'c'", "\\"]],
  ["{workenv}/bin/x --set={slot:0}", ["{workenv}/bin/x", "--set={slot:0}"]],
  [
    "echo $HOME `date` $(x) * ; | & >out #no",
    ["echo", "$HOME", "`date`", "$(x)", "*", ";", "|", "&", ">out", "#no"],
  ],
])("%j is %j", (command, words) => {
  expect(splitWords(command)).toEqual(words);
});

test.each([["'open"], ['"open'], [`it's`], [`"ends with \\"`], ["ends with \\"], ["'"], ["\\"]])(
  "%j is refused",
  (command) => {
    expect(() => splitWords(command)).toThrow(expect.objectContaining({ code: "command-invalid" }));
    expect(() => splitWords(command)).toThrow(JSON.stringify(command));
  },
);

describe("whatever the words", () => {
  const words = fc.array(fc.string({ unit: "binary" }), { maxLength: 8 });
  const quotings = {
    single: (word: string) => `'${word.replaceAll("'", String.raw`'\''`)}'`,
    double: (word: string) => `"${word.replace(/["\\$`]/g, "\\$&")}"`,
    bare: (word: string) => (word === "" ? "''" : word.replace(/[\s\S]/gu, "\\$&")),
  };
  test.each(Object.entries(quotings))("quoting (%s) and splitting gives them back", (_, quote) => {
    fc.assert(fc.property(words, (all) => expect(splitWords(all.map(quote).join(" "))).toEqual(all)));
  });

  test("any text is split or refused", () => {
    const text = fc.string({ unit: fc.constantFrom("a", " ", "'", '"', "\\", "$", "\n", "{", "}") });
    fc.assert(
      fc.property(text, (command) => {
        try {
          expect(splitWords(command).join("").length).toBeLessThanOrEqual(command.length);
        } catch (error) {
          if (!(error instanceof PspfError)) throw error;
          expect(error.code).toBe("command-invalid");
        }
      }),
    );
  });

  test.skipIf(process.platform === "win32")("a shell splits them the same way", () => {
    const text = fc.string({ unit: fc.constantFrom("a", " ", "'", '"', "\\", "b"), maxLength: 20 });
    fc.assert(
      fc.property(text, (command) => {
        const shell = Bun.spawnSync(["sh", "-c", `printf '%s\\0' ${command}`], { stderr: "ignore" });
        let ours: readonly string[] | undefined;
        try {
          ours = splitWords(command);
        } catch {
          return; // a shell may think otherwise of a backslash at the end
        }
        const theirs = shell.stdout.toString().split("\0").slice(0, -1);
        expect(theirs).toEqual(ours.length === 0 ? [""] : [...ours]);
      }),
      { numRuns: 60 },
    );
  });
});
