import { completeFrom } from "../http/complete-from.ts";

/**
 * The headers of a request as they came from the socket. Looking one up walks the raw list; anything else builds a
 * real `Headers` once and leaves it to that.
 *
 * @param raw Names and values in turn, as `IncomingMessage.rawHeaders` has them.
 */
export function requestHeaders(raw: readonly string[]): Headers {
  const headers: object = new RequestHeaders(raw);
  if (!(headers instanceof Headers)) throw new TypeError("Cannot make headers: the platform's Headers changed");
  return headers;
}

class RequestHeaders {
  readonly #raw: readonly string[];
  #real: Headers | undefined;

  constructor(raw: readonly string[]) {
    this.#raw = raw;
  }

  get(name: string): string | null {
    if (this.#real !== undefined) return this.#real.get(name);
    const wanted = name.toLowerCase();
    const at = this.#find(wanted, 0);
    if (at < 0) return null;
    // Several lines of one name are joined in ways that Headers knows (Fetch, "get a header").
    if (this.#find(wanted, at + 2) >= 0) return this.real().get(name);
    return this.#raw[at + 1] ?? null;
  }

  has(name: string): boolean {
    return this.#real === undefined ? this.#find(name.toLowerCase(), 0) >= 0 : this.#real.has(name);
  }

  real(): Headers {
    if (this.#real !== undefined) return this.#real;
    const headers = new Headers();
    for (let at = 0; at < this.#raw.length; at += 2) headers.append(this.#raw[at] ?? "", this.#raw[at + 1] ?? "");
    this.#real = headers;
    return headers;
  }

  #find(name: string, from: number): number {
    for (let at = from; at < this.#raw.length; at += 2) {
      const candidate = this.#raw[at];
      if (candidate?.length === name.length && candidate.toLowerCase() === name) return at;
    }
    return -1;
  }
}

completeFrom<RequestHeaders, Headers>(RequestHeaders.prototype, Headers.prototype, (self) => self.real());
