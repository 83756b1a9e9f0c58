/** The prime of the field (RFC 8032 section 5.1). */
const P = 2n ** 255n - 19n;
/** The curve constant: -121665/121666. */
const d = modulo(-121665n * power(121666n, P - 2n));

/** y of a point of order 8; its negative is the other one's. */
const Y8 = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;

/** The y coordinates of the points of order 1, 2, 4 and 8: with both signs and the forms above p, 14 encodings. */
const smallOrderY: ReadonlySet<bigint> = new Set([0n, 1n, P - 1n, Y8, P - Y8]);

/**
 * Whether bytes can be trusted as an Ed25519 point: 32 of them, canonical, on the curve (RFC 8032 section 5.1.3), not of
 * small order. Under a small-order key one signature fits every message on some runtimes, and Node takes a JWK that is off
 * the curve. `biscuit` has a check of its own, for every signature and without the curve; both are tested with
 * vectors/ed25519/points.json.
 */
export function isEd25519Point(encoding: Uint8Array): boolean {
  if (encoding.length !== 32) return false;
  const y = littleEndian(encoding) & (2n ** 255n - 1n);
  return y < P && !smallOrderY.has(y) && isOnCurve(y);
}

/** x² = (y² - 1) / (d·y² + 1) has a root, by Euler's criterion on the product of both sides. */
function isOnCurve(y: bigint): boolean {
  const square = y * y;
  return power(modulo((square - 1n) * (d * square + 1n)), (P - 1n) / 2n) === 1n;
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
}

function modulo(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let factor = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = modulo(result * factor);
    factor = modulo(factor * factor);
  }
  return result;
}
