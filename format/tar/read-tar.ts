import type { Bytes, ByteStream } from "../types.ts";
import type { TarEntry, TarHeader, TarLimits } from "./tar-entry.ts";
import { tarParser } from "./tar-parser.ts";

type Event =
  | { readonly kind: "entry"; readonly header: TarHeader }
  | { readonly kind: "data"; readonly piece: Bytes }
  | { readonly kind: "close" };

/**
 * The entries of an archive one after the other, each with its body as a stream. Holds one piece of the input at a
 * time; a body that is not read is skipped. Throws `archive-invalid` where the archive is damaged or breaks off.
 */
export async function* readTar(
  input: ByteStream,
  limits?: TarLimits,
): AsyncGenerator<TarEntry, void, undefined> {
  const events = eventsOf(input, limits);
  try {
    for (let event = await events.next(); !event.done; event = await events.next()) {
      // pieces of a body that was given up half-way
      if (event.value.kind !== "entry") continue;
      const body = bodyOf(events);
      yield { ...event.value.header, body };
      for await (const _ of body);
    }
  } finally {
    await events.return(undefined);
  }
}

async function* bodyOf(events: AsyncGenerator<Event>): ByteStream {
  for (
    let event = await events.next();
    !event.done && event.value.kind === "data";
    event = await events.next()
  )
    yield event.value.piece;
}

async function* eventsOf(input: ByteStream, limits?: TarLimits): AsyncGenerator<Event> {
  let events: Event[] = [];
  const sink = {
    write: (piece: Bytes) => void events.push({ kind: "data", piece }),
    close: () => void events.push({ kind: "close" }),
  };
  const visitor = {
    entry(header: TarHeader) {
      events.push({ kind: "entry", header });
      return sink;
    },
  };
  const parser = tarParser(visitor, limits);
  for await (const piece of input) {
    events = [];
    let failure: { readonly error: unknown } | undefined;
    try {
      parser.push(piece);
    } catch (error) {
      failure = { error };
    }
    // what was right in front of the damage is still told, so that the pieces' sizes make no difference
    yield* events;
    if (failure !== undefined) throw failure.error;
  }
  parser.end();
}
