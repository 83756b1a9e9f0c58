import { adaptiveLifetime, type LifetimePolicy } from "./lifetime.ts";
import { Secret } from "./secret.ts";

const inspect = Symbol.for("nodejs.util.inspect.custom");

/** `fresh` before `staleAt`, `stale` before `expiresAt`, `expired` from then on. */
export type TokenStatus = "fresh" | "stale" | "expired";

/** What a token is made of; instants in milliseconds. */
export interface TokenInit {
  /** The access token. */
  readonly accessToken: string;
  /** The ID token that came with it. @default none */
  readonly idToken?: string | undefined;
  /** @default "Bearer" */
  readonly tokenType?: string;
  /** What was granted, when the server said so (RFC 6749 section 5.1). */
  readonly scope?: readonly string[] | undefined;
  /** When it was asked for, milliseconds since 1970. */
  readonly issuedAt: number;
  /** When it is due for a refresh, milliseconds since 1970. */
  readonly staleAt: number;
  /** When it expires, milliseconds since 1970. */
  readonly expiresAt: number;
  /** What else the server answered; see {@link Token.extra}. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
}

/** A token with its lifetime. Time is data here: every question takes the instant it is asked for. */
export class Token {
  /** The access token, redacted wherever it is printed. */
  readonly accessToken: Secret;
  /** The ID token that came with it (OpenID Connect Core 1.0 section 3.1.3.3). */
  readonly idToken: Secret | undefined;
  /** The `token_type` (RFC 6749 section 7.1): `Bearer`, for one. */
  readonly tokenType: string;
  /** The scopes that were granted; undefined when the server did not say. */
  readonly scope: readonly string[] | undefined;
  /** When it was asked for, milliseconds since 1970. */
  readonly issuedAt: number;
  /** When it is due for a refresh, milliseconds since 1970. */
  readonly staleAt: number;
  /** When it expires, milliseconds since 1970. */
  readonly expiresAt: number;
  /** Private, so that it is not printed: a server may put secrets there. */
  readonly #extra: Readonly<Record<string, unknown>>;

  /** @throws RangeError when an instant is not finite, or issue, staleness and expiry are out of order. */
  constructor(init: TokenInit) {
    const { issuedAt, staleAt, expiresAt } = init;
    if (!(Number.isFinite(issuedAt) && issuedAt <= staleAt && staleAt <= expiresAt && Number.isFinite(expiresAt)))
      throw new RangeError(
        `Cannot make a token issued ${issuedAt}, stale ${staleAt}, expired ${expiresAt}: give finite milliseconds in this order`,
      );
    this.accessToken = new Secret(init.accessToken, "access token");
    this.idToken = init.idToken === undefined ? undefined : new Secret(init.idToken, "id token");
    this.tokenType = init.tokenType ?? "Bearer";
    this.scope = init.scope;
    this.issuedAt = issuedAt;
    this.staleAt = staleAt;
    this.expiresAt = expiresAt;
    this.#extra = init.extra ?? {};
  }

  /**
   * The members of the token endpoint's response that this package has no use for, as they came (`instance_url`, for one).
   * It goes through caches with the token, and is neither printed nor serialised.
   */
  get extra(): Readonly<Record<string, unknown>> {
    return this.#extra;
  }

  /** From issue to expiry. */
  get lifetimeMs(): number {
    return this.expiresAt - this.issuedAt;
  }

  /** The status at an instant: `staleAt` itself is stale, `expiresAt` itself is expired. */
  statusAt(now: number): TokenStatus {
    if (now >= this.expiresAt) return "expired";
    return now >= this.staleAt ? "stale" : "fresh";
  }

  /** Milliseconds until stale, 0 when past. */
  untilStale(now: number): number {
    return Math.max(0, this.staleAt - now);
  }

  /** Milliseconds until expired, 0 when past. */
  untilExpired(now: number): number {
    return Math.max(0, this.expiresAt - now);
  }

  /** The value of an `Authorization` header: reveals the access token. */
  authorization(): string {
    return `${this.tokenType} ${this.accessToken.reveal()}`;
  }

  toJSON(): Record<string, unknown> {
    const { accessToken, idToken, tokenType, scope, issuedAt, staleAt, expiresAt } = this;
    return {
      accessToken: `${accessToken}`,
      idToken: idToken?.toString(),
      tokenType,
      scope,
      issuedAt,
      staleAt,
      expiresAt,
    };
  }

  toString(): string {
    return "[redacted token]";
  }

  [inspect](_depth: number, options: unknown, show?: (value: unknown, options: unknown) => string): string {
    return `Token ${show === undefined ? JSON.stringify(this) : show(this.toJSON(), options)}`;
  }
}

/** A lifetime as the server told it. */
export interface Lifetime {
  /** When the request was *sent*: the response's own time would count the latency as lifetime. */
  readonly issuedAt: number;
  /** Milliseconds from `issuedAt` to expiry. */
  readonly lifetimeMs: number;
  /** The server's hint when to refresh (`refresh_in`), milliseconds after issue; wins over the policy. */
  readonly refreshInMs?: number | undefined;
}

/**
 * Makes a token and decides when it is stale.
 *
 * @example
 * ```ts run
 * import { createToken } from "@countersign/token-keeper";
 * const token = createToken({ accessToken: "abc" }, { issuedAt: 0, lifetimeMs: 900_000 });
 * console.log(token.staleAt, token.statusAt(700_000)); // 600000 stale
 * ```
 */
export function createToken(
  init: Omit<TokenInit, "issuedAt" | "staleAt" | "expiresAt">,
  { issuedAt, lifetimeMs, refreshInMs }: Lifetime,
  policy: LifetimePolicy = adaptiveLifetime(),
): Token {
  const staleAfterMs = Math.min(lifetimeMs, Math.max(0, refreshInMs ?? policy(lifetimeMs)));
  return new Token({ ...init, issuedAt, staleAt: issuedAt + staleAfterMs, expiresAt: issuedAt + lifetimeMs });
}
