import { equalBytes } from "../encoding/bytes.ts";
import { ensure } from "../errors.ts";
import type { VerificationCache } from "../verification-cache.ts";
import type { SignatureAlgorithm } from "./algorithms.ts";
import type { Certificate } from "./certificate.ts";
import { basicConstraintsOf, ensureUnderstood, mayUse } from "./constraints.ts";
import type { Crl } from "./crl.ts";
import { ensureIssuedBy } from "./signature.ts";

/** How a chain is judged. */
export interface ChainRules {
  /** What the chain is for, for messages. */
  readonly what: string;
  /** The certificate it must end in, byte for byte. */
  readonly root: Certificate;
  /** The time of the check, in milliseconds since 1970. */
  readonly at: number;
  /** How every certificate is signed. */
  readonly algorithm: SignatureAlgorithm;
  /** What the common name of each must have in it: one of these, where there are any. */
  readonly roles: readonly (readonly string[] | undefined)[];
  /** The numbers of certificates that are allowed, root included. */
  readonly lengths: readonly number[];
  /** Revocation lists whose signature and time were checked, or `undefined` where the issuers publish none. */
  readonly crls: readonly Crl[] | undefined;
  /** Signatures that are known to hold. */
  readonly cache?: VerificationCache | undefined;
}

/** Refuses a certificate outside of its time. */
export function ensureCurrent({ notBefore, notAfter }: Certificate, at: number, what: string): void {
  const span = `${new Date(notBefore).toISOString()} to ${new Date(notAfter).toISOString()}`;
  ensure(notBefore <= at && at <= notAfter, "certificate_time", `Cannot use ${what}: it is valid from ${span}`);
}

function ensureAuthority(certificate: Certificate, below: number, what: string): void {
  const { isAuthority, pathLength } = basicConstraintsOf(certificate, what);
  ensure(isAuthority, "not_a_ca", `Cannot use ${what}: it is no authority`);
  ensure(
    mayUse(certificate, "keyCertSign", what),
    "key_usage",
    `Cannot use ${what}: its key may not sign certificates`,
  );
  ensure(
    pathLength === undefined || below <= pathLength,
    "path_length",
    `Cannot use ${what}: ${below} authorities follow`,
  );
}

function ensureLeaf(certificate: Certificate, what: string): void {
  ensure(!basicConstraintsOf(certificate, what).isAuthority, "is_a_ca", `Cannot use ${what}: it is an authority`);
}

function ensureNotRevoked(certificate: Certificate, issuer: Certificate, crls: readonly Crl[], what: string): void {
  const crl = crls.find((one) => equalBytes(one.issuer, issuer.subject));
  ensure(crl !== undefined, "crl_missing", `Cannot use ${what}: there is no revocation list of ${issuer.commonName}`);
  ensure(!crl.revoked.has(certificate.serial), "revoked", `Cannot use ${what}: ${certificate.serial} is revoked`);
}

function ensureRole({ commonName = "no name" }: Certificate, roles: readonly string[] | undefined, what: string): void {
  const hasRole = roles === undefined || roles.some((role) => commonName.includes(role));
  ensure(hasRole, "signer_role", `Cannot use ${what}: ${commonName} is no ${roles?.join(" or ")}`);
}

/** Judges one link: a certificate below its issuer. */
async function ensureLink(
  certificate: Certificate,
  issuer: Certificate,
  below: number,
  rules: ChainRules,
  what: string,
) {
  ensure(
    equalBytes(certificate.issuer, issuer.subject),
    "issuer_name",
    `Cannot use ${what}: it is not issued by the next one`,
  );
  ensureAuthority(issuer, below, `the issuer of ${what}`);
  if (rules.crls !== undefined) ensureNotRevoked(certificate, issuer, rules.crls, what);
  await ensureIssuedBy(certificate, issuer, rules.algorithm, "certificate_signature", what, rules.cache);
}

/**
 * Verifies a chain, the first certificate first and the root last.
 *
 * @throws {AttestationError} with the code of the first check that fails.
 */
export async function verifyChain(chain: readonly Certificate[], rules: ChainRules): Promise<Certificate> {
  const { what, root, at, roles, lengths } = rules;
  ensure(lengths.includes(chain.length), "chain_length", `Cannot use ${what}: it has ${chain.length} certificates`);
  const [leaf] = chain;
  const last = chain.at(-1);
  ensure(
    last !== undefined && equalBytes(last.der, root.der),
    "untrusted_root",
    `Cannot use ${what}: it does not end in ${root.commonName}`,
  );
  ensure(leaf !== undefined && leaf !== last, "chain_length", `Cannot use ${what}: it is the root alone`);
  ensureLeaf(leaf, `${what}, the first certificate`);
  for (const [place, certificate] of chain.entries()) {
    const name = `${what}, certificate ${place + 1}`;
    ensureUnderstood(certificate, name);
    ensureCurrent(certificate, at, name);
    ensureRole(certificate, roles[place], name);
  }
  // The root is the pinned one, byte for byte: its signature of itself says nothing more.
  await Promise.all(
    chain.slice(0, -1).map((certificate, place) => {
      const issuer = chain[place + 1];
      return issuer && ensureLink(certificate, issuer, place, rules, `${what}, certificate ${place + 1}`);
    }),
  );
  return leaf;
}

/** Verifies a revocation list under the certificate that issued it. */
export async function verifyCrl(
  crl: Crl,
  issuer: Certificate,
  rules: Pick<ChainRules, "at" | "algorithm" | "what" | "cache">,
): Promise<Crl> {
  const { at, algorithm, what } = rules;
  ensure(equalBytes(crl.issuer, issuer.subject), "crl_issuer", `Cannot use ${what}: it is not of ${issuer.commonName}`);
  ensure(mayUse(issuer, "crlSign", what), "key_usage", `Cannot use ${what}: the key of its issuer may not sign it`);
  const span = `${new Date(crl.thisUpdate).toISOString()} to ${new Date(crl.nextUpdate).toISOString()}`;
  ensure(crl.thisUpdate <= at && at <= crl.nextUpdate, "crl_time", `Cannot use ${what}: it is valid from ${span}`);
  await ensureIssuedBy(crl, issuer, algorithm, "crl_signature", what, rules.cache);
  return crl;
}
