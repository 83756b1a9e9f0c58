import type { ServerResponse } from "node:http";
import type { HttpResponse } from "../http/message.ts";

/** Sends an answer whole; `close` makes it the last one on its connection, and nothing that the answer says itself does. */
export function sendAnswer(outgoing: ServerResponse, { status, headers, body }: HttpResponse, close: boolean): void {
  const lines: string[] = [];
  for (const name in headers) if (name !== "connection") lines.push(name, headers[name] ?? "");
  if (close) lines.push("connection", "close");
  // RFC 9110 section 8.6: none with 204 and 304; and an answer to HEAD has no body to measure here.
  if (body !== null) lines.push("content-length", String(Buffer.byteLength(body)));
  else if (status !== 204 && status !== 304 && outgoing.req.method !== "HEAD") lines.push("content-length", "0");
  outgoing.writeHead(status, lines);
  outgoing.end(body);
}
