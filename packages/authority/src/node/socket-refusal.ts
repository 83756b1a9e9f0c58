import type { Duplex } from "node:stream";
import { STATUS_CODES } from "./http-module.ts";

const parserErrors: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** The status that answers what the HTTP parser refused. */
export function statusOfParserError(code: string | undefined): number {
  return parserErrors[code ?? ""] ?? 400;
}

/**
 * Answers on a socket that has no request to answer to, and ends it. Says nothing of what was sent; a 405 names the methods
 * that are allowed (RFC 9110 section 15.5.6). A peer that does not take the answer is cut after `lingerMs`.
 */
export function refuseOnSocket(socket: Duplex, status: number, lingerMs: number, allowed: Iterable<string> = []): void {
  const reason = STATUS_CODES[status];
  const body = JSON.stringify({ error: "invalid_request", error_description: reason, message: reason });
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    ...(status === 405 ? [`allow: ${[...allowed].join(", ")}`] : []),
    "content-type: application/json",
    "cache-control: no-store",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(timer));
}
