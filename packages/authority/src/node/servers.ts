import { constants, createPrivateKey, X509Certificate } from "node:crypto";
import type http from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import { defined } from "@countersign/protocol";
import { createHandler, type HandlerParts } from "./handler.ts";
import { createServer as createHttpServer } from "./http-module.ts";
import { methods } from "./judge.ts";
import type { ServerLimits } from "./limits.ts";
import { isHandshaking, trackSockets } from "./open-sockets.ts";
import { refuseOnSocket, statusOfParserError } from "./socket-refusal.ts";

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
  // The bytes are bounded; a bound on the number would drop lines in silence, a second Authorization among them.
  server.maxHeadersCount = 0;
  server.setTimeout(limits.silenceMs);
  const handler = createHandler(parts);
  server.on("request", handler);
  // RFC 9110 section 10.1.1: an expectation that is not known may be ignored; the platform's 417 nobody would count.
  server.on("checkExpectation", handler);
  // Asked for only after the headers were judged: a body that would be refused is not asked for.
  server.on("checkContinue", handler);
  server.on("connect", (_request, socket) => refuseOnSocket(socket, 405, limits.lingerMs, methods));
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const state = parts.stateOf(socket as Socket);
    if (state.ended) return;
    const owes = state.answering > 0 || state.waiting.length > 0;
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
  // OpenSSL takes two of different types without a word, and then refuses every handshake.
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
