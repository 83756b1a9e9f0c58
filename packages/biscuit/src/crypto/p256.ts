import { fromBigInt, toBigInt, toHex } from "./bytes.ts";
import { LruCache } from "./lru.ts";

// NIST P-256 (SEC 2 section 2.4.2): y² = x³ - 3x + B over the field of P; the base point has order N.
const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
export const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** A point of P-256 in affine coordinates, 32 big-endian bytes each. */
export interface P256Point {
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

function squared(value: bigint, times: number): bigint {
  let result = value;
  for (let i = 0; i < times; i++) result = (result * result) % P;
  return result;
}

/** A square root of `value` if it has one: P = 3 mod 4, so the candidate is value^((P + 1) / 4). */
function squareRoot(value: bigint): bigint {
  // (P + 1) / 4 = 2^254 - 2^222 + 2^190 + 2^94: a run of 32 ones, then two lone ones.
  let ones = value;
  for (let length = 1; length < 32; length *= 2) ones = (squared(ones, length) * ones) % P;
  const upper = (squared(ones, 32) * value) % P;
  return squared((squared(upper, 96) * value) % P, 94);
}

/** The square of the y coordinates that belong to x. */
function ySquared(x: bigint): bigint {
  return (((x * x) % P) * x + 3n * (P - x) + B) % P;
}

function yOf(x: bigint): bigint | undefined {
  if (x >= P) return undefined;
  const square = ySquared(x);
  const y = squareRoot(square);
  return (y * y) % P === square ? y : undefined;
}

/** Whether bytes have the form of a compressed point, on the curve or not. */
export function isCompressed(bytes: Uint8Array): boolean {
  return bytes.length === 33 && (bytes[0] === 2 || bytes[0] === 3);
}

function decompress(bytes: Uint8Array): P256Point | undefined {
  if (!isCompressed(bytes)) return undefined;
  const x = bytes.slice(1);
  const y = yOf(toBigInt(x));
  // No point of P-256 has y = 0: its order is odd, so both parities exist.
  if (y === undefined) return undefined;
  const odd = (y & 1n) === 1n;
  return { x, y: fromBigInt(odd === (bytes[0] === 3) ? y : P - y, 32) };
}

// A pure function with a costly square root, asked twice for each key of a token: at parsing and at verification.
const decompressed = new LruCache<P256Point>(256);

/** The point of a 33-byte compressed key (SEC 1 section 2.3.4), or `undefined` unless it is a point of the curve. */
export function decompressP256(bytes: Uint8Array): P256Point | undefined {
  const id = toHex(bytes);
  const known = decompressed.get(id);
  if (known !== undefined) return known;
  const point = decompress(bytes);
  if (point !== undefined) decompressed.set(id, point);
  return point;
}

let isPoint = (bytes: Uint8Array): boolean => decompressP256(bytes) !== undefined;

/** Whether bytes are the compressed form of a point of the curve. */
export const isP256Point: typeof isPoint = (bytes) => isPoint(bytes);

/** Asks the runtime instead, where its square roots are quicker. */
export function askForPoints(runtime: typeof isPoint): void {
  isPoint = runtime;
}

/** The 33-byte form of a point, or `undefined` unless both coordinates are 32 bytes and name a point of the curve. */
export function compressP256({ x, y }: P256Point): Uint8Array | undefined {
  const [xValue, yValue] = [toBigInt(x), toBigInt(y)];
  if (x.length !== 32 || y.length !== 32 || xValue >= P || yValue >= P) return undefined;
  if ((yValue * yValue) % P !== ySquared(xValue)) return undefined;
  const bytes = new Uint8Array(33);
  bytes[0] = (yValue & 1n) === 1n ? 3 : 2;
  bytes.set(x, 1);
  decompressed.set(toHex(bytes), { x: x.slice(), y: y.slice() });
  return bytes;
}

/** Whether 32 bytes are a private key of P-256: an integer from 1 to the order less 1 (SEC 1 section 3.2.1). */
export function isP256PrivateKey(bytes: Uint8Array): boolean {
  const scalar = toBigInt(bytes);
  return bytes.length === 32 && scalar > 0n && scalar < P256_ORDER;
}
