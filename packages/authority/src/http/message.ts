import type { ErrorCode } from "@countersign/protocol";
import type { Connection } from "../caller.ts";

/** Looks a header up by its name in lower case; several lines of one name are one value (RFC 9110 section 5.3). */
export interface HeaderLookup {
  /** The value of a header, or `null` when there is none. */
  get(name: string): string | null;
  /** Whether there is such a header, be it empty. */
  has(name: string): boolean;
}

/**
 * A request as the routes read it. The platform's `Request` would do, but to make one for each message costs more than
 * all that is asked of it here.
 */
export interface HttpRequest {
  /** The method, in capitals (RFC 9110 section 9). */
  readonly method: string;
  /** Absolute. */
  readonly url: string;
  /** The header lines. */
  readonly headers: HeaderLookup;
  /**
   * The body, once.
   *
   * @throws {CountersignError} `payload_too_large` when it has more than `limit` bytes; no more of it was read then.
   */
  read(limit: number): Promise<Uint8Array>;
  /** What the server found wrong with the body before anybody asked for it: the request is refused so. */
  readonly refused?: ErrorCode;
}

/** What a request is answered with. */
export interface HttpResponse {
  /** The status code (RFC 9110 section 15). */
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes are sent as they are, and may be those of many responses at once: nobody changes them. */
  readonly body: string | Uint8Array<ArrayBuffer> | null;
}

/** The authority as one function from request to response. */
export type HttpHandler = (request: HttpRequest, connection?: Connection) => Promise<HttpResponse>;

/** Answers a request that the server found wrong before its body was read, so that a browser may read that too. */
export type RefusalHandler = (code: ErrorCode, request: HttpRequest, connection: Connection) => Promise<HttpResponse>;

/** The same function in the types of the platform (Fetch). */
export type FetchHandler = (request: Request, connection?: Connection) => Promise<Response>;
