import { concatBytes, fromBigInt, toBigInt } from "./bytes.ts";
import { P256_ORDER } from "./p256.ts";

/** The two integers of an ECDSA signature over P-256, each from 1 to the order less 1. */
export interface EcdsaSignature {
  readonly r: bigint;
  readonly s: bigint;
}

const INTEGER = 0x02;
const SEQUENCE = 0x30;
const LONGEST = 72;

function readInteger(der: Uint8Array, at: number): { value: bigint; end: number } | undefined {
  const length = der[at + 1] ?? 0;
  const bytes = der.subarray(at + 2, at + 2 + length);
  const first = bytes[0];
  if (der[at] !== INTEGER || length > 33 || bytes.length !== length || first === undefined) return undefined;
  const negative = first >= 0x80;
  const padded = first === 0 && (bytes[1] ?? 0) < 0x80;
  if (negative || padded) return undefined;
  return { value: toBigInt(bytes), end: at + 2 + length };
}

function inRange(value: bigint): boolean {
  return value > 0n && value < P256_ORDER;
}

/**
 * The integers of a DER signature (RFC 3279 section 2.2.3), or `undefined` for everything but the one canonical form:
 * long lengths, padding, negative integers, integers out of range and trailing bytes would all be second encodings.
 */
export function parseEcdsaDer(der: Uint8Array): EcdsaSignature | undefined {
  if (der.length > LONGEST || der[0] !== SEQUENCE || der[1] !== der.length - 2) return undefined;
  const r = readInteger(der, 2);
  const s = r && readInteger(der, r.end);
  if (r === undefined || s === undefined || s.end !== der.length) return undefined;
  return inRange(r.value) && inRange(s.value) ? { r: r.value, s: s.value } : undefined;
}

function writeInteger(value: bigint): Uint8Array {
  const digits = value.toString(16);
  const length = Math.ceil(digits.length / 2);
  const bytes = fromBigInt(value, length);
  const sign = (bytes[0] ?? 0) >= 0x80 ? [0] : [];
  return concatBytes(Uint8Array.of(INTEGER, length + sign.length, ...sign), bytes);
}

/** The DER form of a signature. */
export function formatEcdsaDer({ r, s }: EcdsaSignature): Uint8Array {
  const body = concatBytes(writeInteger(r), writeInteger(s));
  return concatBytes(Uint8Array.of(SEQUENCE, body.length), body);
}

/** The 64-byte form r ‖ s that WebCrypto speaks (IEEE P1363), or `undefined` unless `der` is canonical. */
export function ecdsaDerToRaw(der: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const signature = parseEcdsaDer(der);
  return signature && concatBytes(fromBigInt(signature.r, 32), fromBigInt(signature.s, 32));
}

/** The DER form of 64 bytes r ‖ s. */
export function ecdsaRawToDer(raw: Uint8Array): Uint8Array {
  return formatEcdsaDer({ r: toBigInt(raw.subarray(0, 32)), s: toBigInt(raw.subarray(32)) });
}
