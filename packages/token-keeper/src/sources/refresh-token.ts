import type { TokenCache } from "../cache.ts";
import { memoryCache } from "../caches/memory.ts";
import { TokenError } from "../errors.ts";
import { GuardedCache } from "../guarded-cache.ts";
import { member, numberMember, parseObject, stringMember } from "../json.ts";
import { type TokenIdentity, tokenKey } from "../key.ts";
import { waitForLease } from "../lease.ts";
import { Secret, toSecret } from "../secret.ts";
import { sha256Now } from "../sha256.ts";
import type { SourceContext, TokenSource } from "../source.ts";
import type { Token } from "../token.ts";
import {
  grantParameters,
  partitionOf,
  type RequestedAccess,
  TokenEndpoint,
  type TokenEndpointOptions,
} from "../token-endpoint.ts";

/** Options of {@link refreshTokenSource}. */
export interface RefreshTokenOptions extends TokenEndpointOptions, RequestedAccess {
  /**
   * The refresh token that the login began with: it tells this login from others of the same subject, and goes on doing so
   * when it has rotated. Another one is another login, which shares nothing with this one.
   */
  readonly refreshToken: string | Secret;
  /** Whose login this is. */
  readonly subject: string;
  /**
   * Where rotated refresh tokens are kept: durable, and shared by all processes that share the login.
   * @default one memory cache for all sources of this process, which is enough only while it lives
   */
  readonly store?: TokenCache;
  readonly partition?: string;
  /** For one operation of the store. @default 5000 */
  readonly storeTimeoutMs?: number;
}

/** One for all: sources of the same login that had a store each would spend each other's refresh tokens. */
const processStore = memoryCache();

interface Login {
  readonly whose: TokenIdentity;
  readonly initial: Secret;
  /** SHA-256 of the refresh token it began with, base64url. */
  readonly fingerprint: string;
}

interface StoredLogin {
  readonly refreshToken: Secret;
  readonly generation: number;
}

/**
 * The refresh token grant (RFC 6749 §6) with durable rotation: a new refresh token is stored *before* the access token
 * that came with it is handed out, under a lease where the store grants them. A retry sends the same token again. After
 * `invalid_grant` the store is read once more, as a sibling may have rotated in between.
 *
 * @throws TypeError when the endpoint is not https or loopback.
 */
export function refreshTokenSource(options: RefreshTokenOptions): TokenSource {
  const endpoint = new TokenEndpoint(options);
  const { client, audience, scope, resource, subject } = options;
  const initial = toSecret(options.refreshToken, "refresh token");
  const fingerprint = sha256Now(initial.reveal());
  const partition = partitionOf(options.parameters, options.partition, fingerprint);
  const grant = "refresh_token";
  const identity = {
    issuer: endpoint.issuer,
    clientId: client.clientId,
    grant,
    audience,
    scope,
    resource,
    subject,
    partition,
  };
  // The login is the same whatever audience and scope its access tokens have.
  const whose = { issuer: endpoint.issuer, clientId: client.clientId, grant, subject };
  const rotation = new Rotation({ whose, initial, fingerprint }, options);
  const request = (refreshToken: Secret, context: SourceContext) => {
    const parameters = grantParameters(grant, options);
    parameters.set("refresh_token", refreshToken.reveal());
    return endpoint.grant(parameters, context);
  };
  const key = tokenKey(identity);
  return {
    identity,
    request: (context) =>
      rotation.exclusively(context, async () => {
        const startedAt = context.clock.now();
        const token = await rotation.rotate(context, request);
        context.emit({ type: "requested", key, durationMs: context.clock.now() - startedAt });
        return token;
      }),
  };
}

type RefreshRequest = (
  refreshToken: Secret,
  context: SourceContext,
) => Promise<{ token: Token; response: { refreshToken: string | undefined } }>;

class Rotation {
  readonly #login: Login;
  readonly #key: string;
  /** Where entries are that all logins of a subject had in common. */
  readonly #commonKey: string;
  readonly #store: GuardedCache;
  readonly #leaseMs: number;
  #turn: Promise<unknown> = Promise.resolve();
  #latest: StoredLogin | undefined;
  /** Got from the server, not yet stored: its access token is not handed out before it is. */
  #unstored: { readonly login: StoredLogin; readonly token: Token } | undefined;

  constructor(login: Login, options: RefreshTokenOptions) {
    this.#login = login;
    this.#key = `login:${tokenKey({ ...login.whose, partition: login.fingerprint })}`;
    this.#commonKey = `login:${tokenKey(login.whose)}`;
    const storeTimeoutMs = options.storeTimeoutMs ?? 5_000;
    this.#store = new GuardedCache(options.store ?? processStore, storeTimeoutMs);
    // Longer than all that is done under it: discovery, two grants, reading and writing.
    this.#leaseMs = 4 * (options.timeoutMs ?? 10_000) + 3 * storeTimeoutMs;
  }

  /** One rotation at a time: under a lease where the store grants them, else within this process. */
  exclusively(context: SourceContext, run: () => Promise<Token>): Promise<Token> {
    if (this.#store.leases) return this.#underLease(context, run);
    const turn = this.#turn.then(run, run);
    this.#turn = turn;
    return turn;
  }

  async #underLease(context: SourceContext, run: () => Promise<Token>): Promise<Token> {
    const [cache, key, ttlMs] = [this.#store, this.#key, this.#leaseMs];
    const { lease } = await waitForLease(context, { cache, key, ttlMs, giveUp: async () => undefined });
    // A token that is spent now could neither be protected from a sibling nor, it seems, be stored.
    if (lease === undefined) throw new TokenError("storage_failed", "Cannot lock the store of the refresh token");
    try {
      return await run();
    } finally {
      await this.#store.release(context, lease);
    }
  }

  async rotate(context: SourceContext, request: RefreshRequest): Promise<Token> {
    if (this.#unstored !== undefined) return this.#keep(this.#unstored, context);
    const login = await this.#read(context);
    try {
      return await this.#use(login, context, request);
    } catch (error) {
      if (!(error instanceof TokenError && error.code === "invalid_grant")) throw error;
      const reread = await this.#read(context);
      if (reread.refreshToken.equals(login.refreshToken)) throw error;
      return this.#use(reread, context, request);
    }
  }

  async #use(login: StoredLogin, context: SourceContext, request: RefreshRequest): Promise<Token> {
    const { token, response } = await request(login.refreshToken, context);
    // RFC 6749 §6: without a new one the old one stays.
    if (response.refreshToken === undefined || response.refreshToken === login.refreshToken.reveal()) return token;
    const refreshToken = new Secret(response.refreshToken, "refresh token");
    this.#unstored = { login: { refreshToken, generation: login.generation + 1 }, token };
    return this.#keep(this.#unstored, context);
  }

  async #keep(unstored: { login: StoredLogin; token: Token }, context: SourceContext): Promise<Token> {
    const { refreshToken, generation } = unstored.login;
    const text = JSON.stringify({
      version: 1,
      key: this.#key,
      login: this.#login.fingerprint,
      generation,
      refresh_token: refreshToken.reveal(),
    });
    const { failed, error } = await this.#store.set(context, this.#key, text);
    if (failed) throw new TokenError("storage_failed", "Cannot store the new refresh token", { cause: error });
    this.#latest = unstored.login;
    this.#unstored = undefined;
    context.emit({ type: "rotated", key: this.#key, generation });
    return unstored.token;
  }

  /** The newest login: stored, or held, or the configured one when there was never another. */
  async #read(context: SourceContext): Promise<StoredLogin> {
    const stored = (await this.#stored(this.#key, context)) ?? (await this.#stored(this.#commonKey, context));
    return stored ?? this.#latest ?? { refreshToken: this.#login.initial, generation: 0 };
  }

  async #stored(key: string, context: SourceContext): Promise<StoredLogin | undefined> {
    const { failed, value, error } = await this.#store.get(context, key);
    // A sibling may have spent what is held here: to send that can end the whole login (RFC 9700 §4.14.2).
    if (failed) throw new TokenError("storage_failed", "Cannot read the refresh token", { cause: error });
    const record = value === undefined ? undefined : parseObject(value);
    if (record === undefined || member(record, "key") !== key) return undefined;
    if (member(record, "login") !== this.#login.fingerprint) return undefined;
    const [refreshToken, generation] = [stringMember(record, "refresh_token"), numberMember(record, "generation")];
    if (refreshToken === undefined || generation === undefined) return undefined;
    return { refreshToken: new Secret(refreshToken, "refresh token"), generation };
  }
}
