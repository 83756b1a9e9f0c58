import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  X509Certificate,
} from "node:crypto";
import { isIP } from "node:net";
import {
  ascii,
  bits,
  context,
  type Der,
  implicit,
  integer,
  octets,
  oid,
  sequence,
  setOf,
  text,
  time,
  yes,
} from "./der.ts";

/** What a certificate says (RFC 5280). */
export interface CertificateContent {
  /** The common name of its subject. */
  readonly name: string;
  /** Its subject alternative names: hosts, addresses or URIs. @default none */
  readonly names?: readonly string[];
  readonly use: "authority" | "server" | "client";
  /** Milliseconds since the epoch. */
  readonly from: number;
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** 16 random bytes. */
  readonly serial: Uint8Array;
}

/** A certificate and its private key, PEM. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
}

const ECDSA_WITH_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));

const nameOf = (commonName: string): Der => sequence(setOf(sequence(oid("2.5.4.3"), text(commonName))));

const spkiOf = (key: KeyObject): Buffer => key.export({ type: "spki", format: "der" });

/** RFC 5280 section 4.2.1.2: SHA-1 of the bits of the key, as a name and for nothing else. */
function keyIdOf(publicKey: KeyObject): Uint8Array {
  // The point of a P-256 key is what its SPKI ends with.
  return createHash("sha1").update(spkiOf(publicKey).subarray(-65)).digest();
}

function extension(id: string, isCritical: boolean, value: Der): Der {
  return sequence(oid(id), ...(isCritical ? [yes] : []), octets(value));
}

function addressBytes(address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split(".").map(Number));
  const { hostname } = new URL(`http://[${address}]`);
  const [head = "", tail] = hostname.slice(1, -1).split("::");
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...Array.from({ length: zeros }, () => "0"), ...after];
  return Uint8Array.from(all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]));
}

/** GeneralName (RFC 5280 section 4.2.1.6): an address, a URI, or else a host. */
function generalName(name: string): Der {
  if (isIP(name) !== 0) return implicit(7, addressBytes(name));
  return name.includes(":") ? implicit(6, ascii(name)) : implicit(2, ascii(name));
}

const USES = {
  authority: { isAuthority: true, keyUsage: Uint8Array.of(0x06), unused: 1, extended: undefined },
  server: { isAuthority: false, keyUsage: Uint8Array.of(0x80), unused: 7, extended: "1.3.6.1.5.5.7.3.1" },
  client: { isAuthority: false, keyUsage: Uint8Array.of(0x80), unused: 7, extended: "1.3.6.1.5.5.7.3.2" },
} as const;

function extensionsOf({ use, names = [] }: CertificateContent, key: KeyObject, issuerKey: KeyObject): Der {
  const { isAuthority, keyUsage, unused, extended } = USES[use];
  // An authority signs no other authorities: path length 0.
  const constraints = isAuthority ? sequence(yes, integer(Uint8Array.of(0))) : sequence();
  return context(
    3,
    sequence(
      extension("2.5.29.19", true, constraints),
      extension("2.5.29.15", true, bits(keyUsage, unused)),
      ...(extended === undefined ? [] : [extension("2.5.29.37", false, sequence(oid(extended)))]),
      ...(names.length === 0 ? [] : [extension("2.5.29.17", false, sequence(...names.map(generalName)))]),
      extension("2.5.29.14", false, octets(keyIdOf(key))),
      extension("2.5.29.35", false, sequence(implicit(0, keyIdOf(issuerKey)))),
    ),
  );
}

function pem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

interface Issuer {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

function certificateOf(content: CertificateContent, publicKey: KeyObject, issuer: Issuer): string {
  const { name, from, until, serial } = content;
  const positive = Uint8Array.from(serial, (byte, at) => (at === 0 ? (byte & 0x7f) | 0x40 : byte));
  const signed = sequence(
    context(0, integer(Uint8Array.of(2))),
    integer(positive),
    ECDSA_WITH_SHA256,
    nameOf(issuer.name),
    sequence(time(from), time(until)),
    nameOf(name),
    spkiOf(publicKey),
    extensionsOf(content, publicKey, issuer.publicKey),
  );
  return pem(sequence(signed, ECDSA_WITH_SHA256, bits(sign("sha256", signed, issuer.privateKey))));
}

function certify(content: CertificateContent, issuer?: Issuer): Certified {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const cert = certificateOf(content, publicKey, issuer ?? { name: content.name, privateKey, publicKey });
  return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}

/** Makes an authority: a P-256 key, and a certificate that it signs itself. */
export function makeAuthority(content: Omit<CertificateContent, "use">): Certified {
  return certify({ ...content, use: "authority" });
}

/**
 * Makes a P-256 key, and a certificate that the authority signs.
 *
 * @throws {RangeError} for a name outside ASCII; {@link TypeError} when the authority is none that this module made.
 */
export function makeCertificate(content: CertificateContent, authority: Certified): Certified {
  const { subject, ca } = new X509Certificate(authority.cert);
  const name = /^CN=([^\n]+)$/.exec(subject)?.[1];
  if (name === undefined || !ca) throw new TypeError("Cannot sign with a certificate that is no authority made here");
  const privateKey = createPrivateKey(authority.key);
  return certify(content, { name, privateKey, publicKey: createPublicKey(authority.key) });
}
