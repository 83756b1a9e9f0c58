import { X509Certificate } from "node:crypto";
import { sha256 } from "@countersign/protocol";
import type { Peer } from "../caller.ts";
import type { ClientCertificateRule, ClientRecord } from "../store/records.ts";
import { canonicalIp } from "../values/address.ts";

/** id-kp-clientAuth and anyExtendedKeyUsage (RFC 5280 section 4.2.1.12). */
const clientAuthUsages: ReadonlySet<string> = new Set(["1.3.6.1.5.5.7.3.2", "2.5.29.37.0"]);

/** How a rule's member is written in a certificate's subject alternative names, as OpenSSL prints them. */
const sanPrefix: Record<keyof ClientCertificateRule, string> = {
  sanDns: "DNS:",
  sanUri: "URI:",
  sanIp: "IP Address:",
  sanEmail: "email:",
};

/** `x5t#S256` of a certificate: SHA-256 of its DER bytes (RFC 8705 section 3.1). */
export function thumbprintOf(der: Uint8Array): string {
  return sha256(der);
}

/** RFC 8705 section 2.1: a chain to a configured authority, and the one subject alternative name that was registered. */
export function matchesCertificateRule(peer: Peer, client: ClientRecord, now: number): boolean {
  if (peer.certificate?.trusted !== true || client.certificate === undefined) return false;
  const certificate = usableCertificate(peer.certificate.der, now);
  if (certificate === undefined) return false;
  const names = alternativeNames(certificate).map(comparable);
  return Object.entries(client.certificate).every(
    ([member, value]) => isRuleMember(member) && names.includes(comparable(`${sanPrefix[member]}${value}`)),
  );
}

/** RFC 8705 section 2.2: the very certificate that was registered, proved by the handshake; no chain is asked for. */
export function matchesOwnCertificate(peer: Peer, client: ClientRecord, now: number): boolean {
  if (peer.certificate === undefined || usableCertificate(peer.certificate.der, now) === undefined) return false;
  const presented = thumbprintOf(peer.certificate.der);
  const registered = client.jwks?.keys.map((key) => key.x5c?.[0]) ?? [];
  return registered.some((x5c) => x5c !== undefined && sha256(Buffer.from(x5c, "base64")) === presented);
}

function usableCertificate(der: Uint8Array, now: number): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(der);
    const usages: readonly string[] | undefined = certificate.keyUsage;
    const forClients = usages === undefined || usages.some((usage) => clientAuthUsages.has(usage));
    const valid = now >= certificate.validFromDate.getTime() && now < certificate.validToDate.getTime();
    return forClients && valid ? certificate : undefined;
  } catch {
    return undefined;
  }
}

/** Node quotes a name that holds a comma or another unsafe character, so a name cannot pretend to be two. */
function alternativeNames(certificate: X509Certificate): readonly string[] {
  return certificate.subjectAltName?.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g)?.map((name) => name.trim()) ?? [];
}

/** RFC 8705 section 2.1.2: IP addresses compare as numbers; RFC 5280 section 7.2: DNS names without case. */
function comparable(name: string): string {
  if (name.startsWith(sanPrefix.sanDns)) return name.toLowerCase();
  if (!name.startsWith(sanPrefix.sanIp)) return name;
  const address = name.slice(sanPrefix.sanIp.length);
  return `${sanPrefix.sanIp}${canonicalIp(address) ?? address}`;
}

function isRuleMember(member: string): member is keyof ClientCertificateRule {
  return Object.hasOwn(sanPrefix, member);
}
