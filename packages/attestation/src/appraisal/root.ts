import { toHex } from "../encoding/text.ts";
import { ensure } from "../errors.ts";
import { digest } from "../webcrypto.ts";
import { type Certificate, parseCertificate } from "../x509/certificate.ts";

/** A certificate at the end of chains that a verifier trusts because it was told to, by the digest of its bytes. */
export interface TrustedRoot {
  /** What it is called in results. */
  readonly name: string;
  /** SHA-256 of the certificate in DER, in hexadecimal. */
  readonly sha256: string;
  /** Whether it vouches for environments that are simulated: such evidence proves nothing. */
  readonly simulated: boolean;
}

/** Makes a root of a certificate in DER. */
export async function trustRoot(der: Uint8Array, options: { readonly simulated?: boolean } = {}): Promise<TrustedRoot> {
  const { commonName = "unnamed root" } = parseCertificate(der, "the trusted root");
  return { name: commonName, sha256: toHex(await digest("SHA-256", der)), simulated: options.simulated ?? false };
}

const root = (name: string, sha256: string): TrustedRoot => ({ name, sha256, simulated: false });

/** Intel's root of SGX and TDX, valid until 2049. */
export const intelSgxRoot: TrustedRoot = root(
  "Intel SGX Root CA",
  "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3",
);

/** AMD's roots of SEV-SNP, one for each generation of processors. */
export const amdRoots: readonly TrustedRoot[] = [
  root("ARK-Milan", "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd"),
  root("ARK-Genoa", "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1"),
  root("ARK-Turin", "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a"),
];

/** The root of AWS Nitro enclaves, valid until 2049. */
export const awsNitroRoot: TrustedRoot = root(
  "aws.nitro-enclaves",
  "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b",
);

/** The certificate that a chain ends in, and what is known of it. */
export interface Anchor {
  readonly root: TrustedRoot;
  readonly certificate: Certificate;
}

/** Finds the root that a chain ends in among those that are trusted. */
export async function anchorOf(chain: readonly Certificate[], roots: readonly TrustedRoot[]): Promise<Anchor> {
  const certificate = chain.at(-1);
  ensure(certificate !== undefined, "chain_length", "Cannot trust the evidence: it has no certificates");
  const sha256 = toHex(await digest("SHA-256", certificate.der));
  const found = roots.find((one) => one.sha256 === sha256);
  const name = certificate.commonName ?? "a root without a name";
  ensure(
    found !== undefined,
    "untrusted_root",
    `Cannot trust the evidence: its chain ends in ${name}, which is not trusted`,
  );
  return { root: found, certificate };
}

/** Refuses a time at which neither the root nor what it issued can be valid. */
export function ensureClock(at: number, { certificate: { notBefore, notAfter } }: Anchor): true {
  const isTime = Number.isFinite(at) && notBefore <= at && at <= notAfter;
  const shown = Number.isFinite(at) && Math.abs(at) < 8.64e15 ? new Date(at).toISOString() : String(at);
  ensure(isTime, "clock", `Cannot verify at ${shown}: the root is not valid then; is the clock right?`);
  return true;
}
