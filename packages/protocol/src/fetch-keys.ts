import { parseJson } from "./json.ts";
import type { JsonValue } from "./json-value.ts";
import type { KeyImportOptions } from "./jwk.ts";
import { importKeys, type KeySet } from "./jwks.ts";

/** How a request leaves this program: the platform's `fetch`, or one with its own trust anchors. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** One request for a public document. */
export interface DocumentRequest {
  /** The one place that it is fetched from. */
  readonly url: string;
  /** How the request leaves this program. */
  readonly fetch: Fetch;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** In bytes. */
  readonly maxBytes: number;
  /** The ETag of the document at hand; the server may answer that it still holds. */
  readonly etag?: string | undefined;
  /** The media types that are taken; the first names what is asked for most. @default application/json */
  readonly mediaTypes?: readonly string[];
}

/** A document as it was answered. */
export interface FetchedDocument {
  /** `undefined` when the document at hand still holds (304). */
  readonly json: JsonValue | undefined;
  /** The tag to ask with the next time. */
  readonly etag: string | undefined;
  /** The header of that name, or nothing. */
  readonly cacheControl: string;
}

/** One request for a key set. */
export interface KeyRequest extends Omit<DocumentRequest, "mediaTypes"> {
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
 * Fetches a JWK set (RFC 7517 section 5), and takes it only when it cannot be anything else and has a usable key.
 *
 * @throws {Error} saying what was wrong, without the content.
 */
export async function fetchKeys({ importing, ...request }: KeyRequest): Promise<FetchedKeys> {
  // RFC 7517 section 8.5.2 names the type; most servers send plain JSON.
  const mediaTypes = ["application/jwk-set+json", "application/json"];
  const { json, ...fetched } = await fetchJson({ ...request, mediaTypes });
  if (json === undefined) return { ...fetched, keys: undefined };
  const keys = importKeys(json, importing);
  if (keys.keys.length === 0) throw new Error(`Cannot use any key of the set; keys refused: ${keys.refused.length}`);
  return { ...fetched, keys };
}

/**
 * Fetches a JSON document: status 200, no redirect, a JSON media type, within the size limit, strict JSON.
 *
 * @throws {Error} saying what was wrong, without the content.
 * @example
 * ```ts
 * import { fetchJson } from "@countersign/protocol";
 * const load = (signal: AbortSignal) =>
 *   fetchJson({ url: "https://id.example.com/.well-known/openid-configuration", fetch, signal, maxBytes: 65_536 });
 * ```
 */
export async function fetchJson(request: DocumentRequest): Promise<FetchedDocument> {
  const { url, fetch, signal, etag, maxBytes, mediaTypes = ["application/json"] } = request;
  const accept = mediaTypes.join(", ");
  const headers = etag === undefined ? { accept } : { accept, "if-none-match": etag };
  // RFC 8725 section 3.10: the one URL that was configured, not where its response points.
  const response = await fetch(url, { headers, redirect: "error", signal });
  const fetched = {
    etag: response.headers.get("etag") ?? undefined,
    cacheControl: response.headers.get("cache-control") ?? "",
  };
  try {
    if (response.redirected) throw new Error("Cannot take a document from a redirect");
    if (response.status === 304 && etag !== undefined) return { ...fetched, json: undefined, etag };
    if (response.status !== 200)
      throw new Error(`Cannot take a document from an answer with status: ${response.status}`);
    checkMediaType(response.headers.get("content-type") ?? "", mediaTypes);
    return { ...fetched, json: parseJson(await readBounded(response, maxBytes), { maxBytes }) };
  } finally {
    if (response.body?.locked === false) await response.body.cancel();
  }
}

function checkMediaType(contentType: string, mediaTypes: readonly string[]): void {
  const mediaType = contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (!mediaTypes.includes(mediaType)) {
    throw new Error(`Cannot take a document from an answer that is not ${mediaTypes.join(" or ")}`);
  }
}

async function readBounded(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) throw new Error(`Cannot take a document larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
