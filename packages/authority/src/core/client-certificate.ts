import { sha256 } from "@countersign/protocol";
import type { Peer } from "../caller.ts";
import type { ClientCertificateRule, ClientRecord } from "../store/records.ts";
import { canonicalIp } from "../values/address.ts";
import { type AlternativeName, alternativeNames, type SanKind, usableCertificate } from "../values/certificate.ts";

/** Which names of a certificate the members of a rule are compared with. */
const kindOf: Record<keyof ClientCertificateRule, SanKind> = {
  sanDns: "dns",
  sanUri: "uri",
  sanIp: "ip",
  sanEmail: "email",
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
    ([member, value]) => isRuleMember(member) && names.includes(comparable({ kind: kindOf[member], value })),
  );
}

/** RFC 8705 section 2.2: the very certificate that was registered, proved by the handshake; no chain is asked for. */
export function matchesOwnCertificate(peer: Peer, client: ClientRecord, now: number): boolean {
  if (peer.certificate === undefined || usableCertificate(peer.certificate.der, now) === undefined) return false;
  const presented = thumbprintOf(peer.certificate.der);
  const registered = client.jwks?.keys.map((key) => key.x5c?.[0]) ?? [];
  return registered.some((x5c) => x5c !== undefined && sha256(Buffer.from(x5c, "base64")) === presented);
}

/** RFC 8705 section 2.1.2: IP addresses compare as numbers; RFC 5280 section 7.2: DNS names without case. */
function comparable({ kind, value }: AlternativeName): string {
  if (kind === "dns") return `dns ${value.toLowerCase()}`;
  return `${kind} ${kind === "ip" ? (canonicalIp(value) ?? value) : value}`;
}

function isRuleMember(member: string): member is keyof ClientCertificateRule {
  return Object.hasOwn(kindOf, member);
}
