import { X509Certificate } from "node:crypto";

/** id-kp-clientAuth and anyExtendedKeyUsage (RFC 5280 section 4.2.1.12). */
const clientAuthUsages: ReadonlySet<string> = new Set(["1.3.6.1.5.5.7.3.2", "2.5.29.37.0"]);

/** The kinds of subject alternative names that are read (RFC 5280 section 4.2.1.6), as OpenSSL prints them. */
const sanPrefixes = { dns: "DNS:", uri: "URI:", ip: "IP Address:", email: "email:" } as const;

/** A kind of subject alternative name. */
export type SanKind = keyof typeof sanPrefixes;

/** One subject alternative name. */
export interface AlternativeName {
  readonly kind: SanKind;
  readonly value: string;
}

/**
 * Reads a certificate from DER (RFC 5280 section 4.1), or nothing from bytes that are no certificate or not one alone.
 *
 * The platform's constructor looks for PEM first, anywhere in what it is given: of a certificate that holds the PEM text of
 * another one in an extension it would read that other one. Wrapped in PEM of our own there is only one to find.
 */
export function readCertificate(der: Uint8Array): X509Certificate | undefined {
  const bytes = Buffer.from(der.buffer, der.byteOffset, der.byteLength);
  try {
    const certificate = new X509Certificate(pemOf(bytes));
    return bytes.equals(certificate.raw) ? certificate : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 7468 section 5.1. */
function pemOf(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

const known = new WeakMap<Uint8Array, X509Certificate | "none">();

/** A certificate that may be used by a client now; a connection shows the same one with every request. */
export function usableCertificate(der: Uint8Array, now: number): X509Certificate | undefined {
  const read = known.get(der) ?? readCertificate(der) ?? "none";
  known.set(der, read);
  if (read === "none") return undefined;
  const usages: readonly string[] | undefined = read.keyUsage;
  const forClients = usages === undefined || usages.some((usage) => clientAuthUsages.has(usage));
  const valid = now >= read.validFromDate.getTime() && now < read.validToDate.getTime();
  return forClients && valid ? read : undefined;
}

/** The subject alternative names of the kinds that are read. */
export function alternativeNames(certificate: X509Certificate): readonly AlternativeName[] {
  // A name that holds a comma or another unsafe character is quoted, so a name cannot pretend to be two.
  const printed = certificate.subjectAltName?.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? [];
  // They are parted by a comma and one space; what a name itself begins or ends with is its own.
  return printed.flatMap((name) => nameOf(name.replace(/^ /, "")) ?? []);
}

function nameOf(printed: string): AlternativeName | undefined {
  for (const kind of Object.keys(sanPrefixes).filter(isKind)) {
    if (printed.startsWith(sanPrefixes[kind]))
      return { kind, value: unquoted(printed.slice(sanPrefixes[kind].length)) };
  }
  return undefined;
}

function isKind(text: string): text is SanKind {
  return Object.hasOwn(sanPrefixes, text);
}

/** Node quotes as JSON does. */
function unquoted(value: string): string {
  if (!value.startsWith('"')) return value;
  const read: unknown = JSON.parse(value);
  return String(read);
}
