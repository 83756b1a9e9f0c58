import { fromBase64url } from "@countersign/protocol";
import type { JWK } from "jose";

const smallestModulus = 2048;
const largestModulus = 8192;

/** The field prime of Curve25519. */
const p = 2n ** 255n - 19n;

/** One y of the four points of order 8 on edwards25519; the other is its negative. */
const orderEight = 2707385501144840649318225287225658788936804267575313519463743609750303402022n;

/** Every y, canonical or not, of the eight points of small order; with either sign bit these are 14 encodings. */
const smallOrder: ReadonlySet<bigint> = new Set([0n, 1n, orderEight, p - orderEight, p - 1n, p, p + 1n]);

/**
 * Why a public key must not be trusted, or `undefined` when nothing speaks against it: RSA moduli outside 2048 to 8192
 * bits (RFC 7518 section 3.3) and exponents that are even or 1; coordinates that are not whole; Ed25519 points of
 * small order, under which anyone can sign (RFC 8032 section 5.1.7 leaves them in).
 */
export function weaknessOf(jwk: JWK): string | undefined {
  if (jwk.kty === "RSA") return rsaWeakness(jwk);
  if (jwk.kty === "EC") return pointWeakness(jwk);
  if (jwk.kty === "OKP") return edwardsWeakness(jwk);
  return undefined;
}

function rsaWeakness({ n, e }: JWK): string | undefined {
  const modulus = toBigint(n);
  const exponent = toBigint(e);
  if (modulus === undefined || exponent === undefined) return "n and e must be base64url";
  const bits = modulus.toString(2).length;
  if (bits < smallestModulus) return `its RSA modulus has ${bits} bits, fewer than ${smallestModulus}`;
  if (bits > largestModulus) return `its RSA modulus has ${bits} bits, more than ${largestModulus}`;
  if (modulus % 2n === 0n) return "its RSA modulus is even";
  if (exponent < 3n || exponent % 2n === 0n) return `its RSA exponent is ${exponent}: it must be odd and at least 3`;
  return undefined;
}

/** Whether the point is on the curve is for the crypto library to say when it imports the key. */
function pointWeakness({ x, y }: JWK): string | undefined {
  const whole = [x, y].every((coordinate) => bytesOf(coordinate)?.length === 32);
  return whole ? undefined : "its coordinates x and y must be 32 bytes each, base64url (RFC 7518 section 6.2.1)";
}

function edwardsWeakness({ x }: JWK): string | undefined {
  const bytes = bytesOf(x);
  if (bytes?.length !== 32) return "its coordinate x must be 32 bytes, base64url (RFC 8037 section 2)";
  const y = BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`) % 2n ** 255n;
  return smallOrder.has(y) ? "its point has small order" : undefined;
}

function toBigint(text: string | undefined): bigint | undefined {
  const bytes = bytesOf(text);
  return bytes === undefined || bytes.length === 0 ? undefined : BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}

function bytesOf(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : fromBase64url(text);
}
