import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { encryptPrivateKey } from "../../format/seal/encrypted-key.ts";
import { keyPairFromText, publicKeyPem } from "../../format/seal/keys.ts";
import { signWith } from "../../format/seal/sign.ts";
import type { Bytes } from "../../format/types.ts";
import { toHex } from "../../format/wire/hashes.ts";
import { failureOf } from "../../tests/support/failure.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { ask } from "./ask.ts";
import { parseSignCommand, runSignCommand } from "./sign-command.ts";
import { signerFrom } from "./signer.ts";
import { parseSignature } from "./signature-text.ts";

const PAIR = keyPairFromText("device");
const MESSAGE = new TextEncoder().encode("a message\n") as Bytes;
/** What the program of these tests is called in errors. */
const BUN = basename(process.execPath);
const SIGNATURE = signWith(PAIR.seed, MESSAGE);

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
  writeFileSync(at("public"), publicKeyPem(PAIR.publicKey));
});
afterEach(() => dir[Symbol.dispose]());
const at = (name: string) => join(dir.path, name);

/** A command that runs a script with the `bun` of these tests. */
function command(script: string): string {
  writeFileSync(at("sign.ts"), script);
  return `'${process.execPath}' ${at("sign.ts")}`;
}

const READ = 'import { readFileSync } from "node:fs"; const message = readFileSync(0);';
const SIGN = `${READ}
  const { signWith } = await import(${JSON.stringify(join(import.meta.dir, "../../format/seal/sign.ts"))});
  const signature = signWith(Uint8Array.fromHex("${PAIR.seed.toHex()}"), new Uint8Array(message));`;

describe("words", () => {
  test.each([
    ["kms sign", ["kms", "sign"]],
    ["  '/opt/my kms' --pin \"1 2\" a\\ b ", ["/opt/my kms", "--pin", "1 2", "a b"]],
    ["kms $HOME *.key | x ; y", ["kms", "$HOME", "*.key", "|", "x", ";", "y"]],
  ])("of %j, without a shell", (text, words) => {
    expect(parseSignCommand(text) as readonly string[]).toEqual(words);
  });

  test.each([
    ["", "it is empty"],
    ["  ", "it is empty"],
    ["'' x", "it is empty"],
    ["kms 'PIN", "a quote is not closed, or it ends with a backslash"],
    ["kms PIN\\", "a quote is not closed, or it ends with a backslash"],
    ["TOKEN=canary kms", "it begins with a variable, and no shell reads it"],
  ])("%j is refused, and not repeated", async (text, words) => {
    const error = await failureOf(() => parseSignCommand(text));
    expect(error).toMatchObject({ code: "bad-arguments", message: `Cannot use the sign command: ${words}` });
    expect(error.cause).toBeUndefined();
  });
});

describe("an answer", () => {
  test.each<[string, Bytes]>([
    ["raw", SIGNATURE],
    ["hex", new TextEncoder().encode(SIGNATURE.toHex()) as Bytes],
    ["hex in upper case, in lines", lines(SIGNATURE.toHex().toUpperCase())],
    ["base64", lines(SIGNATURE.toBase64())],
    ["base64 without its end", lines(SIGNATURE.toBase64().replace(/=+$/, ""))],
  ])("in %s is the signature", (_, answer) => {
    expect(parseSignature(answer)).toEqual(SIGNATURE);
  });

  test.each<[string, Bytes]>([
    ["nothing", new Uint8Array(0)],
    ["63 bytes", SIGNATURE.slice(1)],
    ["a line break behind the raw bytes", new Uint8Array([...SIGNATURE, 10])],
    ["hex of 63 bytes", lines(SIGNATURE.slice(1).toHex())],
    ["base64 of 63 bytes", lines(SIGNATURE.slice(1).toBase64())],
    ["base64 of 65 bytes", lines(new Uint8Array([...SIGNATURE, 1]).toBase64())],
    ["talk in front", lines(`signature: ${SIGNATURE.toHex()}`)],
  ])("of %s is none", (_, answer) => {
    expect(parseSignature(answer)).toBeUndefined();
  });

  function lines(text: string): Bytes {
    return new TextEncoder().encode(`${text.replace(/.{1,40}/g, "$&\r\n")}\n`) as Bytes;
  }
});

describe("a command", () => {
  test.each([
    ["raw bytes", "process.stdout.write(signature)"],
    ["hex", "process.stdout.write(signature.toHex() + '\\n')"],
    ["base64", "process.stdout.write(signature.toBase64() + '\\n')"],
  ])("signs what it gets on its standard input, and answers with %s", async (_, answer) => {
    const signer = await signerFrom({ signCommand: command(`${SIGN} ${answer}`), publicKey: at("public") });
    expect([signer.origin, toHex(signer.publicKey)]).toEqual(["command", toHex(PAIR.publicKey)]);
    expect(await signer.sign(MESSAGE)).toEqual(SIGNATURE);
    const large = new Uint8Array(1024 * 1024).fill(7) as Bytes;
    expect(await signer.sign(large)).toEqual(signWith(PAIR.seed, large));
  });

  const openssl = Bun.which("openssl");
  if (openssl === null) process.stderr.write("skipped: OpenSSL as a sign command, there is none\n");

  test.skipIf(openssl === null)("may be OpenSSL with an encrypted key", async () => {
    writeFileSync(at("encrypted"), encryptPrivateKey(PAIR.seed, "pass word"));
    writeFileSync(at("passphrase"), "pass word\n");
    // its version 3.0 signs no pipe: it wants to know the size before
    const script =
      'cat > "$0/m" && openssl pkeyutl -sign -rawin -inkey "$0/encrypted" -passin "file:$0/passphrase" -in "$0/m"';
    const signer = await signerFrom({
      signCommand: `sh -c '${script}' ${dir.path}`,
      publicKey: at("public"),
    });
    expect(await signer.sign(MESSAGE)).toEqual(SIGNATURE);
  });

  test("is not believed when it signs with another key", async () => {
    const { publicKey } = keyPairFromText("other");
    writeFileSync(at("public"), publicKeyPem(publicKey));
    const signer = await signerFrom({
      signCommand: command(`${SIGN} process.stdout.write(signature)`),
      publicKey: at("public"),
    });
    expect(await failureOf(() => signer.sign(MESSAGE))).toMatchObject({
      code: "signing-failed",
      message: `Cannot sign with ${BUN}: its signature is not by ${at("public")}`,
      hint: `the key that was expected is ${toHex(publicKey)}`,
    });
  });

  test.each([
    ["ends with 3", "process.exit(3)", "it ended with 3"],
    ["signs and ends with 1", `${SIGN} process.stdout.write(signature); process.exit(1)`, "it ended with 1"],
    ["is killed", "process.kill(process.pid, 'SIGKILL')", "it was ended by SIGKILL"],
    ["says nothing", "", "it ended well, but answered nothing"],
    ["says something else", "process.stdout.write('no signature')", "its answer of 12 bytes is no signature"],
    ["does not stop", "for (;;) process.stdout.write('x'.repeat(1000))", "it answered more than 4096 bytes"],
  ])("that %s fails in one line", async (_, script, state) => {
    const words = parseSignCommand(command(script));
    expect(await failureOf(() => runSignCommand(words, MESSAGE))).toMatchObject({
      code: "signing-failed",
      message: `Cannot sign with ${BUN}: ${state}`,
    });
  });

  test.each([
    ["nowhere", "there is no such program"],
    ["public", "it cannot be started"],
  ])("that is the file %s cannot be started", async (name, words) => {
    expect(await failureOf(() => runSignCommand([at(name), "canary"], MESSAGE))).toMatchObject({
      code: "signing-failed",
      message: `Cannot sign with ${name}: ${words}`,
    });
  });

  test("may end without reading a large message", async () => {
    const script = `process.stdout.write("${SIGNATURE.toHex()}")`;
    const large = new Uint8Array(8 * 1024 * 1024) as Bytes;
    expect(await runSignCommand(parseSignCommand(command(script)), large)).toEqual(SIGNATURE);
  });

  test("has our environment, and none of our secrets", async () => {
    const script = "process.stdout.write(JSON.stringify(process.env))";
    const secrets = { FLAVOR_KEY_SEED: "s", FLAVOR_PRIVATE_KEY: "k", FLAVOR_KEY_PASSPHRASE: "p" };
    const { answer } = await ask(
      [...parseSignCommand(command(script))],
      MESSAGE,
      {},
      { KMS: "yes", ...secrets },
    );
    const environment = JSON.parse(new TextDecoder().decode(answer));
    expect(environment).toMatchObject({ KMS: "yes" });
    for (const name of Object.keys(secrets)) expect(environment).not.toHaveProperty(name);
  });
});

const posix = process.platform !== "win32";
if (!posix) process.stderr.write("skipped: signals to a sign command, Windows has none\n");

describe.skipIf(!posix)("patience", () => {
  /** Whether a process still does something: what nobody has asked about yet may only be dead. */
  const isAlive = (pid: number) => {
    try {
      process.kill(pid, 0);
      return process.platform !== "linux" || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
    } catch {
      return false;
    }
  };
  const pidIn = (name: string) => Number(readFileSync(at(name), "utf8"));

  /** A shell that says when it does what it shall, and then waits. */
  const waiting = (trap: string) =>
    ["sh", "-c", `${trap}; echo $$ > ${at("pid")}; while :; do sleep 0.05; done`] as const;

  test.each([
    ["ends by SIGTERM", "true", 60_000],
    ["ends by itself then", "trap 'touch DIR/asked; exit 0' TERM", 60_000],
    ["does not listen to SIGTERM", "trap '' TERM", 200],
  ])("ends with a command that %s", async (_, trap, grace) => {
    const words = waiting(trap.replace("DIR", dir.path));
    const error = await failureOf(() => runSignCommand(words, MESSAGE, { timeout: 300, grace }));
    expect(error).toMatchObject({
      code: "signing-failed",
      message: "Cannot sign with sh: it took longer than 0.3 seconds",
    });
    // on a busy machine the command may not have come that far
    const hasStarted = existsSync(at("pid"));
    expect(hasStarted && isAlive(pidIn("pid"))).toBe(false);
    if (trap.includes("asked")) expect(existsSync(at("asked"))).toBe(hasStarted);
  });

  test("does not wait for what a command leaves behind with its output open", async () => {
    const script = `sleep 100 & echo $! > ${at("pid")}; printf ${SIGNATURE.toHex()}`;
    try {
      expect(await runSignCommand(["sh", "-c", script], MESSAGE)).toEqual(SIGNATURE);
      expect(isAlive(pidIn("pid"))).toBe(true);
    } finally {
      if (existsSync(at("pid"))) process.kill(pidIn("pid"), "SIGKILL");
    }
  });

  test("a command ends with the process that started it", async () => {
    const script = `
      const { runSignCommand } = await import(${JSON.stringify(join(import.meta.dir, "sign-command.ts"))});
      await runSignCommand(["sh", "-c", "echo $$ > ${at("pid.new")}; mv ${at("pid.new")} ${at("pid")}; exec sleep 100"], new Uint8Array(1));`;
    await using child = Bun.spawn([process.execPath, "-e", script], { stdout: "ignore", stderr: "inherit" });
    while (!existsSync(at("pid"))) await Bun.sleep(5);
    child.kill("SIGTERM");
    await child.exited;
    expect(child.signalCode).toBe("SIGTERM");
    while (isAlive(pidIn("pid"))) await Bun.sleep(5);
  });
});
