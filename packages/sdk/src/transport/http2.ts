import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import type { TlsOptions } from "./tls.ts";
import { readBody, type Transport, type TransportRequest, type TransportResponse } from "./transport.ts";

/** How long a connection without requests is kept. */
const IDLE_MS = 60_000;

/** One connection to each origin, made anew once it is closed. */
function sessionPool(tls: TlsOptions) {
  const sessions = new Map<string, ClientHttp2Session>();
  const open = (origin: string): ClientHttp2Session => {
    const session = connect(origin, tls);
    const forget = () => {
      if (sessions.get(origin) === session) sessions.delete(origin);
    };
    // Whoever waits for a response is told by the stream.
    session.on("error", forget).on("goaway", forget).on("close", forget);
    session.setTimeout(IDLE_MS, () => session.close());
    sessions.set(origin, session);
    return session;
  };
  return {
    get: (origin: string): ClientHttp2Session => sessions.get(origin) ?? open(origin),
    close: () => {
      for (const session of [...sessions.values()]) session.destroy();
    },
  };
}

/** An idle connection does not keep the process alive; one that is waited on does. */
function hold(session: ClientHttp2Session, stream: ClientHttp2Stream, held: Map<ClientHttp2Session, number>): void {
  held.set(session, (held.get(session) ?? 0) + 1);
  session.ref();
  stream.once("close", () => {
    const left = (held.get(session) ?? 1) - 1;
    held.set(session, left);
    if (left === 0 && !session.destroyed) session.unref();
  });
}

/** The status of a response; a stream that ends without one fails too. */
function responseOf(stream: ClientHttp2Stream): Promise<number> {
  return new Promise((resolve, reject) => {
    stream.once("response", (headers: IncomingHttpHeaders) => resolve(Number(headers[":status"])));
    stream.once("error", reject);
    stream.once("close", () => reject(new Error("Cannot read an answer: the server ended the stream")));
  });
}

/** HTTP/2 over TLS. */
export function http2Transport(tls: TlsOptions): Transport {
  const pool = sessionPool(tls);
  const held = new Map<ClientHttp2Session, number>();
  async function send({ origin, method, path, headers, body, signal }: TransportRequest): Promise<TransportResponse> {
    const session = pool.get(origin);
    const { HTTP2_HEADER_METHOD, HTTP2_HEADER_PATH } = constants;
    const stream = session.request(
      { ...headers, [HTTP2_HEADER_METHOD]: method, [HTTP2_HEADER_PATH]: path },
      { signal },
    );
    hold(session, stream, held);
    stream.end(body);
    const status = await responseOf(stream);
    return { status, body: await readBody(stream) };
  }
  return { send, close: () => pool.close() };
}
