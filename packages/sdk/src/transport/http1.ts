import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import type { TlsOptions } from "./tls.ts";
import { readBody, type Transport, type TransportRequest, type TransportResponse } from "./transport.ts";

function responseOf(outgoing: ClientRequest, body: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.on("response", resolve);
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

const CLOSED: readonly unknown[] = ["ECONNRESET", "EPIPE"];

/** A connection that the server closed as the next request was on its way: it was not heard. */
const isStale = (outgoing: ClientRequest, error: unknown): boolean =>
  outgoing.reusedSocket && error instanceof Error && "code" in error && CLOSED.includes(error.code);

/** HTTP/1.1 over TLS, on connections that are kept. */
export function http1Transport(tls: TlsOptions): Transport {
  const agent = new Agent({ ...tls, keepAlive: true });
  async function send(sent: TransportRequest): Promise<TransportResponse> {
    const { origin, path, method, headers, body, signal } = sent;
    const outgoing = request(`${origin}${path}`, { agent, method, signal, headers });
    const incoming = await responseOf(outgoing, body).catch((error: unknown) => {
      // Each endpoint may be asked twice: a second token is no harm.
      if (isStale(outgoing, error)) return send(sent);
      throw error;
    });
    if ("body" in incoming) return incoming;
    return { status: incoming.statusCode ?? 0, body: await readBody(incoming) };
  }
  return { send, close: () => agent.destroy() };
}
