import type { ServerResponse } from "node:http";
import { readyParts } from "../http/ready-response.ts";

/** Sends a response whole; `close` makes it the last one on its connection. */
export async function sendResponse(outgoing: ServerResponse, response: Response, close: boolean): Promise<void> {
  const ready = readyParts(response);
  if (ready !== undefined) {
    const headers: string[] = [];
    for (const name in ready.headers) headers.push(name, ready.headers[name] ?? "");
    sendWhole(outgoing, ready.status, headers, ready.body, close);
    return;
  }
  const headers: string[] = [];
  for (const [name, value] of response.headers) headers.push(name, value);
  const body = response.body === null ? null : Buffer.from(await response.arrayBuffer());
  sendWhole(outgoing, response.status, headers, body, close);
}

function sendWhole(
  outgoing: ServerResponse,
  status: number,
  headers: string[],
  body: string | Buffer | null,
  close: boolean,
): void {
  if (close && !headers.includes("connection")) headers.push("connection", "close");
  // RFC 9110 section 8.6: none with 204 and 304; and an answer to HEAD has no body to measure here.
  if (body !== null) headers.push("content-length", String(Buffer.byteLength(body)));
  else if (status !== 204 && status !== 304 && outgoing.req.method !== "HEAD") headers.push("content-length", "0");
  outgoing.writeHead(status, headers);
  outgoing.end(body);
}
