import {
  type Evidence,
  formatClaims,
  type KeyClaims,
  MEDIA_TYPE,
  messageRecord,
  reportDataFor,
  writeKeyCertificate,
} from "@countersign/attestation";
import type { EvidenceSource } from "@countersign/attestation/sources";
import { defined } from "@countersign/protocol";
import type { JWK } from "jose";

/** What a key is attested with. */
export interface AttestOptions {
  readonly source: EvidenceSource;
  readonly issuer: string;
  /** The time of the request, in milliseconds. */
  readonly now: number;
  /** How long the evidence is valid, in milliseconds. */
  readonly lifeMs: number;
  /** The hash of the policy that counts. */
  readonly policy?: string | undefined;
  /** What the evidence is to be for. */
  readonly nonce?: string | undefined;
  /** The thumbprints of all keys. */
  readonly jwks?: readonly string[] | undefined;
}

/** Evidence for one key, and the claims that it vouches for. */
export interface AttestedClaims {
  readonly claims: KeyClaims;
  readonly evidence: Evidence;
}

/** Asks the environment to vouch for a key; `undefined` where it gives no evidence by design. */
export async function attestClaims(jwk: JWK, options: AttestOptions): Promise<AttestedClaims | undefined> {
  const { source, issuer, now, lifeMs, policy, nonce, jwks } = options;
  const iat = Math.floor(now / 1000);
  const claims: KeyClaims = {
    iss: issuer,
    jkt: jwk.kid ?? "",
    alg: jwk.alg ?? "",
    use: "sig",
    iat,
    exp: iat + Math.floor(lifeMs / 1000),
    ...defined({ policy, nonce, jwks }),
  };
  const evidence = await source.collect(await reportDataFor({ ...jwk, kty: jwk.kty ?? "" }, claims));
  return evidence === undefined ? undefined : { claims, evidence };
}

/** Signs bytes with the key itself, for its certificate. */
export type Certify = (bytes: Uint8Array) => Promise<Uint8Array>;

/** Algorithms under which a key signs its certificate. A key of PSS signs nothing with the other padding. */
const CERTIFIED = ["RS256", "ES256", "EdDSA"] as const;

/** The certificate of a key, with a quote where there is one; `undefined` for keys that sign none. */
async function certificateOf(jwk: JWK, { claims, evidence: { evidence } }: AttestedClaims, certify: Certify) {
  const algorithm = CERTIFIED.find((name) => name === jwk.alg);
  if (algorithm === undefined) return undefined;
  const isQuote = evidence.mediaType === MEDIA_TYPE.quote;
  return writeKeyCertificate({
    jwk: { ...jwk, kty: jwk.kty ?? "" },
    name: new URL(claims.iss).host.slice(0, 64),
    // From the thumbprint: the same key has the same number, and another key another one.
    serial: Buffer.concat([Buffer.of(1), Buffer.from(claims.jkt, "base64url").subarray(0, 15)]),
    notBefore: (claims.iat - 300) * 1000,
    notAfter: claims.exp * 1000,
    signer: { algorithm, sign: certify },
    ...(isQuote ? { quote: evidence.bytes } : { message: JSON.stringify(messageRecord(evidence, "evidence")) }),
  });
}

/** The members that a key gains in a set: its certificate, and what the evidence vouches for. */
export interface EvidenceMembers {
  readonly x5c?: string[];
  readonly att: Readonly<Record<string, unknown>> & { readonly claims: string };
}

/** A quote is in the certificate already, where there is one. */
export async function evidenceMembers(jwk: JWK, attested: AttestedClaims, certify: Certify): Promise<EvidenceMembers> {
  const { claims, evidence } = attested;
  const certificate = await certificateOf(jwk, attested, certify);
  const isInside = certificate !== undefined && evidence.evidence.mediaType === MEDIA_TYPE.quote;
  const { endorsements } = evidence;
  const att = {
    claims: formatClaims(claims),
    ...(isInside ? {} : { evidence: messageRecord(evidence.evidence, "evidence") }),
    ...(endorsements === undefined ? {} : { endorsements: messageRecord(endorsements, "endorsements") }),
  };
  return certificate === undefined ? { att } : { x5c: [certificate], att };
}
