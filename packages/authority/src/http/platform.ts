import { CountersignError } from "@countersign/protocol";
import type { Connection } from "../caller.ts";
import type { FetchHandler, HttpHandler, HttpRequest, HttpResponse } from "./message.ts";

/** The handler of an authority in the types of the platform (Fetch). */
export function toFetch(handle: HttpHandler): FetchHandler {
  return async (request, connection) => toResponse(await handle(fromRequest(request), known(connection)));
}

/**
 * Servers pass values of their own to a fetch function. Bun passes its server, whose `address` is an object: such a caller has
 * no address here, and is not on loopback.
 */
function known(connection: Connection | undefined): Connection {
  const isOurs = connection?.address === undefined || typeof connection.address === "string";
  return connection !== undefined && isOurs ? connection : {};
}

function fromRequest(request: Request): HttpRequest {
  const { method, url, headers } = request;
  return { method, url, headers, read: (limit) => readBody(request, limit) };
}

function toResponse({ status, headers, body }: HttpResponse): Response {
  return new Response(body, { status, headers });
}

/**
 * Reads a body of announced length at once, as a server holds the sender to it; another one piece by piece. A request that
 * no server made may announce what it likes, so what was read counts.
 */
async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  const announced = request.headers.get("content-length");
  if (announced !== null && Number(announced) <= limit) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (bytes.length > limit) throw new CountersignError("payload_too_large");
    return bytes;
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength;
    if (length > limit) throw new CountersignError("payload_too_large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
