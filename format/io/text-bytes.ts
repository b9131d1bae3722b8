/**
 * Names, arguments and variables are bytes to the system and strings to us. A byte that is part of no UTF-8 becomes a
 * half of a pair that no other text has (U+DC80 to U+DCFF, as Python does), and that byte again on the way back.
 */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return decodeDamaged(bytes);
  }
}

/** The bytes that `decodeText` was given; other lone halves of pairs become U+FFFD. */
export function encodeText(text: string): Uint8Array {
  return text.isWellFormed() ? new TextEncoder().encode(text) : encodeDamaged(text);
}

/** A function of its own: who only names `Buffer` has JavaScriptCore make it, which takes 0.1 ms. */
function encodeDamaged(text: string): Uint8Array {
  const encoder = new TextEncoder();
  const pieces = [...text].map((character) => {
    const code = character.codePointAt(0) as number;
    return isByte(code) ? Uint8Array.of(code - FIRST) : encoder.encode(character);
  });
  return Buffer.concat(pieces);
}

/** Where a byte 0x00 would be; only 0x80 to 0xff are ever there. */
const FIRST = 0xdc00;
const isByte = (code: number): boolean => code >= FIRST + 0x80 && code <= FIRST + 0xff;

function decodeDamaged(bytes: Uint8Array): string {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes[at] as number);
    try {
      if (length === 0) throw new TypeError("no first byte of anything");
      text += decoder.decode(bytes.subarray(at, at + length));
      at += length;
    } catch {
      text += String.fromCharCode(FIRST + (bytes[at] as number));
      at += 1;
    }
  }
  return text;
}

/** How many bytes a character has that begins with this one; 0 when none does. */
function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}
