import { expect, test } from "bun:test";
import { PassThrough } from "node:stream";
import { askSecret, type SecretInput } from "./ask-secret.ts";

function terminal() {
  const input = new PassThrough();
  const modes: boolean[] = [];
  const setRawMode = (isRaw: boolean) => void modes.push(isRaw);
  const output = new PassThrough();
  let [shown, interrupts] = ["", 0];
  output.on("data", (piece) => {
    shown += piece;
  });
  return {
    input,
    modes,
    shown: () => shown,
    interrupts: () => interrupts,
    ask: (question = "Passphrase: ") =>
      askSecret(question, Object.assign(input, { setRawMode }) as SecretInput, output, () => {
        interrupts++;
      }),
  };
}

test.each([
  ["pass\r", "pass"],
  ["pass\n", "pass"],
  ["two words \r", "two words "],
  ["pasz\u007fs\r", "pass"],
  ["pasz\bs\r", "pass"],
  ["\u007fpass\r", "pass"],
  ["grü😀\u007fße\r", "grüße"],
  ["wrong\u0015pass\r", "pass"],
  ["pa\u0000ss\t\r", "pass"],
  ["pass\u0004", "pass"],
  ["\r", ""],
])("the keys %j are the answer %j, and nothing of it is shown", async (keys, answer) => {
  const { input, modes, shown, ask } = terminal();
  const answered = ask();
  // one byte at a time, as from a keyboard
  for (const byte of Buffer.from(keys)) input.write(Uint8Array.of(byte));
  expect(await answered).toBe(answer);
  expect(shown()).toBe("Passphrase: \n");
  expect(modes).toEqual([true, false]);
});

test("two lines at once answer two questions", async () => {
  const { input, ask } = terminal();
  input.write("one\rtwo\r");
  expect(await ask("first: ")).toBe("one");
  expect(await ask("second: ")).toBe("two");
});

test("the end of the input is no answer", async () => {
  const { input, modes, ask } = terminal();
  const answered = ask();
  input.end();
  expect(await answered).toBe("");
  expect(modes).toEqual([true, false]);
});

test("Ctrl-C puts the terminal right and interrupts, and nothing is answered", async () => {
  const { input, modes, interrupts, ask } = terminal();
  let isAnswered = false;
  const answered = ask().then(() => {
    isAnswered = true;
  });
  input.write("pa\u0003ss\r");
  while (interrupts() === 0) await Bun.sleep(1);
  await Promise.race([answered, Bun.sleep(1)]);
  expect([interrupts(), isAnswered]).toEqual([1, false]);
  expect(modes).toEqual([true, false]);
});
