import { base64, base64url, utf8 } from "./encoding.ts";
import type { Random } from "./ports.ts";
import { type Secret, toSecret } from "./secret.ts";
import { type JwtSigningKey, signJwt } from "./signed-jwt.ts";

/** What a client authenticates: the request, before it is sent. */
export interface AuthenticationTarget {
  /** The parameters of the form: `authenticate` may add to them. */
  readonly parameters: URLSearchParams;
  /** The request's headers, by lower-case name: `authenticate` may add to them. */
  readonly headers: Record<string, string>;
  /** Issuer identifier where known, else the token endpoint: the audience of an assertion. */
  readonly audience: string;
  /** Now by the server's clock, as well as it is known. */
  readonly serverNow: number;
  /** Where a `jti` comes from. */
  readonly random: Random;
}

/** A client and the way it authenticates at the token endpoint (RFC 6749 section 2.3). */
export interface ClientAuthentication {
  /** The client's id (RFC 6749 section 2.2). */
  readonly clientId: string;
  /** Whether it wants the endpoint for client certificates (RFC 8705 section 5). */
  readonly mutualTls: boolean;
  /** Whether what it proves holds at a certain time, so that a refusal may be one of our clock. @default false */
  readonly timed?: boolean;
  /** Adds the proof to a request's parameters or headers; called once for every request. */
  authenticate(target: AuthenticationTarget): Promise<void>;
}

/**
 * A public client: names itself and proves nothing.
 *
 * @example
 * ```ts run
 * import { publicClient } from "@countersign/token-keeper";
 * console.log(publicClient("cli").clientId); // cli
 * ```
 */
export function publicClient(clientId: string): ClientAuthentication {
  return client(clientId, ({ parameters }) => parameters.set("client_id", clientId));
}

/**
 * `client_secret_basic`: both halves form-encoded before base64 (RFC 6749 section 2.3.1).
 *
 * @example
 * ```ts run
 * import { secretBasic, systemClock, systemRandom } from "@countersign/token-keeper";
 * const headers: Record<string, string> = {};
 * const request = { headers, parameters: new URLSearchParams(), audience: "https://auth.example.com" };
 * await secretBasic("app", "s3cr3t").authenticate({ ...request, serverNow: systemClock.now(), random: systemRandom });
 * console.log(headers.authorization); // Basic YXBwOnMzY3IzdA==
 * ```
 */
export function secretBasic(clientId: string, secret: string | Secret): ClientAuthentication {
  const kept = toSecret(secret, "client secret");
  return client(clientId, ({ headers }) => {
    headers.authorization = `Basic ${base64(utf8(`${formEncode(clientId)}:${formEncode(kept.reveal())}`))}`;
  });
}

/** `client_secret_post`: both in the body. */
export function secretPost(clientId: string, secret: string | Secret): ClientAuthentication {
  const kept = toSecret(secret, "client secret");
  return client(clientId, ({ parameters }) => {
    parameters.set("client_id", clientId);
    parameters.set("client_secret", kept.reveal());
  });
}

/**
 * `tls_client_auth` and `self_signed_tls_client_auth` (RFC 8705): the certificate is presented by the `fetch` of the
 * source, which `@countersign/token-keeper/node` makes with `createTlsFetch`.
 */
export function tlsClient(clientId: string): ClientAuthentication {
  return { ...publicClient(clientId), mutualTls: true };
}

/** Options of {@link privateKeyJwt}. */
export interface PrivateKeyJwtOptions extends JwtSigningKey {
  /** The assertion's audience. @default the issuer, or the token endpoint where no issuer is configured */
  readonly audience?: string;
  /** How long one assertion may be used. @default 60000 */
  readonly lifetimeMs?: number;
}

/**
 * `private_key_jwt` (RFC 7523 section 2.2): a new assertion, with its own `jti`, for every request.
 *
 * @example
 * ```ts run
 * import { clientCredentialsSource, privateKeyJwt } from "@countersign/token-keeper";
 * const { privateKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
 * const source = clientCredentialsSource({
 *   issuer: "https://auth.example.com",
 *   client: privateKeyJwt("app", { key: privateKey, algorithm: "ES256", keyId: "2026-01" }),
 * });
 * console.log(source.identity.clientId); // app
 * ```
 */
export function privateKeyJwt(clientId: string, options: PrivateKeyJwtOptions): ClientAuthentication {
  const { lifetimeMs = 60_000 } = options;
  const authentication = client(clientId, async ({ parameters, audience, serverNow, random }) => {
    const iat = Math.floor(serverNow / 1000);
    const claims = {
      iss: clientId,
      sub: clientId,
      aud: options.audience ?? audience,
      jti: base64url(random.bytes(16)),
      iat,
      exp: iat + Math.ceil(lifetimeMs / 1000),
    };
    parameters.set("client_id", clientId);
    parameters.set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    parameters.set("client_assertion", await signJwt(options, claims));
  });
  return { ...authentication, timed: true };
}

function client(
  clientId: string,
  authenticate: (target: AuthenticationTarget) => void | Promise<void>,
): ClientAuthentication {
  if (clientId === "") throw new TypeError("Cannot use an empty client id: give the one that the server registered");
  return { clientId, mutualTls: false, authenticate: async (target) => authenticate(target) };
}

function formEncode(text: string): string {
  return new URLSearchParams({ "": text }).toString().slice(1);
}
