import type { HttpResponse } from "./message.ts";

/** What every response carries that may hold a token or a refusal (RFC 6749 section 5.1). */
const neverStored = {
  "content-type": "application/json",
  "cache-control": "no-store",
  pragma: "no-cache",
  "x-content-type-options": "nosniff",
} as const;

/** A JSON response that no cache may keep. */
export function json(body: unknown, status = 200, more?: Readonly<Record<string, string>>): HttpResponse {
  const headers = more === undefined ? neverStored : { ...neverStored, ...more };
  return { status, headers, body: JSON.stringify(body) };
}

/** A response in another type, with what it says of caches. */
export function text(body: string | Uint8Array<ArrayBuffer>, type: string, cacheControl: string): HttpResponse {
  return { status: 200, headers: { "content-type": type, "cache-control": cacheControl }, body };
}

/** A response without a body. */
export function empty(status: 200 | 204): HttpResponse {
  return { status, headers: { "cache-control": "no-store" }, body: null };
}
