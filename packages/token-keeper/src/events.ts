import type { TokenError } from "./errors.ts";

/** Everything a keeper tells about itself; `key` names the token, no field holds a secret. */
export type TokenEvent =
  | { readonly type: "requested"; readonly key: string; readonly durationMs: number }
  | { readonly type: "adopted"; readonly key: string; readonly cache: string }
  | { readonly type: "refreshed"; readonly key: string; readonly staleAt: number; readonly expiresAt: number }
  | {
      readonly type: "refresh_failed";
      readonly key: string;
      readonly error: TokenError;
      readonly failures: number;
      /** When the next attempt may start; absent after a terminal error. */
      readonly retryInMs?: number;
    }
  | { readonly type: "stale"; readonly key: string }
  | { readonly type: "expired"; readonly key: string }
  | { readonly type: "invalidated"; readonly key: string }
  | { readonly type: "rotated"; readonly key: string; readonly generation: number }
  | { readonly type: "lease_waited"; readonly key: string; readonly waitedMs: number }
  | { readonly type: "lease_taken_over"; readonly key: string }
  | {
      readonly type: "cache_failed";
      readonly cache: string;
      readonly operation: "get" | "set" | "lease";
      readonly error: unknown;
    }
  | { readonly type: "metadata_failed"; readonly issuer: string; readonly error: unknown }
  | { readonly type: "clock_jumped"; readonly jumpMs: number }
  | { readonly type: "evicted"; readonly key: string };

/** The name of an event. */
export type TokenEventType = TokenEvent["type"];

/** Takes an event. */
export type TokenEventListener<T extends TokenEventType = TokenEventType> = (
  event: Extract<TokenEvent, { type: T }>,
) => void;

/** Anything with events: a watcher or a manager. */
export interface TokenEventSource {
  /** Calls `listener` for each event of a type, or for all with `"*"`; returns what takes it off again. */
  on<T extends TokenEventType>(type: T, listener: TokenEventListener<T>): () => void;
  on(type: "*", listener: TokenEventListener): () => void;
}

/** The listeners of a keeper. Errors of a listener are ignored: an observer must not stop the keeper. */
export class TokenEvents implements TokenEventSource {
  readonly #listeners = new Map<string, Set<(event: TokenEvent) => void>>();

  on<T extends TokenEventType>(type: T | "*", listener: TokenEventListener<T>): () => void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners);
    // The map is keyed by type, so that a listener only meets its own events.
    const entry = listener as (event: TokenEvent) => void;
    listeners.add(entry);
    return () => void listeners.delete(entry);
  }

  readonly emit = (event: TokenEvent): void => {
    for (const type of [event.type, "*"]) {
      for (const listener of this.#listeners.get(type) ?? []) {
        // An async listener may reject: that must not be an unhandled rejection.
        void (async () => listener(event))().catch(() => undefined);
      }
    }
  };
}
