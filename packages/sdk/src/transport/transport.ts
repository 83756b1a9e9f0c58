/** A request to an authority or to the service of a party. */
export interface TransportRequest {
  /** `https://host:port`. */
  readonly origin: string;
  /** The method. */
  readonly method: "GET" | "POST";
  /** The path, from `/`. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; absent in a GET. */
  readonly body: string | undefined;
  /** Ends the request. */
  readonly signal: AbortSignal;
}

/** A response, whole. */
export interface TransportResponse {
  /** The HTTP status. */
  readonly status: number;
  /** The body, whole. */
  readonly body: Uint8Array;
}

/** How requests travel. The two of Node are chosen by the configuration; tests and other runtimes bring their own. */
export interface Transport {
  /** Sends one request. Redirects are not followed: a token would go where nobody sent it. */
  send(request: TransportRequest): Promise<TransportResponse>;
  /** Ends all connections. */
  close(): void;
}

/** Bytes of the largest response that is read. */
const MAX_BYTES = 1024 * 1024;

/** Reads a body whole, up to a limit. */
export async function readBody(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const read: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > MAX_BYTES) throw new RangeError(`Cannot read an answer of more than ${MAX_BYTES} bytes`);
    read.push(chunk);
  }
  return new Uint8Array(Buffer.concat(read));
}
