import type { TokenCache } from "../cache.ts";
import { memoryCache } from "../caches/memory.ts";
import { sha256 } from "../encoding.ts";
import { accessLists, grantParameters, partitionOf, type RequestedAccess } from "../requested-access.ts";
import { type Secret, toSecret } from "../secret.ts";
import { type SourceContext, type TokenSource, tokenKey } from "../source.ts";
import { TokenEndpoint, type TokenEndpointOptions } from "../token-endpoint.ts";
import { type RotatedLogin, Rotation } from "./rotation.ts";

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
  /** Tells tenants apart that share everything else. @default none */
  readonly partition?: string;
  /** For one operation of the store. @default 5000 */
  readonly storeTimeoutMs?: number;
  /**
   * How long the server answers a spent refresh token once more with the same successor (Countersign: 10000). Where it is
   * known, a response that does not come is asked for again within that time; where it is not, the response is waited for
   * twice as long as `timeoutMs`, by the next attempts, before the token is sent again.
   * @default none
   */
  readonly replayWindowMs?: number;
  /**
   * Told each new refresh token after it was stored and before its access token is handed out, once or more: while it
   * throws or rejects nothing is handed out.
   */
  readonly onRotation?: (rotated: RotatedLogin) => unknown;
}

/**
 * Shared by all sources of this process: with a store each, sources of one login would spend each other's refresh
 * tokens.
 */
const processStore = memoryCache();

/**
 * The refresh token grant (RFC 6749 section 6) with durable rotation: a new refresh token is stored *before* the access token
 * that came with it is handed out, under a lease where the store grants them. A retry sends the same token again. After
 * `invalid_grant` the store is read once more, as a sibling may have rotated in between.
 *
 * @throws TypeError when the endpoint is not https or loopback.
 *
 * @example
 * ```ts run
 * import { memoryCache, publicClient, refreshTokenSource, TokenWatcher } from "@countersign/token-keeper";
 * const source = refreshTokenSource({
 *   issuer: "https://auth.example.com",
 *   tokenEndpoint: "https://auth.example.com/token",
 *   client: publicClient("cli"),
 *   refreshToken: "first",
 *   subject: "alice",
 *   store: memoryCache(),
 *   fetch: async () =>
 *     Response.json({ access_token: "abc", token_type: "Bearer", expires_in: 900, refresh_token: "second" }),
 * });
 * await using watcher = await TokenWatcher.start(source);
 * console.log(watcher.token().authorization()); // Bearer abc
 * ```
 */
export function refreshTokenSource(options: RefreshTokenOptions): TokenSource {
  const endpoint = new TokenEndpoint(options);
  const { client, subject } = options;
  const initial = toSecret(options.refreshToken, "refresh token");
  const fingerprint = sha256(initial.reveal());
  const partition = partitionOf(options.parameters, options.partition, fingerprint);
  const grant = "refresh_token";
  const identity = {
    issuer: endpoint.issuer,
    clientId: client.clientId,
    grant,
    ...accessLists(options),
    subject,
    partition,
  };
  // The login is the same whatever audience and scope its access tokens have.
  const loginIdentity = { issuer: endpoint.issuer, clientId: client.clientId, grant, subject };
  const { store = processStore, timeoutMs, storeTimeoutMs, replayWindowMs, onRotation } = options;
  const rotation = new Rotation(
    { identity: loginIdentity, initial, fingerprint },
    { store, timeoutMs, storeTimeoutMs, replayWindowMs, onRotation },
  );
  const send = (refreshToken: Secret, context: SourceContext, responseTimeoutMs: number) => {
    const parameters = grantParameters(grant, options);
    parameters.set("refresh_token", refreshToken.reveal());
    return endpoint.grant(parameters, context, responseTimeoutMs);
  };
  const key = tokenKey(identity);
  const request = (context: SourceContext) =>
    rotation.exclusively(context, async (shared) => {
      const startedAt = context.clock.now();
      const token = await rotation.rotate({ context, key, shared, request: send });
      context.emit({ type: "requested", key, durationMs: context.clock.now() - startedAt });
      return token;
    });
  return {
    identity,
    request,
    look: async (context) => ((await rotation.hasNews(context)) ? request(context) : undefined),
  };
}
