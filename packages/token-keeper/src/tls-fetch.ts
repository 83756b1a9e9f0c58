import type { IncomingMessage } from "node:http";
import { Agent, type RequestOptions, request } from "node:https";
import type { Readable } from "node:stream";
import type { FetchLike } from "./http.ts";

/** Options of {@link createTlsFetch}; PEM texts or bytes. */
export interface TlsFetchOptions {
  /** The client's certificate chain. */
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
  /** The authorities that are trusted. @default those of Node */
  readonly ca?: string | Uint8Array;
  readonly passphrase?: string;
}

/**
 * A `fetch` that presents a client certificate (RFC 8705), for the `fetch` option of a source. It verifies the server
 * whatever `NODE_TLS_REJECT_UNAUTHORIZED` says, and follows no redirect.
 */
export function createTlsFetch(options: TlsFetchOptions): FetchLike {
  const { cert, key, ca, passphrase } = options;
  const agent = new Agent({
    cert: buffer(cert),
    key: buffer(key),
    keepAlive: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    ...(ca === undefined ? {} : { ca: buffer(ca) }),
    ...(passphrase === undefined ? {} : { passphrase }),
  });
  return (input, init) =>
    new Promise((resolve, reject) => {
      const sent: RequestOptions = { agent, method: init.method ?? "GET" };
      if (init.signal) sent.signal = init.signal;
      const outgoing = request(input, sent, (incoming) => {
        try {
          resolve(responseOf(incoming));
        } catch (error) {
          // Thrown from here, a status that no Response may have would end the process.
          incoming.destroy();
          reject(error);
        }
      });
      new Headers(init.headers).forEach((value, name) => {
        outgoing.setHeader(name, value);
      });
      outgoing.on("error", reject);
      outgoing.end(typeof init.body === "string" ? init.body : undefined);
    });
}

function responseOf(incoming: IncomingMessage): Response {
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(incoming.headersDistinct))
    for (const value of values) headers.append(name, value);
  const status = incoming.statusCode ?? 0;
  const body = [101, 204, 205, 304].includes(status) ? null : bodyOf(incoming);
  return new Response(body, { status, headers });
}

function bodyOf(incoming: Readable): ReadableStream<Uint8Array> {
  const chunks = incoming[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const chunk = await chunks.next();
      if (chunk.done) controller.close();
      else controller.enqueue(new Uint8Array(chunk.value));
    },
    cancel: () => void incoming.destroy(),
  });
}

function buffer(value: string | Uint8Array): string | Buffer {
  return typeof value === "string" ? value : Buffer.from(value);
}
