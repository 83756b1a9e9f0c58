import { concatBytes } from "../encoding/bytes.ts";
import { fromUtf8 } from "../encoding/text.ts";
import { AttestationError, ensure } from "../errors.ts";

/** The slice of a response that is used here. */
export interface FetchedResponse {
  /** The HTTP status. */
  readonly status: number;
  /** The header fields. */
  readonly headers: { get(name: string): string | null };
  /** The content. */
  readonly body: {
    getReader(): {
      read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
      cancel(): Promise<void>;
    };
  } | null;
}

/** Fetches an address; the platform's `fetch` is one. */
export type FetchCollateral = (
  address: string,
  init: { readonly signal: AbortSignal; readonly redirect: "error" },
) => Promise<FetchedResponse>;

/** What was fetched. */
export interface Fetched {
  readonly bytes: Uint8Array;
  readonly text: () => string;
  readonly header: (...names: readonly string[]) => string;
}

/** Larger answers are not read: the longest revocation list has a few hundred kilobytes. */
const MAX_ANSWER = 4_194_304;

const fail = (address: string, why: string): AttestationError =>
  new AttestationError("network", `Cannot fetch collateral from ${address}: ${why}`);

async function readLimited(address: string, { body }: FetchedResponse): Promise<Uint8Array> {
  const reader = body?.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done || value === undefined) return concatBytes(...parts);
    length += value.length;
    if (length > MAX_ANSWER) {
      await reader?.cancel();
      throw fail(address, `the answer is larger than ${MAX_ANSWER} bytes`);
    }
    parts.push(value);
  }
}

/** The first of these header fields, which hold certificates in PEM, percent-encoded. */
function headerOf(address: string, { headers }: FetchedResponse, names: readonly string[]): string {
  const text = names.map((name) => headers.get(name)).find((value) => value !== null);
  if (text === undefined || text === null) throw fail(address, `the answer has no ${names[0]}`);
  try {
    return decodeURIComponent(text);
  } catch {
    throw fail(address, `${names[0]} is not percent-encoded`);
  }
}

/** Fetches one part of collateral. */
export async function fetchPart(fetch: FetchCollateral, address: string, timeoutMs: number): Promise<Fetched> {
  const response = await fetch(address, { signal: AbortSignal.timeout(timeoutMs), redirect: "error" }).catch(
    (error: unknown) => {
      throw fail(address, error instanceof Error ? error.message : "no answer");
    },
  );
  ensure(response.status === 200, "network", `Cannot fetch collateral from ${address}: status ${response.status}`);
  const bytes = await readLimited(address, response).catch((error: unknown) => {
    throw error instanceof AttestationError ? error : fail(address, "the answer broke off");
  });
  return { bytes, text: () => fromUtf8(bytes, "the answer"), header: (...names) => headerOf(address, response, names) };
}
