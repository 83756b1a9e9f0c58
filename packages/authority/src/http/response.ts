import { readyResponse } from "./ready-response.ts";

/** What every answer carries that may hold a token or a refusal (RFC 6749 section 5.1). */
const neverStored = {
  "content-type": "application/json",
  "cache-control": "no-store",
  pragma: "no-cache",
  "x-content-type-options": "nosniff",
} as const;

/** A JSON answer that no cache may keep. */
export function json(body: unknown, status = 200, headers?: Readonly<Record<string, string>>): Response {
  const all = headers === undefined ? neverStored : { ...neverStored, ...headers };
  return readyResponse(JSON.stringify(body), { status, headers: all });
}

/** An answer without a body. */
export function empty(status: 200 | 204): Response {
  return new Response(null, { status, headers: { "cache-control": "no-store" } });
}
