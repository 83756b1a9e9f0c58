import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** What a test certificate says. Dates are instants; the defaults make a certificate for a client that is valid now. */
export interface CertificateWishes {
  readonly name: string;
  readonly issuer?: TestCertificate;
  /** The certificate whose key this one takes over; a key of its own otherwise. */
  readonly renews?: TestCertificate;
  readonly from?: number;
  readonly to?: number;
  /** The extended key usage; with `undefined` it is for any use. @default "client" */
  readonly use?: "client" | "server" | undefined;
  readonly authority?: boolean;
  readonly dnsName?: string;
  readonly ipAddress?: readonly number[];
  readonly uri?: string;
  readonly email?: string;
}

/** A certificate and its key, as Node's TLS takes them. */
export interface TestCertificate {
  readonly name: string;
  readonly serial: number;
  readonly privateKey: KeyObject;
  readonly cert: string;
  readonly key: string;
}

const oid = {
  commonName: "550403",
  ecdsaWithSha256: "2a8648ce3d040302",
  basicConstraints: "551d13",
  extendedKeyUsage: "551d25",
  subjectAltName: "551d11",
  client: "2b06010505070302",
  server: "2b06010505070301",
};

let serials = 0;

/** Signs a certificate (RFC 5280 section 4.1) on P-256, by itself unless an issuer is given. */
export function certificate(wishes: CertificateWishes): TestCertificate {
  const privateKey = wishes.renews?.privateKey ?? generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
  const signer = wishes.issuer?.privateKey ?? privateKey;
  const serial = ++serials;
  const body = sequence(
    explicit(0, integer(2)),
    integer(serial),
    algorithm(),
    distinguishedName(wishes.issuer?.name ?? wishes.name),
    sequence(time(wishes.from ?? Date.UTC(2020, 0, 1)), time(wishes.to ?? Date.UTC(2049, 0, 1))),
    distinguishedName(wishes.name),
    createPublicKey(privateKey).export({ type: "spki", format: "der" }),
    explicit(3, sequence(...extensions(wishes))),
  );
  return {
    name: wishes.name,
    serial,
    privateKey,
    cert: pem("CERTIFICATE", signed(body, signer)),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** A revocation list (RFC 5280 section 5.1) of one authority. */
export function revocations(issuer: TestCertificate, revoked: readonly TestCertificate[]): string {
  const at = time(Date.UTC(2020, 0, 1));
  const body = sequence(
    integer(1),
    algorithm(),
    distinguishedName(issuer.name),
    at,
    time(Date.UTC(2049, 0, 1)),
    sequence(...revoked.map(({ serial }) => sequence(integer(serial), at))),
  );
  return pem("X509 CRL", signed(body, issuer.privateKey));
}

function extensions(all: CertificateWishes): readonly Buffer[] {
  const { use, authority = false, ...wishes }: CertificateWishes = { use: "client", ...all };
  const constraints = extension(oid.basicConstraints, sequence(...(authority ? [tlv(0x01, Buffer.from([0xff]))] : [])));
  if (authority) return [constraints];
  const usage = use === undefined ? [] : [extension(oid.extendedKeyUsage, sequence(identifier(oid[use])))];
  const names = alternativeNames(wishes);
  return [constraints, ...usage, ...(names.length === 0 ? [] : [extension(oid.subjectAltName, sequence(...names))])];
}

function alternativeNames({ dnsName, ipAddress, uri, email }: Omit<CertificateWishes, "name">): readonly Buffer[] {
  return [
    ...(email === undefined ? [] : [tlv(0x81, Buffer.from(email))]),
    ...(uri === undefined ? [] : [tlv(0x86, Buffer.from(uri))]),
    ...(dnsName === undefined ? [] : [tlv(0x82, Buffer.from(dnsName))]),
    ...(ipAddress === undefined ? [] : [tlv(0x87, Buffer.from(ipAddress))]),
  ];
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(identifier(id), tlv(0x04, value));
}

function distinguishedName(name: string): Buffer {
  return sequence(tlv(0x31, sequence(identifier(oid.commonName), tlv(0x0c, Buffer.from(name)))));
}

function signed(body: Buffer, key: KeyObject): Buffer {
  return sequence(body, algorithm(), tlv(0x03, Buffer.concat([Buffer.from([0]), sign("sha256", body, key)])));
}

function algorithm(): Buffer {
  return sequence(identifier(oid.ecdsaWithSha256));
}

/** UTCTime, whose years end in 2049 (RFC 5280 section 4.1.2.5.1). */
function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replaceAll(/[-:T]/g, "").slice(2, 14);
  return tlv(0x17, Buffer.from(`${digits}Z`));
}

function integer(value: number): Buffer {
  return tlv(0x02, Buffer.from([value]));
}

function identifier(hex: string): Buffer {
  return tlv(0x06, Buffer.from(hex, "hex"));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

function explicit(tag: number, value: Buffer): Buffer {
  return tlv(0xa0 + tag, value);
}

function tlv(tag: number, value: Buffer): Buffer {
  const { length } = value;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), value]);
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
