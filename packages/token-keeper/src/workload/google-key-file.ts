import { fromBase64url } from "../encoding.ts";
import { type JsonObject, parseObject, stringMember } from "../json.ts";
import type { JwtSigningKey } from "../signed-jwt.ts";
import type { TokenSource } from "../source.ts";
import { type JwtBearerOptions, jwtBearerSource } from "../sources/jwt-bearer.ts";
import { signedAssertionSource } from "../sources/signed-assertion.ts";

/** Options of {@link googleKeyFileSource}. */
export interface GoogleKeyFileOptions extends Pick<JwtBearerOptions, "timeoutMs" | "lifetime" | "fetch" | "response"> {
  /** The text of the key file: JSON of the type `service_account`. */
  readonly keyFile: string;
  /** Scopes, as a list or as text with spaces between them. */
  readonly scope: string | readonly string[];
  /** The user whom the service account acts for (domain-wide delegation). @default none */
  readonly subject?: string;
}

/**
 * A Google service account by its key file: an access token for an assertion that the file's key signs (RFC 7523 section 2.1).
 *
 * @throws TypeError when the text is no such file.
 * @example
 * ```ts run
 * import { googleKeyFileSource } from "@countersign/token-keeper/workload";
 * const keyFile = JSON.stringify({
 *   type: "service_account",
 *   client_email: "reports@project.iam.gserviceaccount.com",
 *   private_key_id: "key-1",
 *   private_key: "-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----\n",
 *   token_uri: "https://oauth2.googleapis.com/token",
 * });
 * const scope = "https://www.googleapis.com/auth/devstorage.read_only";
 * console.log(googleKeyFileSource({ keyFile, scope }).identity.issuer); // https://oauth2.googleapis.com/token
 * ```
 */
export function googleKeyFileSource({ keyFile, scope, subject, ...options }: GoogleKeyFileOptions): TokenSource {
  const { email, tokenUri, keyId, privateKey } = readKeyFile(keyFile);
  const assertion = signedAssertionSource({
    signing: async () => ({ key: await importKey(privateKey), algorithm: "RS256", keyId }) satisfies JwtSigningKey,
    issuer: email,
    audience: tokenUri,
    // Google reads the scopes there, not in the form.
    claims: { scope: [scope].flat().join(" ") },
    lifetimeMs: 3_600_000,
    ...(subject === undefined ? {} : { subject }),
  });
  return jwtBearerSource({ ...options, tokenEndpoint: tokenUri, assertion, scope });
}

function readKeyFile(text: string) {
  const file = parseObject(text);
  if (file === undefined || stringMember(file, "type") !== "service_account")
    throw new TypeError("Cannot read the key file: give the JSON of a service account");
  return {
    email: required(file, "client_email"),
    tokenUri: required(file, "token_uri"),
    keyId: required(file, "private_key_id"),
    privateKey: required(file, "private_key"),
  };
}

function required(file: JsonObject, name: string): string {
  const value = stringMember(file, name);
  if (value === undefined) throw new TypeError(`Cannot read the key file: it has no ${name}`);
  return value;
}

/** PKCS #8 (RFC 5958) in PEM (RFC 7468). */
async function importKey(pem: string): Promise<CryptoKey> {
  const [, body] = /-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----/.exec(pem) ?? [];
  if (body === undefined) throw new TypeError("Cannot read the key file: private_key is not PKCS #8 in PEM");
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  return crypto.subtle.importKey("pkcs8", fromBase64url(body.replace(/\s+/g, "")), algorithm, false, ["sign"]);
}
