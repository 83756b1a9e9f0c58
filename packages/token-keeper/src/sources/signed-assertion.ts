import { base64url } from "../encoding.ts";
import { type JwtSigningKey, signJwt } from "../signed-jwt.ts";
import type { SourceContext, TokenSource } from "../source.ts";
import { createToken, type Token } from "../token.ts";

/** Options of {@link signedAssertionSource}. */
export interface SignedAssertionOptions {
  /** The key, or a function that gives it when it is first needed. */
  readonly signing: JwtSigningKey | (() => Promise<JwtSigningKey>);
  /** `iss`: whom the server knows the key of. */
  readonly issuer: string;
  /** `sub`: who the token will be of. @default the issuer */
  readonly subject?: string;
  /** `aud`: the server's issuer identifier or token endpoint, as the server wants it. */
  readonly audience: string;
  /** More claims; none of them replaces one of those above. @default none */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** How long one assertion may be used. @default 60000 */
  readonly lifetimeMs?: number;
}

/**
 * An assertion that is signed here (RFC 7523 section 3), new for each request, with its own `jti`. Times are by the server's
 * clock as far as it is known under `audience`.
 *
 * @example
 * ```ts run
 * import { signedAssertionSource, TokenWatcher } from "@countersign/token-keeper";
 * const { privateKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
 * const source = signedAssertionSource({
 *   signing: { key: privateKey, algorithm: "ES256", keyId: "2026-01" },
 *   issuer: "reports",
 *   audience: "https://auth.example.com",
 * });
 * await using watcher = await TokenWatcher.start(source);
 * console.log(watcher.token().accessToken.reveal().split(".").length); // 3
 * ```
 */
export function signedAssertionSource(options: SignedAssertionOptions): TokenSource {
  const { issuer, subject = issuer, audience, lifetimeMs = 60_000 } = options;
  const keyOf = signingKeyOf(options.signing);
  return {
    identity: { issuer, clientId: issuer, grant: "signed_assertion", audience, subject },
    async request({ clock, random, skew }: SourceContext): Promise<Token> {
      const issuedAt = clock.now();
      const iat = Math.floor(skew.serverNow(audience) / 1000);
      const exp = iat + Math.ceil(lifetimeMs / 1000);
      const claims = { iss: issuer, sub: subject, aud: audience, iat, exp, jti: base64url(random.bytes(16)) };
      const accessToken = await signJwt(await keyOf(), { ...options.claims, ...claims });
      return createToken({ accessToken }, { issuedAt, lifetimeMs });
    },
  };
}

function signingKeyOf(signing: SignedAssertionOptions["signing"]): () => Promise<JwtSigningKey> {
  if (typeof signing !== "function") return async () => signing;
  let imported: Promise<JwtSigningKey> | undefined;
  return () => {
    imported ??= signing();
    return imported;
  };
}
