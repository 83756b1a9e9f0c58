import { Members, parseObject } from "../encoding/json.ts";
import { fromHex, toHex } from "../encoding/text.ts";
import { ensure } from "../errors.ts";

/** What Intel publishes about a family of platforms, as it is needed to verify a quote. */
export interface Collateral {
  /** The certificates in PEM that issued the list of revoked PCK certificates: their authority, then the root. */
  readonly pckCrlIssuerChain: string;
  /** What the root has revoked, in DER. */
  readonly rootCaCrl: Uint8Array;
  /** What the authority of the PCK certificates has revoked, in DER. */
  readonly pckCrl: Uint8Array;
  /** The certificates in PEM of who signed the TCB info: the signer, then the root. */
  readonly tcbInfoIssuerChain: string;
  /** The TCB info: the JSON text exactly as it was signed. */
  readonly tcbInfo: string;
  /** The signature of that text, r and s of 32 bytes each. */
  readonly tcbInfoSignature: Uint8Array;
  /** The certificates in PEM of who signed the QE identity: the signer, then the root. */
  readonly qeIdentityIssuerChain: string;
  /** The identity of the quoting enclave: the JSON text exactly as it was signed. */
  readonly qeIdentity: string;
  /** The signature of that text, r and s of 32 bytes each. */
  readonly qeIdentitySignature: Uint8Array;
}

/** Larger collateral is not read. */
const MAX_COLLATERAL = 4_194_304;

/**
 * Reads collateral from the JSON form that DCAP libraries share: members in snake case, binary ones in hexadecimal.
 *
 * @throws {AttestationError} when a member is missing or cannot be read.
 */
export function parseCollateral(text: string): Collateral {
  ensure(text.length <= MAX_COLLATERAL, "size", `Cannot read the collateral: ${text.length} characters`);
  const members = new Members(parseObject(text, "the collateral"), "the collateral", "collateral_format");
  const bytes = (name: string) => fromHex(members.text(name), `the collateral, ${name}`);
  return {
    pckCrlIssuerChain: members.text("pck_crl_issuer_chain"),
    rootCaCrl: bytes("root_ca_crl"),
    pckCrl: bytes("pck_crl"),
    tcbInfoIssuerChain: members.text("tcb_info_issuer_chain"),
    tcbInfo: members.text("tcb_info"),
    tcbInfoSignature: bytes("tcb_info_signature"),
    qeIdentityIssuerChain: members.text("qe_identity_issuer_chain"),
    qeIdentity: members.text("qe_identity"),
    qeIdentitySignature: bytes("qe_identity_signature"),
  };
}

/** Writes collateral in the form that {@link parseCollateral} reads. */
export function formatCollateral(collateral: Collateral): string {
  return JSON.stringify({
    pck_crl_issuer_chain: collateral.pckCrlIssuerChain,
    root_ca_crl: toHex(collateral.rootCaCrl),
    pck_crl: toHex(collateral.pckCrl),
    tcb_info_issuer_chain: collateral.tcbInfoIssuerChain,
    tcb_info: collateral.tcbInfo,
    tcb_info_signature: toHex(collateral.tcbInfoSignature),
    qe_identity_issuer_chain: collateral.qeIdentityIssuerChain,
    qe_identity: collateral.qeIdentity,
    qe_identity_signature: toHex(collateral.qeIdentitySignature),
  });
}
