import type { AttestationError } from "./errors.ts";
import type { VerificationCache } from "./verification-cache.ts";
import type { SignatureAlgorithm } from "./x509/algorithms.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A key of WebCrypto. */
export interface WebKey {
  /** `private` or `public`. */
  readonly type: string;
}

/** A pair of keys of WebCrypto. */
export interface WebKeyPair {
  /** Signs. */
  readonly privateKey: WebKey;
  /** Verifies. */
  readonly publicKey: WebKey;
}

/** The parameters of an algorithm of WebCrypto. */
interface Parameters {
  readonly name: string;
  readonly namedCurve?: string;
  readonly hash?: string;
  readonly saltLength?: number;
  readonly modulusLength?: number;
  readonly publicExponent?: Bytes;
}

type Use = "sign" | "verify";

/** The slice of SubtleCrypto that is used here. */
interface Subtle {
  importKey(format: "spki", bytes: Bytes, of: Parameters, extractable: boolean, uses: Use[]): Promise<WebKey>;
  exportKey(format: "spki", key: WebKey): Promise<ArrayBuffer>;
  generateKey(of: Parameters, extractable: boolean, uses: Use[]): Promise<WebKeyPair>;
  sign(of: Parameters, key: WebKey, data: Bytes): Promise<ArrayBuffer>;
  verify(of: Parameters, key: WebKey, signature: Bytes, data: Bytes): Promise<boolean>;
  digest(hash: string, data: Bytes): Promise<ArrayBuffer>;
}

const ALGORITHMS: Readonly<Record<SignatureAlgorithm, Parameters>> = {
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  "P384-SHA256": { name: "ECDSA", namedCurve: "P-384", hash: "SHA-256" },
  ES384: { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  EdDSA: { name: "Ed25519" },
  PS384: { name: "RSA-PSS", hash: "SHA-384", saltLength: 48 },
};

interface WebCrypto {
  readonly subtle?: Subtle;
  getRandomValues(bytes: Bytes): Bytes;
}

const webCrypto = (): WebCrypto | undefined => (globalThis as { crypto?: WebCrypto }).crypto;

/** Random bytes, for names that nobody else uses. */
export function randomOctets(length: number): Bytes {
  const crypto = webCrypto();
  if (crypto === undefined) throw new TypeError("Cannot find WebCrypto: there is no source of randomness");
  return crypto.getRandomValues(new Uint8Array(length));
}

function subtle(): Subtle {
  const found = webCrypto()?.subtle;
  if (found !== undefined) return found;
  throw new TypeError("Cannot find WebCrypto: crypto.subtle needs a secure context (HTTPS)");
}

/** WebCrypto takes no view of shared memory, and TypeScript tells the two apart. */
const owned = (bytes: Uint8Array): Bytes =>
  bytes.buffer instanceof ArrayBuffer ? (bytes as Bytes) : new Uint8Array(bytes);

/** The digest of bytes. */
export async function digest(hash: "SHA-256" | "SHA-384", data: Uint8Array): Promise<Bytes> {
  return new Uint8Array(await subtle().digest(hash, owned(data)));
}

/** Reads a public key, a SubjectPublicKeyInfo in DER, for one algorithm. */
async function importKey(algorithm: SignatureAlgorithm, spki: Uint8Array): Promise<WebKey | undefined> {
  try {
    return await subtle().importKey("spki", owned(spki), ALGORITHMS[algorithm], false, ["verify"]);
  } catch (error) {
    // A point that is not on the curve, a key of another kind: no signature holds under it.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Whether a signature holds; ECDSA as r and s of fixed length. */
async function isSignedBy(
  algorithm: SignatureAlgorithm,
  spki: Uint8Array,
  data: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const key = await importKey(algorithm, spki);
  return key !== undefined && (await subtle().verify(ALGORITHMS[algorithm], key, owned(signature), owned(data)));
}

/** Signs; ECDSA gives r and s of fixed length. */
export async function signWith(algorithm: SignatureAlgorithm, key: WebKey, data: Uint8Array): Promise<Bytes> {
  return new Uint8Array(await subtle().sign(ALGORITHMS[algorithm], key, owned(data)));
}

/** Makes a pair of keys. */
export function generateKeys(algorithm: SignatureAlgorithm, modulusLength = 4096): Promise<WebKeyPair> {
  const { saltLength: _, ...parameters } = ALGORITHMS[algorithm];
  const rsa = parameters.name.startsWith("RS") ? { modulusLength, publicExponent: Uint8Array.of(1, 0, 1) } : {};
  return subtle().generateKey({ ...parameters, ...rsa }, true, ["sign", "verify"]);
}

/** The SubjectPublicKeyInfo of a public key. */
export async function spkiOf(key: WebKey): Promise<Bytes> {
  return new Uint8Array(await subtle().exportKey("spki", key));
}

/** Throws unless the signature holds. */
export async function ensureSigned(
  algorithm: SignatureAlgorithm,
  spki: Uint8Array,
  data: Uint8Array,
  signature: Uint8Array,
  refusal: AttestationError,
  cache?: VerificationCache,
): Promise<void> {
  const statement = { algorithm, spki, data };
  if (cache?.holds(signature, statement) === true) return;
  if (!(await isSignedBy(algorithm, spki, data, signature))) throw refusal;
  cache?.remember(signature, statement);
}
