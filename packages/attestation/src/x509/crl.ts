import { DerReader, TAG } from "../der/reader.ts";
import { readInteger, readTime, unsigned } from "../der/values.ts";
import { toHex } from "../encoding/text.ts";
import { ensure } from "../errors.ts";
import { ensureSameAlgorithm, readExtensions, readSigned } from "./certificate.ts";

/** A certificate revocation list, read and not judged (RFC 5280 section 5.1). */
export interface Crl {
  /** What is signed. */
  readonly signed: Uint8Array;
  /** The AlgorithmIdentifier of the signature, in DER. */
  readonly algorithm: Uint8Array;
  /** The name of the issuer, in DER. */
  readonly issuer: Uint8Array;
  /** When it was issued, in milliseconds since 1970. */
  readonly thisUpdate: number;
  /** Until when the next one is issued, in milliseconds since 1970. */
  readonly nextUpdate: number;
  /** The serial numbers that are revoked, in hexadecimal. */
  readonly revoked: ReadonlySet<string>;
  /** The signature, as it is in the list. */
  readonly signature: Uint8Array;
}

/** Critical extensions make a list one of changes, or of some certificates only (RFC 5280 section 5.2): no such list is used. */
function ensureNoCritical(extensions: Uint8Array, what: string): void {
  const critical = readExtensions(extensions, what).find((extension) => extension.critical);
  ensure(
    critical === undefined,
    "critical_extension",
    `Cannot use ${what}: extension ${critical?.id} is not understood`,
  );
}

function readRevoked(content: Uint8Array, what: string): Set<string> {
  const revoked = new Set<string>();
  const list = new DerReader(content);
  while (!list.done) {
    const entry = list.inside(`${what}, an entry`);
    const serial = unsigned(entry.next(`${what}, a serial number`, TAG.integer), `${what}, a serial number`);
    readTime(entry, `${what}, the time of an entry`);
    const extensions = entry.optional(TAG.sequence, `${what}, the extensions of an entry`);
    if (extensions !== undefined) ensureNoCritical(extensions.raw, what);
    entry.end(`${what}, an entry`);
    revoked.add(toHex(serial));
  }
  return revoked;
}

/**
 * Reads a revocation list in DER.
 *
 * @throws {AttestationError} when it is not exactly a list of version 2 with the time of its next update.
 */
export function parseCrl(der: Uint8Array, what = "the revocation list"): Crl {
  const { signed, raw, algorithm, signature } = readSigned(der, what);
  ensure(readInteger(signed, `${what}, the version`) === 1, "crl", `Cannot read ${what}: it is not of version 2`);
  ensureSameAlgorithm(signed.next(`${what}, the algorithm`, TAG.sequence).raw, algorithm, what);
  const issuer = signed.next(`${what}, the issuer`, TAG.sequence).raw;
  const thisUpdate = readTime(signed, `${what}, thisUpdate`);
  const nextUpdate = readTime(signed, `${what}, nextUpdate`);
  const list = signed.optional(TAG.sequence, `${what}, what is revoked`);
  const revoked = list === undefined ? new Set<string>() : readRevoked(list.content, what);
  const extensions = signed.optional(TAG.context0, `${what}, the extensions`);
  if (extensions !== undefined) ensureNoCritical(extensions.content, what);
  signed.end(what);
  return { signed: raw, algorithm, issuer, thisUpdate, nextUpdate, revoked, signature };
}
