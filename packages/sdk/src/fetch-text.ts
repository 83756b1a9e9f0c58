import type { Fetch } from "@countersign/protocol";

/** A text to be fetched. */
export interface TextRequest {
  readonly url: string;
  readonly fetch: Fetch;
  readonly signal: AbortSignal;
  readonly maxBytes: number;
  /** What it must say to be. */
  readonly mediaType: string;
}

/**
 * Fetches a text: status 200, no redirect (RFC 8725 section 3.10), its media type, within the size limit.
 *
 * @throws {Error} saying what was wrong, without the content.
 */
export async function fetchText({ url, fetch, signal, maxBytes, mediaType }: TextRequest): Promise<string> {
  const response = await fetch(url, { headers: { accept: mediaType }, redirect: "error", signal });
  try {
    if (response.redirected) throw new Error("Cannot take an answer from a redirect");
    if (response.status !== 200) throw new Error(`Cannot take an answer with status: ${response.status}`);
    const type = response.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
    if (type !== mediaType) throw new Error(`Cannot take an answer that is not ${mediaType}`);
    return await readBounded(response, maxBytes);
  } finally {
    if (response.body?.locked === false) await response.body.cancel();
  }
}

async function readBounded(response: Response, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) throw new Error(`Cannot take an answer larger than ${maxBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
