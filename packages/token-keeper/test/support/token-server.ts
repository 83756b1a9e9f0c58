import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly path: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly parameters: URLSearchParams;
}

/** An answer; `body` that is no text is sent as JSON. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export type Handler = (request: Received, count: number) => Answer | "drop" | Promise<Answer | "drop">;

export interface TokenServer extends AsyncDisposable {
  readonly origin: string;
  readonly tokenEndpoint: string;
  readonly received: Received[];
  handler: Handler;
}

/** A real HTTP server on a free port of the loopback interface, that answers as scripted. */
export async function startTokenServer(handler: Handler = freshTokens()): Promise<TokenServer> {
  const received: Received[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const { url: path = "", method = "", headers } = incoming;
    const request = { path, method, headers, body, parameters: new URLSearchParams(body) };
    received.push(request);
    render(await running.handler(request, received.length), outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // listen() on a port gives an address of this kind.
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const running: TokenServer = {
    origin,
    tokenEndpoint: `${origin}/token`,
    received,
    handler,
    [Symbol.asyncDispose]: () => close(server),
  };
  return running;
}

function render(answer: Answer | "drop", outgoing: ServerResponse): void {
  if (answer === "drop") return void outgoing.destroy();
  const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body ?? {});
  outgoing.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers });
  outgoing.end(text);
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** token-1, token-2 … each for `expiresIn` seconds. */
export function freshTokens(expiresIn: unknown = 3600, extra: Record<string, unknown> = {}): Handler {
  return (_request, count) => ({
    body: { access_token: `token-${count}`, token_type: "Bearer", expires_in: expiresIn, ...extra },
  });
}

/** An OAuth error (RFC 6749 section 5.2). */
export function refusal(error: string, status = 400, headers: Record<string, string> = {}): Answer {
  return { status, headers, body: { error, error_description: `Described ${error}` } };
}
