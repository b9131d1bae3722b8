import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decryptPrivateKey } from "../../format/seal/encrypted-key.ts";
import { keyPairOf } from "../../format/seal/keys.ts";
import type { Bytes } from "../../format/types.ts";
import { toHex } from "../../format/wire/hashes.ts";
import { failureOf } from "../../tests/support/failure.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { newPassphrase, passphraseFor } from "./passphrase.ts";

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
});
afterEach(() => dir[Symbol.dispose]());
const at = (name: string) => join(dir.path, name);

/** Whoever answers these, one after the other. */
function person(...answers: readonly string[]) {
  const rest = answers.values();
  const asked: string[] = [];
  const askSecret = async (question: string) => {
    asked.push(question);
    return rest.next().value ?? "";
  };
  return { asked, io: { env: {}, askSecret } };
}

describe("the passphrase of a key", () => {
  test.each([
    ["pass\n", "pass"],
    ["pass", "pass"],
    ["pass\r\nmore", "pass"],
    [" pass word \n", " pass word "],
    ["grüße\n", "grüße"],
  ])("is the first line of a file: %j", async (text, passphrase) => {
    writeFileSync(at("file"), text);
    const env = { FLAVOR_KEY_PASSPHRASE: "other" };
    const flags = { passphraseFile: at("file") };
    expect(await passphraseFor(flags, { env, askSecret: undefined })("k")).toBe(passphrase);
  });

  test("is in the environment, else it is asked for", async () => {
    const env = { FLAVOR_KEY_PASSPHRASE: "pass" };
    expect(await passphraseFor({}, { env, askSecret: undefined })("k")).toBe("pass");
    const { asked, io } = person("typed");
    expect(await passphraseFor({}, { ...io, env: { FLAVOR_KEY_PASSPHRASE: "" } })("my.key")).toBe("typed");
    expect(asked).toEqual(["Passphrase of my.key: "]);
  });

  test.each([
    ["", "Cannot take the passphrase from FILE: its first line is empty"],
    ["\npass\n", "Cannot take the passphrase from FILE: its first line is empty"],
    [Uint8Array.of(0x70, 0xff), "Cannot take the passphrase from FILE: it is not UTF-8"],
  ])("is not in a file with %j", async (content, message) => {
    writeFileSync(at("file"), content);
    const work = passphraseFor({ passphraseFile: at("file") }, person().io);
    const error = await failureOf(() => work("k"));
    expect([error.code as string, error.message.replace(at("file"), "FILE")]).toEqual([
      "bad-arguments",
      message,
    ]);
  });

  test.each([
    ["nowhere", "ENOENT"],
    [".", "EISDIR"],
  ])("is not in %s, which is not repeated", async (name, errno) => {
    const error = await failureOf(() => passphraseFor({ passphraseFile: at(name) }, person().io)("k"));
    expect(error).toMatchObject({
      code: "io-failed",
      message: `Cannot read the file with the passphrase: ${errno}`,
    });
    expect(error.cause).toBeUndefined();
  });

  test("cannot be asked for without a terminal", async () => {
    const error = await failureOf(() => passphraseFor({}, { env: {}, askSecret: undefined })("k"));
    expect(error).toMatchObject({
      code: "bad-arguments",
      message: "Cannot ask for a passphrase: there is no terminal",
      hint: "name a file with --passphrase-file, or set FLAVOR_KEY_PASSPHRASE",
    });
  });
});

describe("a new passphrase", () => {
  test("is asked for twice, but read once", async () => {
    const { asked, io } = person("pass", "pass");
    expect(await newPassphrase({}, io)).toBe("pass");
    expect(asked).toEqual(["Passphrase for the new key: ", "The same again: "]);
    const silent = person();
    expect(await newPassphrase({}, { ...silent.io, env: { FLAVOR_KEY_PASSPHRASE: "pass" } })).toBe("pass");
    expect(silent.asked).toEqual([]);
  });

  test.each([
    [["pass", "Pass"], "Cannot encrypt the key: two different passphrases were entered"],
    [[""], "Cannot go on: no passphrase was entered"],
  ])("%j is refused", async (answers, message) => {
    const error = await failureOf(() => newPassphrase({}, person(...answers).io));
    expect(error).toMatchObject({ code: "bad-arguments", message });
  });
});

const python = process.platform === "win32" ? null : Bun.which("python3");
if (python === null)
  process.stderr.write("skipped: passphrases at a terminal, python3 makes one and is not here\n");

/** Runs a program at a terminal of its own; each step waits for a text or sends one, or a signal. */
const AT_TERMINAL = `
import json, os, select, signal, subprocess, sys, termios
steps, command = json.loads(sys.argv[1]), sys.argv[2:]
master, slave = os.openpty()
child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
shown = b""
seen = 0
def read(seconds):
    global shown
    ready = select.select([master], [], [], seconds)[0]
    if ready: shown += os.read(master, 65536)
    return bool(ready)
for kind, value in steps:
    if kind == "wait":
        while value.encode() not in shown[seen:]:
            if not read(30): break
        seen = len(shown)
    elif kind == "type": os.write(master, value.encode())
    else: child.send_signal(value)
try: code = child.wait(30)
except subprocess.TimeoutExpired: child.kill(); code = "does not end"
while read(0): pass
print(json.dumps({"shown": shown.decode(), "code": code, "echo": bool(termios.tcgetattr(slave)[3] & termios.ECHO)}))
`;

type Step = readonly ["wait" | "type" | "signal", string | number];

function atTerminal(steps: readonly Step[], ...args: readonly string[]) {
  const main = join(import.meta.dir, "main.ts");
  const command = [process.execPath, main, ...args];
  const { stdout, stderr } = Bun.spawnSync(
    [python as string, "-c", AT_TERMINAL, JSON.stringify(steps), ...command],
    { cwd: dir.path, env: { ...process.env, FLAVOR_KEY_PASSPHRASE: "" } },
  );
  expect(stderr.toString()).toBe("");
  return JSON.parse(stdout.toString()) as { shown: string; code: number; echo: boolean };
}

describe.skipIf(python === null)("at a terminal", () => {
  const NEW = "Passphrase for the new key: ";

  test("a new key is encrypted with what was typed, of which nothing is shown", () => {
    const steps = [
      ["wait", NEW],
      ["type", "pasß\u007fs word\r"],
      ["wait", "again: "],
      ["type", "pass word\r"],
    ] as const;
    const { shown, code, echo } = atTerminal(steps, "keygen", "--passphrase");
    expect({ code, echo }).toEqual({ code: 0, echo: true });
    expect(shown).toStartWith(`${NEW}\r\nThe same again: \r\nPrivate key`);
    const file = new Uint8Array(readFileSync(at("keys/flavor-private.key"))) as Bytes;
    const seed = decryptPrivateKey(file, "key", "pass word");
    expect(shown).toContain(toHex(keyPairOf(seed).publicKey));

    writeFileSync(at("launcher"), "#!/bin/sh\n");
    writeFileSync(at("a"), "");
    writeFileSync(
      at("flavor.toml"),
      '[package]\nname = "a"\nversion = "1"\n[execution]\ncommand = "x"\n[[slots]]\nsource = "a"\n',
    );
    const again = [
      ["wait", "Passphrase of keys/flavor-private.key: "],
      ["type", "pass word\r"],
    ] as const;
    const pack = atTerminal(again, "pack", "--launcher", at("launcher"), "-p", "linux-x64");
    expect({ code: pack.code, echo: pack.echo }).toEqual({ code: 0, echo: true });
    expect(pack.shown).not.toContain("pass word");
    expect(existsSync(at("dist/a.psp"))).toBe(true);
  });

  test.each<[string, Step, number]>([
    ["Ctrl-C", ["type", "half\u0003"], 130],
    ["SIGTERM", ["signal", 15], 143],
    ["SIGHUP", ["signal", 1], 129],
  ])("%s ends it, puts the terminal right and leaves nothing", (_, step, exit) => {
    const { shown, code, echo } = atTerminal([["wait", NEW], step], "keygen", "--passphrase");
    expect({ code, echo }).toEqual({ code: exit, echo: true });
    expect(shown.replaceAll("\r\n", "")).toBe(NEW);
    expect(existsSync(at("keys"))).toBe(false);
  });
});
