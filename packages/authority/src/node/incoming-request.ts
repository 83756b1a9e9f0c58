import { CountersignError } from "@countersign/protocol";
import type { HeaderLookup, HttpRequest } from "../http/message.ts";

/** What a server has read of a request. */
export interface RequestParts {
  readonly method: string;
  readonly url: string;
  /** Names and values in turn, as `IncomingMessage.rawHeaders` has them. */
  readonly rawHeaders: readonly string[];
  /** The whole body; `undefined` when the message has none. */
  readonly body: Uint8Array | undefined;
}

/** A request from a socket, whose body was read before anybody asks for it. */
export function incomingRequest({ method, url, rawHeaders, body }: RequestParts): HttpRequest {
  return { method, url, headers: new RawHeaders(rawHeaders), read: async (limit) => within(body, limit) };
}

const noBody = new Uint8Array();

function within(body: Uint8Array | undefined, limit: number): Uint8Array {
  if (body === undefined) return noBody;
  if (body.length > limit) throw new CountersignError("payload_too_large");
  return body;
}

/** Few headers of a request are ever looked at: walking the raw list for each is cheaper than sorting them all. */
class RawHeaders implements HeaderLookup {
  readonly #raw: readonly string[];

  constructor(raw: readonly string[]) {
    this.#raw = raw;
  }

  get(name: string): string | null {
    let found: string | null = null;
    for (let at = this.#find(name, 0); at >= 0; at = this.#find(name, at + 2)) {
      const value = this.#raw[at + 1] ?? "";
      found = found === null ? value : `${found}, ${value}`;
    }
    return found;
  }

  has(name: string): boolean {
    return this.#find(name, 0) >= 0;
  }

  #find(name: string, from: number): number {
    for (let at = from; at < this.#raw.length; at += 2) {
      const candidate = this.#raw[at];
      if (candidate?.length === name.length && candidate.toLowerCase() === name) return at;
    }
    return -1;
  }
}
