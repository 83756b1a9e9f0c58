import { CountersignError, defined } from "@countersign/protocol";
import {
  authenticateIdentity,
  isCapabilityRefusal,
  type VerificationOptions,
  type VerifiedIdentity,
} from "@countersign/protocol/capability";
import type { Peer } from "../../caller.ts";
import type { Services } from "../../services.ts";
import { certificateIdentity } from "./certificate-identity.ts";
import { ownTokens } from "./root-keys.ts";

/** Who asks for a capability token, proved by a certificate or an identity token. */
export interface CapabilityCaller {
  /** Of a delegated identity token its last delegate. */
  readonly identity: string;
  readonly proof: "certificate" | "identity_token";
  /** Whom the identity token was given to, where that is somebody else: its subject. */
  readonly delegatedFrom?: string;
  /** The realm that the identity token is restricted to. */
  readonly realm?: string;
  /** Whether somebody appended to the identity token: then it may be one that was narrowed to be sent. */
  readonly appended?: boolean;
}

/** What a request shows of its caller. */
export interface CapabilityCredentials {
  /** An identity token. */
  readonly bearer?: string | undefined;
  /** The realm that the identity token must be restricted to. */
  readonly domain?: string | undefined;
}

type CallerServices = Pick<Services, "keys" | "clock" | "config" | "revocations">;

/**
 * Who asks: by the certificate of the connection, by an identity token, or by both, which must then name the same. A
 * certificate that proves nothing is as good as none beside a token that does.
 *
 * @throws {CountersignError} `unauthenticated` for nobody; `identity_mismatch` when certificate and token differ; and the
 * refusals of identity tokens.
 */
export async function authenticateCapabilityCaller(
  { bearer, domain }: CapabilityCredentials,
  peer: Peer,
  services: CallerServices,
): Promise<CapabilityCaller> {
  const certified = certificateIdentity(peer, services.config, services.clock.now());
  if (bearer === undefined) return certificateCaller(certified, domain);
  const caller = tokenCaller(await verifyBearer(bearer, { domain, options: ownTokens(services) }));
  if ("identity" in certified && certified.identity !== caller.identity) throw mismatch(certified.identity, caller);
  return caller;
}

/**
 * Who asks, where only a certificate says so.
 *
 * @throws {CountersignError} `unauthenticated`, saying what is wrong with the certificate in the log.
 */
export function certifiedCaller(peer: Peer, { clock, config }: CallerServices): CapabilityCaller {
  return certificateCaller(certificateIdentity(peer, config, clock.now()), undefined);
}

function certificateCaller(
  certified: ReturnType<typeof certificateIdentity>,
  domain: string | undefined,
): CapabilityCaller {
  if ("refused" in certified) throw new CountersignError("unauthenticated", { detail: certified.refused });
  if (domain === undefined) return { identity: certified.identity, proof: "certificate" };
  throw new CountersignError("domain_mismatch", {
    detail: "a domain was stated, which only an identity token can be restricted to, and none was shown",
  });
}

function tokenCaller({ actor, subject, domain, token }: VerifiedIdentity): CapabilityCaller {
  return {
    identity: actor,
    proof: "identity_token",
    ...(actor === subject ? {} : { delegatedFrom: subject }),
    ...defined({ realm: domain }),
    appended: token.blockCount > 1,
  };
}

function mismatch(certified: string, { identity }: CapabilityCaller): CountersignError {
  return new CountersignError("identity_mismatch", {
    hint: "Identity mismatch: the client certificate and the identity token name different identities",
    detail: `the certificate is ${certified}'s, the identity token ${identity}'s`,
  });
}

/** How an identity token is judged. */
interface BearerOptions {
  readonly domain?: string | undefined;
  readonly options: VerificationOptions;
}

/**
 * Verifies an identity token that is shown as a credential. Where no domain is stated, that of the token is taken for
 * granted: it restricts what the holder gets, not where the holder may ask.
 */
export async function verifyBearer(bearer: string, { domain, options }: BearerOptions): Promise<VerifiedIdentity> {
  if (domain !== undefined) return authenticateIdentity(bearer, { domain, requireDomain: true }, options);
  try {
    return await authenticateIdentity(bearer, {}, options);
  } catch (error) {
    const own = isCapabilityRefusal(error, "domain_mismatch") ? error.data.expected : undefined;
    if (own === undefined) throw error;
    return authenticateIdentity(bearer, { domain: own, requireDomain: true }, options);
  }
}
