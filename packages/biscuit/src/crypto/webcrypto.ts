import { KeyError } from "../errors.ts";
import { concatBytes, fromBase64Url, fromHex, toHex } from "./bytes.ts";
import { ecdsaDerToRaw, ecdsaRawToDer } from "./ecdsa-signature.ts";
import { LruCache } from "./lru.ts";
import { compressP256, decompressP256 } from "./p256.ts";
import type { CryptoProvider, KeyAlgorithm } from "./provider.ts";
import { strictProvider } from "./strict-provider.ts";

type Bytes = Uint8Array<ArrayBuffer>;

interface WebKey {
  readonly type: string;
}

interface WebJwk {
  readonly x?: string;
  readonly y?: string;
  readonly d?: string;
}

interface Parameters {
  readonly name: string;
  readonly namedCurve?: string;
  readonly hash?: string;
}

/** The slice of WebCrypto's SubtleCrypto that this provider uses. */
interface Subtle {
  importKey(format: "raw" | "pkcs8", bytes: Bytes, of: Parameters, extractable: boolean, uses: Use[]): Promise<WebKey>;
  exportKey(format: "jwk", key: WebKey): Promise<WebJwk>;
  generateKey(of: Parameters, extractable: boolean, uses: Use[]): Promise<{ readonly privateKey: WebKey }>;
  sign(of: Parameters, key: WebKey, message: Bytes): Promise<ArrayBuffer>;
  verify(of: Parameters, key: WebKey, signature: Bytes, message: Bytes): Promise<boolean>;
}

type Use = "sign" | "verify";

interface WebAlgorithm {
  readonly parameters: Parameters;
  readonly pkcs8Prefix: Uint8Array;
  readonly publicBytes: (key: Uint8Array) => Uint8Array | undefined;
  readonly publicKeyOf: (jwk: WebJwk) => Uint8Array | undefined;
  readonly fromSignature: (signature: Uint8Array) => Uint8Array | undefined;
  readonly toSignature: (raw: Uint8Array) => Uint8Array;
}

const ALGORITHMS: Readonly<Record<KeyAlgorithm, WebAlgorithm>> = {
  ed25519: {
    parameters: { name: "Ed25519" },
    pkcs8Prefix: fromHex("302e020100300506032b657004220420") ?? new Uint8Array(),
    publicBytes: (key) => key,
    publicKeyOf: ({ x }) => fromBase64Url(x ?? ""),
    fromSignature: (signature) => signature,
    toSignature: (raw) => raw,
  },
  secp256r1: {
    parameters: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
    pkcs8Prefix: fromHex("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420") ?? new Uint8Array(),
    // Few runtimes import compressed points, so the provider is given both coordinates.
    publicBytes: (key) => {
      const point = decompressP256(key);
      return point && concatBytes(Uint8Array.of(4), point.x, point.y);
    },
    publicKeyOf: ({ x, y }) =>
      compressP256({ x: fromBase64Url(x ?? "") ?? new Uint8Array(), y: fromBase64Url(y ?? "") ?? new Uint8Array() }),
    fromSignature: ecdsaDerToRaw,
    toSignature: ecdsaRawToDer,
  },
};

function subtleCrypto(): Subtle {
  const { crypto } = globalThis as { crypto?: { subtle?: Subtle } };
  if (crypto?.subtle !== undefined) return crypto.subtle;
  throw new KeyError("unsupported_algorithm", "Cannot find WebCrypto: crypto.subtle needs a secure context (HTTPS)");
}

/** WebCrypto takes no view of shared memory, and TypeScript tells the two apart. */
function owned(bytes: Uint8Array): Bytes {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Bytes) : new Uint8Array(bytes);
}

async function importPrivate(algorithm: KeyAlgorithm, bytes: Uint8Array, extractable: boolean): Promise<WebKey> {
  const { pkcs8Prefix, parameters } = ALGORITHMS[algorithm];
  return subtleCrypto().importKey("pkcs8", concatBytes(pkcs8Prefix, bytes), parameters, extractable, ["sign"]);
}

function required(bytes: Uint8Array | undefined, what: string): Uint8Array {
  if (bytes === undefined || bytes.length === 0) throw new KeyError("invalid_key", `Cannot read the ${what}`);
  return bytes;
}

/**
 * The provider over WebCrypto, for browsers, workers and every other runtime that has it: asynchronous only.
 *
 * @example
 * const provider = webCryptoProvider();
 * const { publicKey } = await provider.generateKeyPair("secp256r1");
 */
export function webCryptoProvider(): CryptoProvider {
  const publicKeys = new LruCache<WebKey>(256);

  async function importPublic(algorithm: KeyAlgorithm, bytes: Uint8Array): Promise<WebKey | undefined> {
    const id = algorithm + toHex(bytes);
    const known = publicKeys.get(id);
    if (known !== undefined) return known;
    const { publicBytes, parameters } = ALGORITHMS[algorithm];
    const raw = publicBytes(bytes);
    if (raw === undefined) return undefined;
    const key = await subtleCrypto().importKey("raw", owned(raw), parameters, true, ["verify"]);
    publicKeys.set(id, key);
    return key;
  }

  return strictProvider({
    async verify(algorithm, publicKey, message, signature) {
      const { parameters, fromSignature } = ALGORITHMS[algorithm];
      const key = await importPublic(algorithm, publicKey);
      const raw = fromSignature(signature);
      if (key === undefined || raw === undefined) return false;
      return subtleCrypto().verify(parameters, key, owned(raw), owned(message));
    },
    async sign(algorithm, privateKey, message) {
      const { parameters, toSignature } = ALGORITHMS[algorithm];
      const key = await importPrivate(algorithm, privateKey, false);
      return toSignature(new Uint8Array(await subtleCrypto().sign(parameters, key, owned(message))));
    },
    async generateKeyPair(algorithm) {
      const { parameters, publicKeyOf } = ALGORITHMS[algorithm];
      const pair = await subtleCrypto().generateKey(parameters, true, ["sign", "verify"]);
      const jwk = await subtleCrypto().exportKey("jwk", pair.privateKey);
      const privateKey = required(fromBase64Url(jwk.d ?? ""), "generated private key");
      return { privateKey, publicKey: required(publicKeyOf(jwk), "generated public key") };
    },
    async publicKeyOf(algorithm, privateKey) {
      const key = await importPrivate(algorithm, privateKey, true);
      const jwk = await subtleCrypto().exportKey("jwk", key);
      return required(ALGORITHMS[algorithm].publicKeyOf(jwk), "public key of the private key");
    },
  });
}

/** The provider used where none is given: WebCrypto. */
export const defaultProvider: CryptoProvider = webCryptoProvider();
