import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { HttpRequest, HttpResponse } from "../../src/http/message.ts";
import { type Servable, type Served, type ServeOptions, serveAuthority } from "../../src/node.ts";

/** A server on a free port whose authority answers 200 to everything and remembers what it was asked. */
export interface Recorder extends AsyncDisposable {
  readonly served: Served;
  readonly requests: readonly HttpRequest[];
}

export async function record(options: ServeOptions = {}, respond?: Servable["respond"]): Promise<Recorder> {
  const requests: HttpRequest[] = [];
  const served = await serveAuthority(
    {
      respond: async (request, connection) => {
        requests.push(request);
        return respond === undefined ? answered() : respond(request, connection);
      },
    },
    { host: "127.0.0.1", port: 0, ...options },
  );
  return { served, requests, [Symbol.asyncDispose]: () => served.close({ atMostMs: 0 }) };
}

/** A plain answer. */
export function answered(body: string | null = "answered", status = 200): HttpResponse {
  return { status, headers: {}, body };
}

/** Sends bytes as they are and resolves to all that comes back until the server closes the connection. */
export async function exchangeRaw(port: number, ...pieces: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  const answer = readToEnd(socket);
  for (const piece of pieces) socket.write(piece);
  return answer;
}

/** Everything a socket receives until it is closed, however that happens. */
export function readToEnd(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(text));
  });
}

/** The status codes of all answers in what a socket received. */
export function statusesOf(text: string): readonly number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}

/** What each answer in what a socket received says of the connection. */
export function connectionsOf(text: string): readonly string[] {
  return [...text.matchAll(/^connection: (.+)\r$/gim)].map((match) => match[1] ?? "");
}

export function tlsSocket(port: number, options: ConnectionOptions): Promise<ReturnType<typeof connectTls>> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options }, () =>
      resolve(socket),
    );
    socket.on("error", reject);
  });
}
