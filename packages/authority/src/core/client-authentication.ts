import { CountersignError, equalInConstantTime, sha256 } from "@countersign/protocol";
import { nameable } from "../audit/nameable.ts";
import type { Caller, ClientCredentials, Peer } from "../caller.ts";
import type { Services } from "../services.ts";
import type { ClientAuthMethod, ClientRecord } from "../store/records.ts";
import { isId } from "../values/id.ts";
import { refusalOfAssertion } from "./client-assertion.ts";
import { matchesCertificateRule, matchesOwnCertificate, thumbprintOf } from "./client-certificate.ts";

/** What clients are authenticated with. */
export type AuthenticationServices = Pick<Services, "clients" | "config" | "clock" | "store">;

/** A proof that was presented, and how it is checked: the method decides, never the request. */
interface Proof {
  readonly credentials: ClientCredentials;
  readonly client: ClientRecord;
  readonly peer: Peer;
  readonly services: AuthenticationServices;
}

/** Why a proof is refused, in words for the log; `undefined` when it is good. */
type Check = (proof: Proof) => string | undefined | Promise<string | undefined>;

const checks: Record<ClientAuthMethod, Check> = {
  none: ({ credentials }) =>
    presentsSecret(credentials) || credentials.assertion !== undefined
      ? "the client is public, and a credential was presented"
      : undefined,
  client_secret_basic: checkSecret,
  client_secret_post: checkSecret,
  private_key_jwt: ({ credentials, client, services }) => refusalOfAssertion(credentials, client, services),
  tls_client_auth: (proof) => checkCertificate(proof, matchesCertificateRule),
  self_signed_tls_client_auth: (proof) => checkCertificate(proof, matchesOwnCertificate),
};

const certificateMethods: ReadonlySet<ClientAuthMethod> = new Set(["tls_client_auth", "self_signed_tls_client_auth"]);

/**
 * Authenticates the client of a request. Every refusal is the same `invalid_client`, so that nobody learns which
 * clients exist (RFC 6749 section 5.2).
 *
 * @throws {CountersignError} `invalid_request` when the request presents more than one proof or two client ids.
 */
export async function authenticateCaller(
  credentials: ClientCredentials,
  peer: Peer,
  services: AuthenticationServices,
): Promise<Caller> {
  const clientId = claimedClientId(credentials);
  const client = await services.clients.byId(clientId);
  if (client === undefined || client.disabled) {
    hasSecret(undefined, credentials.basic?.secret ?? credentials.secret ?? "", services.clock.now());
    throw refuse(client === undefined ? unknownClient(clientId) : `client ${clientId} is disabled`);
  }
  if (client.loopback && !peer.loopback) throw refuse(`client ${clientId} is for loopback only; ${ELSEWHERE}`);
  const refusal = await checks[client.authMethod]({ credentials, client, peer, services });
  if (refusal !== undefined) throw refuse(`client ${clientId} (${client.authMethod}): ${refusal}`);
  return callerOf(client, peer);
}

const ELSEWHERE = "the request came from elsewhere, through a proxy, or loopback_privileges are off";

function unknownClient(clientId: string): string {
  return `no client has the id ${(isId(clientId) ? nameable(clientId) : undefined) ?? "that was sent"}`;
}

function callerOf(client: ClientRecord, peer: Peer): Caller {
  const bound = certificateMethods.has(client.authMethod) && peer.certificate !== undefined;
  return {
    client,
    confidential: client.authMethod !== "none",
    ...(bound ? { certificateThumbprint: thumbprintOf(peer.certificate.der) } : {}),
  };
}

/** RFC 6749 section 2.3: a client MUST NOT use more than one method in a request. */
function claimedClientId(credentials: ClientCredentials): string {
  const { basic, clientId, secret, assertion, assertionType } = credentials;
  const proofs = [basic, secret, assertion].filter((proof) => proof !== undefined).length;
  if (proofs > 1) throw new CountersignError("invalid_request", { hint: "Use one client authentication method only" });
  if ((assertion === undefined) !== (assertionType === undefined)) {
    throw new CountersignError("invalid_request", { hint: "client_assertion and client_assertion_type go together" });
  }
  if (basic !== undefined && clientId !== undefined && basic.clientId !== clientId) {
    throw new CountersignError("invalid_request", { hint: "client_id differs between header and body" });
  }
  const claimed = basic?.clientId ?? clientId ?? assertedClientId(assertion);
  if (claimed === undefined) throw refuse("the request names no client: no client_id, no Authorization header");
  return claimed;
}

/** RFC 7521 section 4.2: client_id may be left out, as the assertion's subject names the client. Trusted only once verified. */
function assertedClientId(assertion: string | undefined): string | undefined {
  if (assertion === undefined) return undefined;
  try {
    const payload: unknown = JSON.parse(Buffer.from(assertion.split(".")[1] ?? "", "base64url").toString());
    const subject = typeof payload === "object" && payload !== null && "sub" in payload ? payload.sub : undefined;
    return typeof subject === "string" ? subject : undefined;
  } catch {
    return undefined;
  }
}

function presentsSecret({ basic, secret }: ClientCredentials): boolean {
  return basic !== undefined || secret !== undefined;
}

function checkCertificate(
  { credentials, client, peer, services }: Proof,
  matches: typeof matchesOwnCertificate,
): string | undefined {
  const other = presentsSecret(credentials) || credentials.assertion !== undefined;
  if (other) throw new CountersignError("invalid_request", { hint: "Use one client authentication method only" });
  if (peer.certificate === undefined) return "no certificate was presented in the TLS handshake";
  if (matches(peer, client, services.clock.now())) return undefined;
  return "the certificate is not the client's: its chain, its dates, its key usage or its names";
}

function checkSecret({ credentials, client, services }: Proof): string | undefined {
  const secret = credentials.basic?.secret ?? credentials.secret;
  if (secret === undefined) return "no secret was presented";
  return hasSecret(client, secret, services.clock.now()) ? undefined : "the secret is wrong or expired";
}

function refuse(detail: string): CountersignError {
  return new CountersignError("invalid_client", { detail });
}

/** Compared when a client is unknown, so that it takes as long as a wrong secret does. */
const noSecret = { hash: sha256("no client has this secret"), expiresAt: 0 };

/** Whether a secret is one of the client's that are not yet expired. Compares digests in constant time. */
function hasSecret(client: ClientRecord | undefined, secret: string, now: number): boolean {
  const hash = sha256(secret);
  const candidates = client === undefined || client.secrets.length === 0 ? [noSecret] : client.secrets;
  let found = false;
  for (const candidate of candidates) {
    const equal = equalInConstantTime(hash, candidate.hash);
    found ||= equal && (candidate.expiresAt === undefined || now < candidate.expiresAt);
  }
  return found;
}
