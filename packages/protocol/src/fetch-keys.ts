import { parseJson } from "./json.ts";
import type { KeyImportOptions } from "./jwk.ts";
import { importKeys, type KeySet } from "./jwks.ts";

/** How a request leaves this program: the platform's `fetch`, or one with its own trust anchors. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** One request for a key set. */
export interface KeyRequest {
  readonly url: string;
  readonly fetch: Fetch;
  readonly signal: AbortSignal;
  /** In bytes. */
  readonly maxBytes: number;
  /** The ETag of the set at hand; the server may answer that it still holds. */
  readonly etag?: string | undefined;
  readonly importing: KeyImportOptions;
}

/** A key set as it was answered. */
export interface FetchedKeys {
  /** `undefined` when the set at hand still holds (304). */
  readonly keys: KeySet | undefined;
  readonly etag: string | undefined;
  readonly cacheControl: string;
}

/**
 * Fetches a JWK set, and takes it only when it cannot be anything else: status 200, no redirect, a JSON media type,
 * within the size limit, strict JSON, at least one usable key.
 *
 * @throws {Error} saying what was wrong, without the content.
 */
export async function fetchKeys(request: KeyRequest): Promise<FetchedKeys> {
  const { url, fetch, signal, etag } = request;
  const accept = "application/jwk-set+json, application/json";
  const headers = etag === undefined ? { accept } : { accept, "if-none-match": etag };
  // RFC 8725 section 3.10: the one URL that was configured, not where its response points.
  const response = await fetch(url, { headers, redirect: "error", signal });
  const fetched = {
    etag: response.headers.get("etag") ?? undefined,
    cacheControl: response.headers.get("cache-control") ?? "",
  };
  try {
    if (response.redirected) throw new Error("Cannot take keys from a redirect");
    if (response.status === 304 && etag !== undefined) return { ...fetched, keys: undefined, etag };
    if (response.status !== 200) throw new Error(`Cannot take keys from an answer with status: ${response.status}`);
    checkMediaType(response.headers.get("content-type") ?? "");
    const body = await readBounded(response, request.maxBytes);
    const keys = importKeys(parseJson(body, { maxBytes: request.maxBytes }), request.importing);
    if (keys.keys.length === 0) throw new Error(`Cannot use any key of the set; keys refused: ${keys.refused.length}`);
    return { ...fetched, keys };
  } finally {
    if (response.body?.locked === false) await response.body.cancel();
  }
}

/** RFC 7517 section 8.5.2 names the type; most servers send plain JSON. */
function checkMediaType(contentType: string): void {
  const mediaType = contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (!/^application\/(?:json|jwk-set\+json)$/.test(mediaType)) {
    throw new Error("Cannot take keys from an answer that is not application/json or application/jwk-set+json");
  }
}

async function readBounded(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) throw new Error(`Cannot take a key set larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
