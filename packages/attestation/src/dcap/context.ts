import type { Anchor } from "../appraisal/root.ts";
import { equalBytes } from "../encoding/bytes.ts";
import { ensure } from "../errors.ts";
import type { Quote } from "../quote/quote.ts";
import type { VerificationCache } from "../verification-cache.ts";
import { type Certificate, parseCertificate } from "../x509/certificate.ts";
import { type ChainRules, verifyChain, verifyCrl } from "../x509/chain.ts";
import { type Crl, parseCrl } from "../x509/crl.ts";
import { fromPem } from "../x509/pem.ts";
import { type PckExtension, pckExtensionOf } from "../x509/sgx-extension.ts";
import type { Collateral } from "./collateral.ts";
import { parseQeIdentity, type QeIdentity } from "./qe-identity.ts";
import { parseTcbInfo, type TcbInfo } from "./tcb-info.ts";

/** Collateral, read and not judged. */
export interface ParsedCollateral {
  readonly pckCrlIssuers: readonly Certificate[];
  readonly rootCrl: Crl;
  readonly pckCrl: Crl;
  readonly tcbInfoChain: readonly Certificate[];
  readonly tcbInfo: TcbInfo;
  readonly qeIdentityChain: readonly Certificate[];
  readonly qeIdentity: QeIdentity;
}

const chainOf = (pem: string, what: string): Certificate[] =>
  fromPem(pem, what).map((der, at) => parseCertificate(der, `${what}, certificate ${at + 1}`));

/** Reads every part of the collateral. */
export function readCollateral(collateral: Collateral): ParsedCollateral {
  return {
    pckCrlIssuers: chainOf(collateral.pckCrlIssuerChain, "the issuers of the PCK revocation list"),
    rootCrl: parseCrl(collateral.rootCaCrl, "the root's revocation list"),
    pckCrl: parseCrl(collateral.pckCrl, "the PCK revocation list"),
    tcbInfoChain: chainOf(collateral.tcbInfoIssuerChain, "the chain of the TCB info"),
    tcbInfo: parseTcbInfo(collateral.tcbInfo),
    qeIdentityChain: chainOf(collateral.qeIdentityIssuerChain, "the chain of the QE identity"),
    qeIdentity: parseQeIdentity(collateral.qeIdentity),
  };
}

/** When the check is made, how long after its time collateral is still taken, and what is known already. */
export interface CheckTime {
  readonly at: number;
  readonly graceMs: number;
  /** Signatures that are known to hold. */
  readonly cache?: VerificationCache | undefined;
}

/** What the common names of Intel's certificates have in them. */
const PCK_ROLES = [["SGX PCK Certificate"], ["SGX PCK Platform CA", "SGX PCK Processor CA"], ["SGX Root CA"]];
const SIGNER_ROLES = [["SGX TCB Signing"], ["SGX Root CA"]];

const ES256 = { algorithm: "ES256" } as const;

/** Stale lists are taken for a time of grace, where one is configured. */
const within = (crl: Crl, graceMs: number): Crl => ({ ...crl, nextUpdate: crl.nextUpdate + graceMs });

/** Verifies the root's revocation list. */
export function verifyRootCrl({ rootCrl }: ParsedCollateral, { certificate }: Anchor, time: CheckTime): Promise<Crl> {
  const rules = { ...ES256, at: time.at, cache: time.cache, what: "the root's revocation list" };
  return verifyCrl(within(rootCrl, time.graceMs), certificate, rules);
}

/** Verifies the PCK revocation list under the authority in the quote, which must be the one that comes with the list. */
export function verifyPckCrl(collateral: ParsedCollateral, pck: readonly Certificate[], time: CheckTime): Promise<Crl> {
  const [, authority, root] = pck;
  ensure(
    authority !== undefined && root !== undefined,
    "chain_length",
    "Cannot use the PCK chain: it has no authority",
  );
  const [named, last] = collateral.pckCrlIssuers;
  const isSame = named !== undefined && equalBytes(named.der, authority.der);
  const isRoot = last !== undefined && equalBytes(last.der, root.der) && collateral.pckCrlIssuers.length === 2;
  ensure(
    isSame && isRoot,
    "crl_issuer",
    "Cannot use the PCK revocation list: its issuers are not those of the PCK certificate",
  );
  const rules = { ...ES256, at: time.at, cache: time.cache, what: "the PCK revocation list" };
  return verifyCrl(within(collateral.pckCrl, time.graceMs), authority, rules);
}

/** What the quote's PCK certificate is and says. */
export interface Pck {
  readonly certificate: Certificate;
  readonly extension: PckExtension;
}

/** Verifies the chain of the PCK certificate. */
export async function verifyPckChain(
  pck: readonly Certificate[],
  root: Anchor,
  crls: readonly Crl[],
  { at, cache }: CheckTime,
): Promise<Pck> {
  const rules = {
    ...ES256,
    what: "the PCK chain",
    root: root.certificate,
    at,
    roles: PCK_ROLES,
    lengths: [3],
    crls,
    cache,
  };
  const certificate = await verifyChain(pck, rules);
  return { certificate, extension: pckExtensionOf(certificate) };
}

/** Verifies the chain of who signed TCB info or QE identity. */
export function verifySignerChain(
  chain: readonly Certificate[],
  root: Anchor,
  crl: Crl,
  { at, cache }: CheckTime,
  what: string,
): Promise<Certificate> {
  const rules: ChainRules = {
    ...ES256,
    what,
    root: root.certificate,
    at,
    roles: SIGNER_ROLES,
    lengths: [2],
    crls: [crl],
    cache,
  };
  return verifyChain(chain, rules);
}

/** Reads the certificates in a quote. */
export const pckChainOf = ({ signature }: Quote): Certificate[] =>
  signature.certificates.map((der, at) => parseCertificate(der, `the PCK chain, certificate ${at + 1}`));
