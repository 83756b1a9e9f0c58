import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { HttpResponse } from "../http/message.ts";

/** Sends a response whole; `close` makes it the last one on its connection, and no header of the response does. */
export function sendResponse(outgoing: ServerResponse, { status, headers, body }: HttpResponse, close: boolean): void {
  const lines: string[] = [];
  for (const name in headers) if (name !== "connection") lines.push(name, headers[name] ?? "");
  if (close) lines.push("connection", "close");
  // RFC 9110 section 8.6: none with 204 and 304; and a response to HEAD has no body to measure here.
  if (body !== null) lines.push("content-length", String(Buffer.byteLength(body)));
  else if (status !== 204 && status !== 304 && outgoing.req.method !== "HEAD") lines.push("content-length", "0");
  outgoing.writeHead(status, lines);
  outgoing.end(body);
}

/**
 * Makes the socket, once its response is written, say so and go on reading for a moment before it is destroyed. Destroyed
 * at once with unread bytes it would send a reset, which may reach the sender before the response does
 * (RFC 9112 section 9.6).
 */
export function closeGently(socket: Socket, lingerMs: number): void {
  socket.destroySoon = () => {
    socket.end();
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    socket.once("close", () => clearTimeout(timer));
  };
}
