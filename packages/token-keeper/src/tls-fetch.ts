import type { IncomingMessage } from "node:http";
import { Agent, type AgentOptions, globalAgent, type RequestOptions, request } from "node:https";
import { pipeline, type Readable, type Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { FetchLike } from "./http.ts";

/** Options of {@link createTlsFetch}; PEM texts or bytes. */
export interface TlsFetchOptions {
  /** The client's certificate chain. */
  readonly cert: string | Uint8Array;
  /** The private key of the first certificate. */
  readonly key: string | Uint8Array;
  /** The authorities that are trusted. @default those of Node */
  readonly ca?: string | Uint8Array;
  /** What the private key is encrypted with. @default none */
  readonly passphrase?: string;
}

/**
 * A `fetch` that presents a client certificate (RFC 8705), for the `fetch` option of a source. It verifies the server
 * whatever `NODE_TLS_REJECT_UNAUTHORIZED` says, and follows no redirect. Where Node's own `fetch` takes a proxy from the
 * environment (`NODE_USE_ENV_PROXY=1` or `--use-env-proxy`, Node 24.5), this does too, by `CONNECT`: the proxy sees neither
 * certificate nor token. It asks for no compression, and reads gzip, deflate and br all the same.
 */
export function createTlsFetch(options: TlsFetchOptions): FetchLike {
  const { cert, key, ca, passphrase } = options;
  const agent = new Agent({
    cert: buffer(cert),
    key: buffer(key),
    keepAlive: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    ...proxyOfEnvironment(),
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
      outgoing.setHeader("accept-encoding", "identity");
      new Headers(init.headers).forEach((value, name) => {
        outgoing.setHeader(name, value);
      });
      outgoing.on("error", reject);
      outgoing.end(typeof init.body === "string" ? init.body : undefined);
    });
}

/** What Node's own `fetch` and global agent do with the environment; undefined in a Node that does nothing. */
function proxyOfEnvironment(): AgentOptions {
  const { proxyEnv }: AgentOptions = globalAgent.options;
  return proxyEnv === undefined ? {} : { proxyEnv };
}

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

function responseOf(incoming: IncomingMessage): Response {
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(incoming.headersDistinct))
    for (const value of values) headers.append(name, value);
  const status = incoming.statusCode ?? 0;
  if ([101, 204, 205, 304].includes(status)) return new Response(null, { status, headers });
  const body = bodyOf(decoded(incoming, headers));
  return new Response(body, { status, headers });
}

/** @throws TypeError for an encoding that is not supported. */
function decoded(incoming: IncomingMessage, headers: Headers): Readable {
  const encoding = headers.get("content-encoding")?.trim().toLowerCase() || "identity";
  if (encoding === "identity") return incoming;
  const make = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  if (make === undefined)
    throw new TypeError(
      `Cannot read a body with the content encoding: ${encoding}; have the server send identity, gzip, deflate or br`,
    );
  for (const name of ["content-encoding", "content-length"]) headers.delete(name);
  // Whoever reads the decoder is told of what breaks off before it.
  return pipeline(incoming, make(), () => undefined);
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
