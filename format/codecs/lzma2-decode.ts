import type { Bytes, ByteStream } from "../types.ts";
import type { ByteReader } from "./byte-reader.ts";
import { damaged, truncated } from "./codec.ts";
import { type History, LzmaDecoder } from "./lzma-decode.ts";

/** No chunk becomes more than this. */
const MAX_CHUNK = 2 * 1024 * 1024;

/** Control bytes. From LZMA on, bits 5 and 6 say what is reset: 1 state, 2 properties too, 3 dictionary too. */
const END = 0x00;
const RAW_RESET_DICTIONARY = 0x01;
const RAW = 0x02;
const LZMA = 0x80;

/**
 * The bytes of one LZMA2 stream, chunk by chunk. Memory: at most twice the dictionary, and no more than the data need.
 * Specification: the .xz file format 1.2 and the format of liblzma.
 */
export async function* decodeLzma2(reader: ByteReader, dictionarySize: number): ByteStream {
  const decoder = new LzmaDecoder();
  const history: History = { bytes: new Uint8Array(0), at: 0, oldest: 0, position: 0 };
  let needsDictionary = true;
  let needsProperties = true;
  for (;;) {
    await need(reader, 1);
    const control = reader.take(1)[0]!;
    if (control === END) return;
    if (control > RAW && control < LZMA) throw damaged("XZ", "a chunk is of an unknown kind");
    const resets = control >= LZMA ? (control >>> 5) & 3 : 0;
    if (control === RAW_RESET_DICTIONARY || resets === 3) {
      history.oldest = history.at;
      history.position = 0;
      needsDictionary = false;
      needsProperties = true;
    } else if (needsDictionary) throw damaged("XZ", "its first chunk does not reset the dictionary");

    if (control < LZMA) {
      await need(reader, 2);
      const size = u16(reader.take(2)) + 1;
      await need(reader, size);
      makeRoom(history, dictionarySize, size);
      history.bytes.set(reader.take(size), history.at);
      history.at += size;
      history.position += size;
      yield history.bytes.slice(history.at - size, history.at);
      continue;
    }

    await need(reader, resets >= 2 ? 5 : 4);
    const size = ((control & 0x1f) << 16) + u16(reader.take(2)) + 1;
    const packed = u16(reader.take(2)) + 1;
    if (resets >= 2) decoder.setProperties(reader.take(1)[0]!);
    else if (needsProperties) throw damaged("XZ", "a chunk has no LZMA properties");
    else if (resets === 1) decoder.resetState();
    needsProperties = false;
    await need(reader, packed);
    makeRoom(history, dictionarySize, size);
    decoder.decode(reader.take(packed), history, size);
    yield history.bytes.slice(history.at - size, history.at);
  }
}

const u16 = (bytes: Bytes): number => (bytes[0]! << 8) | bytes[1]!;

async function need(reader: ByteReader, count: number): Promise<void> {
  if ((await reader.fill(count)) < count) throw truncated("XZ");
}

/** Makes room for `size` bytes: grows with the data, and when the dictionary is full, drops what it cannot reach. */
function makeRoom(history: History, dictionarySize: number, size: number): void {
  // Matches reach back one dictionary and not further, even where older bytes still lie in the buffer.
  const reach = Math.min(history.at - history.oldest, dictionarySize);
  history.oldest = history.at - reach;
  if (history.at + size <= history.bytes.length) return;
  const kept = history.bytes.subarray(history.oldest, history.at);
  const wanted = Math.min(Math.max(2 * kept.length, 64 * 1024), dictionarySize + MAX_CHUNK) + size;
  if (wanted > history.bytes.length) {
    const larger = new Uint8Array(Math.max(wanted, kept.length + size));
    larger.set(kept);
    history.bytes = larger;
  } else history.bytes.copyWithin(0, history.oldest, history.at);
  history.at = kept.length;
  history.oldest = 0;
}
