import type { IncomingMessage } from "node:http";

/** What came of reading a body: its bytes, or why there are none. */
export type ReadBody = { readonly bytes: Uint8Array } | "too_large" | "sender_gone";

/**
 * Reads the body of a message to its end, or stops at more than `limit` bytes; the rest is then dropped as it arrives,
 * so memory stays flat.
 */
export function readBody(incoming: IncomingMessage, limit: number): Promise<ReadBody> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    incoming.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limit) chunks.push(chunk);
      else resolve("too_large");
    });
    incoming.on("end", () => {
      const [only = new Uint8Array()] = chunks;
      resolve({ bytes: chunks.length < 2 ? only : Buffer.concat(chunks) });
    });
    incoming.on("error", () => resolve("sender_gone"));
    incoming.on("close", () => resolve("sender_gone"));
  });
}
