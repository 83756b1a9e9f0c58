import { commonName } from "../der/writer.ts";
import { generateKeys, signWith, spkiOf, type WebKeyPair } from "../webcrypto.ts";
import type { SignatureAlgorithm } from "../x509/algorithms.ts";
import { basicConstraints, keyUsage, type Signer, writeCertificate, writeCrl } from "../x509/write.ts";

/** Somebody who has a key and a certificate. */
export interface Party {
  readonly name: Uint8Array;
  readonly serial: Uint8Array;
  readonly certificate: Uint8Array;
  readonly spki: Uint8Array;
  readonly keys: WebKeyPair;
  readonly signer: Signer;
}

/** What a simulated certificate says. */
export interface PartyOptions {
  readonly name: string;
  readonly serial: number;
  readonly notBefore: number;
  readonly notAfter: number;
  /** @default itself */
  readonly issuer?: Party | undefined;
  /** @default false */
  readonly isAuthority?: boolean | undefined;
  readonly pathLength?: number | undefined;
  readonly extensions?: readonly Uint8Array[] | undefined;
  /** @default "ES256" */
  readonly algorithm?: SignatureAlgorithm | undefined;
  /** @default 4096 */
  readonly modulusLength?: number | undefined;
}

/** A signer with a key of WebCrypto. */
export const signerOf = (keys: WebKeyPair, algorithm: SignatureAlgorithm): Signer => ({
  algorithm,
  sign: (data) => signWith(algorithm, keys.privateKey, data),
});

/** Makes a key and a certificate for it. */
export async function createParty(options: PartyOptions): Promise<Party> {
  const { isAuthority = false, algorithm = "ES256", notBefore, notAfter, pathLength, extensions = [] } = options;
  const keys = await generateKeys(algorithm, options.modulusLength);
  const name = commonName(options.name);
  const spki = await spkiOf(keys.publicKey);
  const signer = signerOf(keys, algorithm);
  const serial = Uint8Array.of(options.serial >> 8, options.serial);
  const usage = keyUsage(isAuthority ? "certificates" : "digitalSignature");
  const fields = {
    serial,
    issuer: options.issuer?.name ?? name,
    subject: name,
    notBefore,
    notAfter,
    spki,
    extensions: [usage, basicConstraints(isAuthority, pathLength), ...extensions],
  };
  const certificate = await writeCertificate(fields, options.issuer?.signer ?? signer);
  return { name, serial, certificate, spki, keys, signer };
}

/** Issues a revocation list. */
export const issueCrl = (issuer: Party, thisUpdate: number, nextUpdate: number, revoked: readonly Party[] = []) =>
  writeCrl(
    { issuer: issuer.name, thisUpdate, nextUpdate, revoked: revoked.map(({ serial }) => serial) },
    issuer.signer,
  );
