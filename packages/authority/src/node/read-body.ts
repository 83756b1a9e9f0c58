import type { IncomingMessage } from "node:http";

/** What came of reading a body: its bytes, or why there are none. */
export type ReadBody = { readonly bytes: Uint8Array } | "too_large" | "sender_gone";

/**
 * Reads the body of a message to its end, or stops at more than `limit` bytes; the rest is then dropped as it arrives,
 * so memory stays flat.
 */
export function readBody(incoming: IncomingMessage, limit: number): Promise<ReadBody> {
  return new Promise((resolve) => {
    let bytes: Uint8Array = new Uint8Array();
    let length = 0;
    incoming.on("data", (piece: Buffer) => {
      const end = length + piece.length;
      if (end > limit) resolve("too_large");
      else bytes = joined(bytes, length, piece);
      length = end;
    });
    incoming.on("end", () => resolve({ bytes: bytes.subarray(0, length) }));
    incoming.on("error", () => resolve("sender_gone"));
    incoming.on("close", () => resolve("sender_gone"));
  });
}

/**
 * The first `length` bytes and a piece, with room for more. Most bodies come in one piece, which is kept as it is; of
 * many none is kept: a buffer that holds one byte of a chunked body takes hundreds.
 */
function joined(bytes: Uint8Array, length: number, piece: Uint8Array): Uint8Array {
  if (length === 0) return piece;
  const end = length + piece.length;
  const roomy = end <= bytes.length ? bytes : new Uint8Array(Math.max(end, 2 * bytes.length));
  if (roomy !== bytes) roomy.set(bytes.subarray(0, length));
  roomy.set(piece, length);
  return roomy;
}
