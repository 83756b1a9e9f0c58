import { completeFrom } from "./complete-from.ts";

/** What an answer is made of, before anybody asks for a stream of it. */
export interface ReadyParts {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/**
 * A response whose body is a text that is already there. It is a `Response` like any other to whoever reads it, but a
 * server that asks {@link readyParts} can send it without building headers and a stream first, which costs more than
 * all the rest of a small answer.
 *
 * @example
 * ```ts
 * import { readyResponse } from "@countersign/authority/node";
 * const response = readyResponse('{"status":"ok"}', { headers: { "content-type": "application/json" } });
 * await response.json(); // { status: "ok" }
 * ```
 */
export function readyResponse(
  body: string | null,
  init: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): Response {
  const response: object = new ReadyResponse({ status: init.status ?? 200, headers: init.headers ?? {}, body });
  if (!(response instanceof Response)) throw new TypeError("Cannot make a response: the platform's Response changed");
  return response;
}

/** The parts of a {@link readyResponse} that nobody has looked into or changed since; otherwise `undefined`. */
export function readyParts(response: object): ReadyParts | undefined {
  return response instanceof ReadyResponse && !response.touched ? response.parts : undefined;
}

/** The same answer as the platform's own kind of response, for servers that take no other. */
export function platformResponse(response: object): Response {
  if (response instanceof ReadyResponse) return response.real();
  if (response instanceof Response) return response;
  throw new TypeError("Cannot answer with something that is not a response");
}

class ReadyResponse {
  readonly parts: ReadyParts;
  #real: Response | undefined;

  constructor(parts: ReadyParts) {
    this.parts = parts;
  }

  get touched(): boolean {
    return this.#real !== undefined;
  }

  get status(): number {
    return this.parts.status;
  }

  real(): Response {
    const { status, headers, body } = this.parts;
    this.#real ??= new Response(body, { status, headers });
    return this.#real;
  }
}

completeFrom<ReadyResponse, Response>(ReadyResponse.prototype, Response.prototype, (self) => self.real());
