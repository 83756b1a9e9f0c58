import { CountersignError } from "@countersign/protocol";
import type { Caller, Peer } from "../caller.ts";
import type { Services } from "../services.ts";
import type { ClientAuthMethod, ClientRecord } from "../store/records.ts";
import { verifyAssertion } from "./caller-assertion.ts";
import { matchesCertificateRule, matchesOwnCertificate, thumbprintOf } from "./caller-certificate.ts";
import { hasSecret } from "./caller-secret.ts";

/** What a request says of its client, free of HTTP (RFC 6749 section 2.3, RFC 7521 section 4.2). */
export interface ClientCredentials {
  readonly clientId?: string;
  /** From the Authorization header. */
  readonly basic?: { readonly clientId: string; readonly secret: string };
  /** From the body. */
  readonly secret?: string;
  readonly assertionType?: string;
  readonly assertion?: string;
}

/** A proof that was presented, and how it is checked: the method decides, never the request. */
interface Proof {
  readonly credentials: ClientCredentials;
  readonly client: ClientRecord;
  readonly peer: Peer;
  readonly services: Services;
}

type Check = (proof: Proof) => boolean | Promise<boolean>;

const checks: Record<ClientAuthMethod, Check> = {
  none: ({ credentials }) => !presentsSecret(credentials) && credentials.assertion === undefined,
  client_secret_basic: checkSecret,
  client_secret_post: checkSecret,
  private_key_jwt: ({ credentials, client, services }) => verifyAssertion(credentials, client, services),
  tls_client_auth: ({ credentials, client, peer, services }) =>
    presentsCertificateOnly(credentials) && matchesCertificateRule(peer, client, services.clock.now()),
  self_signed_tls_client_auth: ({ credentials, client, peer, services }) =>
    presentsCertificateOnly(credentials) && matchesOwnCertificate(peer, client, services.clock.now()),
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
  services: Services,
): Promise<Caller> {
  const clientId = claimedClientId(credentials);
  const client = await services.clients.byId(clientId);
  if (client === undefined || client.disabled) {
    hasSecret(undefined, credentials.basic?.secret ?? credentials.secret ?? "", services.clock.now());
    throw refuse(client === undefined ? "unknown client" : "client disabled");
  }
  if (client.loopback && !peer.loopback) throw refuse("loopback client used from elsewhere");
  if (!(await checks[client.authMethod]({ credentials, client, peer, services }))) {
    throw refuse(`${client.authMethod} proof missing or wrong`);
  }
  return callerOf(client, peer);
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
  if (claimed === undefined) throw refuse("no client named");
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

function presentsCertificateOnly(credentials: ClientCredentials): boolean {
  const other = presentsSecret(credentials) || credentials.assertion !== undefined;
  if (other) throw new CountersignError("invalid_request", { hint: "Use one client authentication method only" });
  return true;
}

function checkSecret({ credentials, client, services }: Proof): boolean {
  const secret = credentials.basic?.secret ?? credentials.secret;
  return secret !== undefined && hasSecret(client, secret, services.clock.now());
}

function refuse(detail: string): CountersignError {
  return new CountersignError("invalid_client", { detail });
}
