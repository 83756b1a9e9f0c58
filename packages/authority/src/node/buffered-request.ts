import { completeFrom } from "../http/complete-from.ts";
import { requestHeaders } from "./request-headers.ts";

/** What a server has read of a request. */
export interface RequestParts {
  readonly method: string;
  readonly url: string;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  /** The whole body; `undefined` when the message has none. */
  readonly body: Uint8Array | undefined;
}

/**
 * A `Request` whose body was read before anybody asks for it, within a limit. Method, URL, headers and a first reading
 * of the body are answered from what was read; for all else a real `Request` is built, once.
 */
export function bufferedRequest(parts: RequestParts): Request {
  const request: object = new BufferedRequest(parts);
  if (!(request instanceof Request)) throw new TypeError("Cannot make a request: the platform's Request changed");
  return request;
}

const utf8 = new TextDecoder();

class BufferedRequest {
  readonly method: string;
  readonly url: string;
  readonly #parts: RequestParts;
  #headers: Headers | undefined;
  #real: Request | undefined;
  #read = false;

  constructor(parts: RequestParts) {
    this.method = parts.method;
    this.url = parts.url;
    this.#parts = parts;
  }

  get headers(): Headers {
    this.#headers ??= requestHeaders(this.#parts.rawHeaders);
    return this.#headers;
  }

  get bodyUsed(): boolean {
    return this.#read || (this.#real?.bodyUsed ?? false);
  }

  async text(): Promise<string> {
    const body = this.#take();
    return body === undefined ? this.real().text() : utf8.decode(body);
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  async bytes(): Promise<Uint8Array> {
    return this.#take() ?? this.real().bytes();
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const body = this.#take();
    if (body === undefined) return this.real().arrayBuffer();
    return new Uint8Array(body).buffer;
  }

  /** The request for whoever wants more of it: its body is used up when it was read here before. */
  real(): Request {
    if (this.#real !== undefined) return this.#real;
    const { method, url, body } = this.#parts;
    const bare = method === "GET" || method === "HEAD" || body === undefined;
    const request = new Request(url, { method, headers: this.headers, body: bare ? null : new Uint8Array(body) });
    // Only starts to read, which is what marks the body as used.
    if (this.#read && !bare) void request.arrayBuffer();
    this.#real = request;
    return request;
  }

  /** A body is read once (Fetch, "body mixin"). */
  #take(): Uint8Array | undefined {
    if (this.#read || this.#real !== undefined) return undefined;
    this.#read = true;
    return this.#parts.body ?? new Uint8Array();
  }
}

completeFrom<BufferedRequest, Request>(BufferedRequest.prototype, Request.prototype, (self) => self.real());
