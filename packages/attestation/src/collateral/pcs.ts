import type { Collateral } from "../dcap/collateral.ts";
import { fromHex } from "../encoding/text.ts";
import { AttestationError, ensure } from "../errors.ts";
import type { CollateralSource } from "../evidence/appraise.ts";
import { parseQuote } from "../quote/quote.ts";
import { parseCertificate } from "../x509/certificate.ts";
import { pckExtensionOf } from "../x509/sgx-extension.ts";
import { type FetchCollateral, type Fetched, fetchPart } from "./fetch.ts";

/** Where Intel's Provisioning Certification Service is. */
export const INTEL_PCS = "https://api.trustedservices.intel.com";
/** Where the root's revocation list is, by the root's own distribution point. */
const ROOT_CRL = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";

/** Which platforms collateral is for. */
export interface CollateralRequest {
  /** The kind of environment. */
  readonly tee: "sgx" | "tdx";
  /** The family of platforms, in hexadecimal. */
  readonly fmspc: string;
  /** Which authority issued the PCK certificate. */
  readonly ca: "platform" | "processor";
}

/** Which collateral a quote needs. */
export function requestOf(quote: Uint8Array): CollateralRequest {
  const { report, signature } = parseQuote(quote);
  const [leaf, authority] = signature.certificates.map((der) => parseCertificate(der));
  ensure(leaf !== undefined && authority !== undefined, "chain_length", "Cannot tell which collateral the quote needs");
  const ca = authority.commonName?.includes("Processor CA") === true ? "processor" : "platform";
  return { tee: report.kind, fmspc: pckExtensionOf(leaf).fmspc, ca };
}

/** How collateral is fetched. */
export interface PcsOptions {
  /** Fetches an address. */
  readonly fetch: FetchCollateral;
  /** Where the service is: Intel's, or a PCCS that caches it. @default Intel's */
  readonly url?: string | undefined;
  /** How long one answer may take, in milliseconds. @default 10000 */
  readonly timeoutMs?: number | undefined;
}

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** What is fetched is signed, but who listens learns which platforms we verify. */
function checkAddress(url: string): string {
  const { protocol, hostname } = new URL(url);
  const isSafe = protocol === "https:" || (protocol === "http:" && LOOPBACK.includes(hostname));
  if (!isSafe) throw new TypeError(`Cannot fetch collateral from ${url}: use https, or this machine`);
  return url.replace(/\/+$/, "");
}

/** Takes the signed text out of an answer, as it is: any other writing of the same JSON has another signature. */
function signedText({ text }: Fetched, name: "tcbInfo" | "enclaveIdentity") {
  const pattern = new RegExp(`^\\{"${name}":(\\{.*\\}),"signature":"([0-9a-f]{128})"\\}\\s*$`, "s");
  const [, document, signature] = pattern.exec(text()) ?? [];
  if (document === undefined || signature === undefined) {
    throw new AttestationError(
      "collateral_format",
      `Cannot read the collateral: the answer holds no ${name} and signature`,
    );
  }
  return { document, signature: fromHex(signature, "the signature") };
}

/** A PCCS gives the root's list in hexadecimal. */
function rootCrlOf(fetched: Fetched, isIntel: boolean): Uint8Array {
  return isIntel ? fetched.bytes : fromHex(fetched.text().trim().toLowerCase(), "the root's revocation list");
}

/** Fetches collateral from Intel's service, version 4 of its interface. */
export async function fetchCollateral(request: CollateralRequest, options: PcsOptions): Promise<Collateral> {
  const { tee, fmspc, ca } = request;
  const base = checkAddress(options.url ?? INTEL_PCS);
  const isIntel = base === INTEL_PCS;
  const get = (address: string) => fetchPart(options.fetch, address, options.timeoutMs ?? 10_000);
  const v4 = (path: string) => get(`${base}${path}`);
  const [pckCrl, tcb, identity, rootCrl] = await Promise.all([
    v4(`/sgx/certification/v4/pckcrl?ca=${ca}&encoding=der`),
    v4(`/${tee}/certification/v4/tcb?fmspc=${fmspc.toUpperCase()}`),
    v4(`/${tee}/certification/v4/qe/identity`),
    isIntel ? get(ROOT_CRL) : v4("/sgx/certification/v4/rootcacrl"),
  ]);
  const tcbInfo = signedText(tcb, "tcbInfo");
  const qeIdentity = signedText(identity, "enclaveIdentity");
  return {
    pckCrlIssuerChain: pckCrl.header("SGX-PCK-CRL-Issuer-Chain"),
    rootCaCrl: rootCrlOf(rootCrl, isIntel),
    pckCrl: pckCrl.bytes,
    tcbInfoIssuerChain: tcb.header("TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain"),
    tcbInfo: tcbInfo.document,
    tcbInfoSignature: tcbInfo.signature,
    qeIdentityIssuerChain: identity.header("SGX-Enclave-Identity-Issuer-Chain"),
    qeIdentity: qeIdentity.document,
    qeIdentitySignature: qeIdentity.signature,
  };
}

/**
 * A source of collateral: Intel's service, or a PCCS.
 *
 * @throws {TypeError} for an address that is not https.
 * @example
 * const source = cacheCollateral(pcsCollateral({ fetch }), { clock: { now: () => Date.now() } });
 */
export function pcsCollateral(options: PcsOptions): CollateralSource {
  checkAddress(options.url ?? INTEL_PCS);
  return { collateralFor: async (quote) => fetchCollateral(requestOf(quote), options) };
}
