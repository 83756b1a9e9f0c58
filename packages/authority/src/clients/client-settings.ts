import { isIP } from "node:net";
import { CountersignError, defined, importKeys, type KeyRefusal, keyRefusals } from "@countersign/protocol";
import type { JWK } from "jose";
import {
  assertionAudiences,
  type ClientAuthMethod,
  type ClientCertificateRule,
  type ClientRecord,
  type ClientTokenSettings,
  signingAlgorithms,
  tokenProfiles,
} from "../store/records.ts";
import { isUserId } from "../users/user-items.ts";
import { AUDIENCE_RULE, isAudience, MAX_AUDIENCES } from "../values/audience.ts";
import { readCertificate } from "../values/certificate.ts";
import { displayName } from "../values/display-name.ts";
import { isId } from "../values/id.ts";
import { isLifetime, type Lifetime, lifetimes } from "../values/lifetime.ts";
import { checkScopes } from "../values/scope.ts";

/** What an administrator decides about a client. */
export type ClientSettings = Omit<ClientRecord, "clientId" | "secrets" | "createdAt" | "incarnation"> & {
  readonly clientId?: string;
};

/** What clients can be allowed to use: of each grant type, whether only clients that authenticate may. */
export type OfferedGrants = ReadonlyMap<string, { readonly confidentialOnly: boolean }>;

/** The settings of a client without its id. */
export type CheckedSettings = Omit<ClientSettings, "clientId">;

interface MethodRow {
  readonly usesSecret: boolean;
  /** The settings that hold this method's credential. */
  readonly credential?: "jwks" | "certificate";
}

const methods: Readonly<Record<ClientAuthMethod, MethodRow>> = {
  none: { usesSecret: false },
  client_secret_basic: { usesSecret: true },
  client_secret_post: { usesSecret: true },
  private_key_jwt: { usesSecret: false, credential: "jwks" },
  tls_client_auth: { usesSecret: false, credential: "certificate" },
  self_signed_tls_client_auth: { usesSecret: false, credential: "jwks" },
};

/** The lifetimes among the settings, with the same bounds as for the whole authority in the configuration. */
const lifetimeMembers = {
  accessTokenTtlMs: "accessToken",
  refreshIdleTtlMs: "refreshIdle",
  refreshAbsoluteTtlMs: "refreshAbsolute",
} as const satisfies Partial<Record<keyof ClientTokenSettings, Lifetime>>;

/** How many keys a client may register. */
export const MAX_KEYS = 16;

/** Whether clients of this method have a secret. */
export function usesSecret(method: ClientAuthMethod): boolean {
  return methods[method].usesSecret;
}

/**
 * Checks an id that somebody chose for a client. Those of users are refused: in a token of its own a client's id is
 * the subject, and must not be taken for a user's (RFC 9068 section 5).
 *
 * @throws {CountersignError} `invalid_client_metadata`
 */
export function checkClientId(clientId: string): string {
  if (isUserId(clientId) || !isId(clientId)) {
    throw refuse("client_id must be 1 to 64 of A-Z a-z 0-9 . _ - and must not look like a user's");
  }
  return clientId;
}

/**
 * Checks the settings of a client, together: what each may be, and that the credential fits the method. A credential of
 * another method is dropped, so that a change of method leaves nothing behind.
 *
 * @throws {CountersignError} `invalid_client_metadata` (RFC 7591 section 3.2.2), or `invalid_scope`.
 */
export function checkSettings(settings: CheckedSettings, grants: OfferedGrants): CheckedSettings {
  const { authMethod, loopback, disabled, assertionAudience } = settings;
  if (!Object.hasOwn(methods, authMethod)) throw refuse("auth_method is unknown");
  if (!settings.grants.every((type) => grants.has(type))) throw refuse("grants holds an unknown grant");
  if (assertionAudience !== undefined && !assertionAudiences.includes(assertionAudience))
    throw refuse("assertion_audience is unknown");
  // RFC 6749 section 4.4: the client credentials grant is for confidential clients.
  const unusable = settings.grants.find((type) => authMethod === "none" && grants.get(type)?.confidentialOnly);
  if (unusable !== undefined) throw refuse(`A client without credentials cannot use ${unusable}`);
  return {
    clientName: checkName(settings.clientName),
    scopes: checkScopes(settings.scopes),
    grants: [...new Set(settings.grants)],
    loopback,
    disabled,
    authMethod,
    token: checkToken(settings.token),
    ...credentialOf(settings),
  };
}

function checkName(text: string): string {
  const name = displayName(text);
  if (name === undefined) throw refuse("client_name must have 1 to 256 characters, no controls");
  return name;
}

function checkToken(token: ClientTokenSettings): ClientTokenSettings {
  const { profile, algorithm, audience } = token;
  if (profile !== undefined && !tokenProfiles.includes(profile)) throw refuse("The token profile is unknown");
  if (algorithm !== undefined && !signingAlgorithms.includes(algorithm))
    throw refuse("The signature algorithm is unknown");
  if (audience !== undefined) checkAudience(audience);
  for (const [member, lifetime] of Object.entries(lifetimeMembers)) {
    const milliseconds: unknown = Object.getOwnPropertyDescriptor(token, member)?.value;
    if (milliseconds === undefined || isLifetime(lifetime, milliseconds)) continue;
    const [shortest, longest] = lifetimes[lifetime];
    throw refuse(`A lifetime is out of bounds: ${member} takes ${shortest} to ${longest} seconds`);
  }
  return token;
}

function checkAudience(audience: readonly string[]): void {
  if (audience.length === 0 || audience.length > MAX_AUDIENCES || !audience.every(isAudience)) {
    throw refuse(`audience must have 1 to ${MAX_AUDIENCES} names of ${AUDIENCE_RULE}`);
  }
}

function credentialOf({ authMethod, jwks, assertionAudience, certificate }: CheckedSettings): Partial<CheckedSettings> {
  const { credential } = methods[authMethod];
  if (credential === undefined) return {};
  if (credential === "certificate") return { certificate: checkCertificateRule(certificate) };
  if (jwks === undefined || jwks.keys.length === 0 || jwks.keys.length > MAX_KEYS) {
    throw refuse(`${authMethod} needs jwks with 1 to ${MAX_KEYS} keys`);
  }
  if (authMethod === "private_key_jwt") checkKeys(jwks);
  else checkCertificates(jwks.keys);
  const audience = authMethod === "private_key_jwt" ? assertionAudience : undefined;
  return { jwks: { keys: jwks.keys }, ...defined({ assertionAudience: audience }) };
}

/**
 * RFC 7517 section 5: keys of other types, curves, uses and algorithms are passed over, as in a set that serves encryption
 * too. One that is meant to sign and cannot is refused: whoever registers it should hear of it now.
 */
const passedOver: ReadonlySet<KeyRefusal> = new Set(["unknown_key_type", "wrong_use", "wrong_algorithm"]);

function checkKeys(jwks: NonNullable<CheckedSettings["jwks"]>): void {
  const { keys, refused } = importKeys(jwks);
  const wrong = refused.find(({ reason }) => !passedOver.has(reason)) ?? (keys.length === 0 ? refused[0] : undefined);
  if (wrong === undefined) return;
  throw refuse(`Key ${wrong.index + 1} of jwks cannot be used: ${wrong.reason}: ${keyRefusals[wrong.reason]}`);
}

/** RFC 8705 section 2.2.2: the certificates are in the `x5c` of the keys. */
function checkCertificates(keys: readonly JWK[]): void {
  const isSecret = importKeys({ keys }).refused.some(({ reason }) => reason === "private_key");
  if (isSecret) throw refuse("A key of jwks has private members");
  const certified = keys.filter(({ x5c }) => x5c !== undefined);
  if (certified.length === 0) throw refuse("jwks needs a key with the client's certificate in x5c");
  for (const key of certified) checkCertificate(key);
}

function checkCertificate(key: JWK): void {
  const certificate = readCertificate(Buffer.from(key.x5c?.[0] ?? "", "base64"));
  if (certificate === undefined) throw refuse("An x5c of jwks is not a certificate");
}

/** RFC 8705 section 2.1.2: exactly one of the names. */
function checkCertificateRule(rule: ClientCertificateRule | undefined): ClientCertificateRule {
  const names = Object.entries(rule ?? {}).filter(([, value]) => value !== undefined);
  const [name] = names;
  const isSound = names.length === 1 && typeof name?.[1] === "string" && name[1].length > 0 && name[1].length <= 1024;
  if (rule === undefined || !isSound) throw refuse("tls_client_auth needs exactly one name of the certificate");
  if (rule.sanIp !== undefined && isIP(rule.sanIp) === 0) throw refuse("san_ip is not an IP address");
  return rule;
}

function refuse(hint: string, cause?: unknown): CountersignError {
  return new CountersignError("invalid_client_metadata", { hint, cause });
}
