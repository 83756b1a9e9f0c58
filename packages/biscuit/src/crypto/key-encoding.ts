import { assertBytes, assertText } from "../arguments.ts";
import { KeyError } from "../errors.ts";
import { concatBytes, fromBase64, fromHex, toBase64 } from "./bytes.ts";
import { compressP256, decompressP256 } from "./p256.ts";
import type { KeyAlgorithm } from "./provider.ts";

/** A private key as it was read, with the public key that PKCS#8 v2 and SEC 1 may put beside it. */
export interface DecodedPrivateKey {
  readonly algorithm: KeyAlgorithm;
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array | undefined;
}

const TAG = { integer: 0x02, bits: 0x03, octets: 0x04, sequence: 0x30, parameters: 0xa0, attached: 0xa1, bare: 0x81 };

/** AlgorithmIdentifier (RFC 8410 section 3, RFC 5480 section 2.1.1), without its outer tag. */
const IDENTIFIERS: Readonly<Record<KeyAlgorithm, Uint8Array>> = {
  ed25519: bytesOf("06032b6570"),
  secp256r1: bytesOf("06072a8648ce3d020106082a8648ce3d030107"),
};
const CURVE = bytesOf("06082a8648ce3d030107");

function bytesOf(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array();
}

function malformed(what: string): KeyError {
  return new KeyError("invalid_key", `Cannot read the key: ${what}`);
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((byte, i) => bytes[i] === byte);
}

/** Reads DER values one after the other: definite, shortest lengths only (X.690 section 10.1). */
class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  /** The contents of the next value, which must have the tag. */
  read(tag: number): Uint8Array {
    const [found, short = 0, long = 0] = this.rest;
    if (found !== tag) throw malformed(`expected DER tag 0x${tag.toString(16)}`);
    if (short > 0x81 || short === 0x80 || (short === 0x81 && long < 0x80)) throw malformed("bad DER length");
    const head = short === 0x81 ? 3 : 2;
    const length = short === 0x81 ? long : short;
    const contents = this.rest.subarray(head, head + length);
    if (contents.length !== length) throw malformed("the DER is cut short");
    this.#at += head + length;
    return contents;
  }

  readOptional(tag: number): Uint8Array | undefined {
    return this.rest[0] === tag ? this.read(tag) : undefined;
  }

  end(): void {
    if (this.rest.length > 0) throw malformed("bytes after the end of the DER");
  }
}

function readWhole(der: Uint8Array, tag: number): DerReader {
  const outer = new DerReader(der);
  const contents = outer.read(tag);
  outer.end();
  return new DerReader(contents);
}

function readAlgorithm(reader: DerReader): KeyAlgorithm {
  const identifier = reader.read(TAG.sequence);
  for (const algorithm of ["ed25519", "secp256r1"] as const) {
    const known = IDENTIFIERS[algorithm];
    if (identifier.length === known.length && startsWith(identifier, known)) return algorithm;
  }
  throw new KeyError("unsupported_algorithm", "Cannot read the key: neither Ed25519 nor an EC key on P-256");
}

function readBits(contents: Uint8Array): Uint8Array {
  if (contents[0] !== 0) throw malformed("a bit string with unused bits");
  return contents.subarray(1);
}

function pointBytes(algorithm: KeyAlgorithm, bytes: Uint8Array): Uint8Array {
  if (algorithm === "ed25519" || bytes.length !== 65 || bytes[0] !== 4) return bytes.slice();
  const compressed = compressP256({ x: bytes.slice(1, 33), y: bytes.slice(33) });
  if (compressed === undefined) throw malformed("the point is not on P-256");
  return compressed;
}

/** Reads a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7); points of P-256 may be compressed or not. */
export function decodeSpki(der: Uint8Array): { algorithm: KeyAlgorithm; publicKey: Uint8Array } {
  assertBytes("fromDer", "the bytes of a DER encoding", der);
  const reader = readWhole(der, TAG.sequence);
  const algorithm = readAlgorithm(reader);
  const publicKey = pointBytes(algorithm, readBits(reader.read(TAG.bits)));
  reader.end();
  return { algorithm, publicKey };
}

/** Writes a SubjectPublicKeyInfo, points of P-256 uncompressed as most tools expect them. */
export function encodeSpki(algorithm: KeyAlgorithm, publicKey: Uint8Array): Uint8Array {
  const identifier = der(TAG.sequence, IDENTIFIERS[algorithm]);
  return der(TAG.sequence, identifier, der(TAG.bits, Uint8Array.of(0), uncompressed(algorithm, publicKey)));
}

/** Reads PKCS#8: version 1 (RFC 5208) and version 2 with its public key (RFC 5958). */
export function decodePkcs8(der: Uint8Array): DecodedPrivateKey {
  assertBytes("fromDer", "the bytes of a DER encoding", der);
  const reader = readWhole(der, TAG.sequence);
  const version = readVersion(reader);
  const algorithm = readAlgorithm(reader);
  const inner = reader.read(TAG.octets);
  const { privateKey, publicKey } = algorithm === "ed25519" ? readSeed(inner) : readSec1(inner);
  reader.readOptional(TAG.parameters);
  const attached = reader.readOptional(TAG.bare);
  reader.end();
  if (attached !== undefined && version !== 1) throw malformed("PKCS#8 version 1 carries no public key");
  const stated = attached === undefined ? publicKey : readBits(attached);
  return { algorithm, privateKey, publicKey: stated && pointBytes(algorithm, stated) };
}

function readVersion(reader: DerReader): 0 | 1 {
  const version = reader.read(TAG.integer);
  if (version.length !== 1 || (version[0] !== 0 && version[0] !== 1)) throw malformed("unknown PKCS#8 version");
  return version[0];
}

interface KeyMaterial {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array | undefined;
}

/** CurvePrivateKey (RFC 8410 section 7): an octet string in the octet string. */
function readSeed(contents: Uint8Array): KeyMaterial {
  const seed = new DerReader(contents);
  const privateKey = seed.read(TAG.octets).slice();
  seed.end();
  return { privateKey, publicKey: undefined };
}

/** ECPrivateKey (RFC 5915 section 3). */
function readSec1(contents: Uint8Array): KeyMaterial {
  const reader = readWhole(contents, TAG.sequence);
  const version = reader.read(TAG.integer);
  if (version.length !== 1 || version[0] !== 1) throw malformed("unknown ECPrivateKey version");
  const privateKey = reader.read(TAG.octets).slice();
  const curve = reader.readOptional(TAG.parameters);
  if (curve !== undefined && !(curve.length === CURVE.length && startsWith(curve, CURVE))) {
    throw new KeyError("unsupported_algorithm", "Cannot read the key: its curve is not P-256");
  }
  const attached = reader.readOptional(TAG.attached);
  reader.end();
  return { privateKey, publicKey: attached && readBits(readWhole(attached, TAG.bits).rest) };
}

/**
 * Writes PKCS#8. Without a public key: version 1, as OpenSSL does for Ed25519. With one: version 2 for Ed25519
 * (RFC 5958), and inside the ECPrivateKey for P-256.
 */
export function encodePkcs8(algorithm: KeyAlgorithm, privateKey: Uint8Array, publicKey?: Uint8Array): Uint8Array {
  const identifier = der(TAG.sequence, IDENTIFIERS[algorithm]);
  const point = publicKey && concatBytes(Uint8Array.of(0), uncompressed(algorithm, publicKey));
  if (algorithm === "ed25519") {
    const secret = der(TAG.octets, der(TAG.octets, privateKey));
    const attached = point === undefined ? [] : [der(TAG.bare, point)];
    return der(TAG.sequence, der(TAG.integer, Uint8Array.of(attached.length)), identifier, secret, ...attached);
  }
  const attached = point === undefined ? [] : [der(TAG.attached, der(TAG.bits, point))];
  const sec1 = der(TAG.sequence, der(TAG.integer, Uint8Array.of(1)), der(TAG.octets, privateKey), ...attached);
  return der(TAG.sequence, der(TAG.integer, Uint8Array.of(0)), identifier, der(TAG.octets, sec1));
}

function uncompressed(algorithm: KeyAlgorithm, publicKey: Uint8Array): Uint8Array {
  const point = algorithm === "secp256r1" ? decompressP256(publicKey) : undefined;
  return point === undefined ? publicKey : concatBytes(Uint8Array.of(4), point.x, point.y);
}

function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const body = concatBytes(...contents);
  const length = body.length < 0x80 ? [body.length] : [0x81, body.length];
  return concatBytes(Uint8Array.of(tag, ...length), body);
}

/** The labels of PEM (RFC 7468 sections 10 and 13). */
export type PemLabel = "PUBLIC KEY" | "PRIVATE KEY";

/** Writes PEM with lines of 64 characters (RFC 7468 section 2). */
export function encodePem(label: PemLabel, bytes: Uint8Array): string {
  const lines = toBase64(bytes).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** Reads the one PEM block of a text; white space between and around its lines is ignored. */
export function decodePem(label: PemLabel, text: string): Uint8Array {
  assertText("fromPem", `a PEM block ${label}`, text);
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  const trimmed = text.trim();
  if (!trimmed.startsWith(begin) || !trimmed.endsWith(end)) throw malformed(`expected one PEM block ${label}`);
  const bytes = fromBase64(trimmed.slice(begin.length, -end.length).replace(/[ \t\r\n]+/g, ""));
  if (bytes === undefined) throw malformed("the PEM block holds no canonical base64");
  return bytes;
}
