import { fromBigInt, toBigInt } from "./bytes.ts";

/** The order of the Ed25519 base point (RFC 8032 section 5.1). */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;

/** The prime of the field. */
const P = 2n ** 255n - 19n;

/** The y coordinate of two of the four points of order 8; that of the others is its negative. */
const Y8 = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;

/**
 * The y coordinates, little endian, of all points whose order divides 8, with those that are not canonical. With the sign
 * bit set and clear they are the 14 small-order encodings; under such a key, or with such an R, one signature fits every
 * message on some runtimes.
 */
const SMALL_ORDER = [0n, 1n, P - 1n, P, P + 1n, Y8, P - Y8].map((y) => fromBigInt(y, 32).reverse());

function equalsIgnoringSign(encoding: Uint8Array, y: Uint8Array): boolean {
  if (encoding[0] !== y[0]) return false;
  for (let i = 1; i < 31; i++) if (encoding[i] !== y[i]) return false;
  return ((encoding[31] ?? 0) & 0x7f) === y[31];
}

/** Whether 32 bytes are one of the 14 encodings of the eight points of order 1, 2, 4 and 8. */
export function isSmallOrder(encoding: Uint8Array): boolean {
  return SMALL_ORDER.some((y) => equalsIgnoringSign(encoding, y));
}

/** Whether the y coordinate is below the field's prime 2^255 - 19, as RFC 8032 section 5.1.3 demands. */
function isCanonical(encoding: Uint8Array): boolean {
  if (((encoding[31] ?? 0) & 0x7f) !== 0x7f) return true;
  for (let i = 1; i < 31; i++) if (encoding[i] !== 0xff) return true;
  return (encoding[0] ?? 0) < 0xed;
}

/**
 * Whether an encoding of A or R can be given to any runtime: 32 bytes, canonical, not of small order. That it is on the curve
 * every runtime checks itself, and to check it here for the R of every signature would cost more than the rest together.
 * `protocol`, which cannot reach this without loading the whole package, checks the keys of a JWK set whole; both are tested
 * with vectors/ed25519/points.json.
 */
export function isSafeEncoding(encoding: Uint8Array): boolean {
  return encoding.length === 32 && isCanonical(encoding) && !isSmallOrder(encoding);
}

/** Whether a signature can be given to any runtime: R as {@link isSafeEncoding}, S below L (RFC 8032 section 5.1.7). */
export function isEd25519Signature(signature: Uint8Array): boolean {
  return signature.length === 64 && isSafeEncoding(signature.subarray(0, 32)) && isBelowOrder(signature.subarray(32));
}

function isBelowOrder(scalar: Uint8Array): boolean {
  // L is just above 2^252: one byte decides almost always.
  const top = scalar[31] ?? 0xff;
  return top < 0x10 || (top === 0x10 && toBigInt(new Uint8Array(scalar).reverse()) < L);
}
