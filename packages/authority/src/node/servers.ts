import { constants, createPrivateKey, X509Certificate } from "node:crypto";
import type http from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { defined } from "@countersign/protocol";
import { createHandler, type HandlerParts } from "./handler.ts";
import { methods } from "./judge.ts";
import type { ServerLimits } from "./limits.ts";
import { isHandshaking, trackSockets } from "./open-sockets.ts";

/**
 * The parts of `node:http` that make servers. An import of that module would make its `WebSocket` too, and with that a
 * whole fetch client: 12 MB and some 40 ms for what is not used here.
 */
const { createServer: createHttpServer, STATUS_CODES } = process.getBuiltinModule("node:http");

/** Certificate and key of the server, and how far certificates of clients are trusted. All PEM. */
export interface TlsOptions {
  /** The certificate and its chain, PEM. */
  readonly cert: string | Buffer;
  /** The private key of the certificate, PEM. */
  readonly key: string | Buffer;
  /** Authorities whose client certificates are trusted. @default none: client certificates are passed on untrusted */
  readonly clientAuthorities?: string | Buffer;
  /** Revocation lists of those authorities. */
  readonly clientRevocations?: string | Buffer;
}

/** One listening server, not yet bound. */
export function createServer(tls: TlsOptions | undefined, parts: HandlerParts): http.Server {
  const { limits } = parts;
  const options = messageOptions(limits);
  const server = tls === undefined ? createHttpServer(options) : createTlsServer(tls, options, limits);
  server.maxConnections = limits.connections;
  // The bytes are bounded; a bound on the number would drop lines without an error, a second Authorization among them.
  server.maxHeadersCount = 0;
  server.setTimeout(limits.silenceMs);
  const handler = createHandler(parts);
  server.on("request", handler);
  // RFC 9110 section 10.1.1: an expectation that is not known may be ignored; Node's own 417 would not be counted.
  server.on("checkExpectation", handler);
  // Asked for only after the headers were judged: a body that would be refused is not asked for.
  server.on("checkContinue", handler);
  server.on("connect", (_request, socket) => refuseOnSocket(socket, 405, limits.lingerMs, methods));
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const state = parts.stateOf(socket as Socket);
    if (state.ended) return;
    const owes = state.responding > 0 || state.waiting.length > 0;
    if (owes || !socket.writable || isHandshaking(server, socket as Socket)) return socket.destroy();
    refuseOnSocket(socket, statusOfParserError(error.code), limits.lingerMs);
  });
  trackSockets(server, tls !== undefined, limits);
  return server;
}

/** @throws {TypeError} saying which of the files is wrong. */
function createTlsServer(tls: TlsOptions, options: http.ServerOptions, limits: ServerLimits): https.Server {
  const certificate = readPem("certificate", () => new X509Certificate(tls.cert));
  const key = readPem("private key", () => createPrivateKey(tls.key));
  // OpenSSL accepts a pair of different types without an error, and then fails every handshake.
  if (!certificate.checkPrivateKey(key))
    throw new TypeError("Cannot serve TLS: the private key is not the certificate's");
  return readPem("client authorities or revocation lists", () =>
    https.createServer({ ...options, ...tlsOptions(tls, limits) }),
  );
}

function readPem<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : "no reason given";
    throw new TypeError(`Cannot serve TLS: the ${what} cannot be read: ${reason}`, { cause });
  }
}

function messageOptions(limits: ServerLimits): http.ServerOptions {
  return {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.checkEveryMs,
    keepAliveTimeout: limits.keepAliveMs,
    maxHeaderSize: limits.headerBytes,
    insecureHTTPParser: false,
    noDelay: true,
  };
}

function tlsOptions(tls: TlsOptions, limits: ServerLimits): https.ServerOptions {
  return {
    cert: tls.cert,
    key: tls.key,
    minVersion: "TLSv1.2",
    handshakeTimeout: limits.handshakeMs,
    // Certificates are asked for and judged by whoever authenticates the client: RFC 8705 section 2.2 has self-signed ones.
    requestCert: true,
    rejectUnauthorized: false,
    // A resumed session would keep the verdict on a certificate that expired or was revoked since.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    ...defined({ ca: tls.clientAuthorities, crl: tls.clientRevocations }),
  };
}

const parserErrors: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** The status that answers what the HTTP parser refused. */
function statusOfParserError(code: string | undefined): number {
  return parserErrors[code ?? ""] ?? 400;
}

/**
 * Answers on a socket that has no request to answer to, and ends it. Says nothing of what was sent; a 405 names the methods
 * that are allowed (RFC 9110 section 15.5.6). A peer that does not take the response is cut after `lingerMs`.
 */
function refuseOnSocket(socket: Duplex, status: number, lingerMs: number, allowed: Iterable<string> = []): void {
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
