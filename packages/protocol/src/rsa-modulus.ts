/** Primes by which the moduli of CVE-2017-15361 (ROCA) are recognised. */
const fingerprintPrimes = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

const weakResidues = fingerprintPrimes.map((prime) => [BigInt(prime), powersOf65537(prime)] as const);

function powersOf65537(prime: number): ReadonlySet<bigint> {
  const powers = new Set<bigint>();
  for (let power = 1; !powers.has(BigInt(power)); power = (power * 65_537) % prime) powers.add(BigInt(power));
  return powers;
}

/**
 * Whether an RSA public key is fit to verify: a modulus of 2048 to 8192 bits (RFC 7518 section 3.3 sets the lower
 * bound, the time of a verification the upper), odd and not of the generator of CVE-2017-15361; an odd exponent
 * above 2^16 (FIPS 186-5 section A.1.1) that the runtime computes quickly.
 */
export function isSoundRsaKey(modulus: Uint8Array, exponent: Uint8Array): boolean {
  const n = bigEndian(modulus);
  const e = bigEndian(exponent);
  const bits = n.toString(2).length;
  if (bits < 2048 || bits > 8192 || exponent.length > 8) return false;
  return n % 2n === 1n && e % 2n === 1n && e > 65_536n && !hasFingerprint(n);
}

function hasFingerprint(n: bigint): boolean {
  return weakResidues.every(([prime, residues]) => residues.has(n % prime));
}

function bigEndian(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}
