import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { KeyError } from "../errors.ts";
import { concatBytes, equalBytes, fromBase64Url, fromHex, toBase64Url, toHex } from "./bytes.ts";
import { LruCache } from "./lru.ts";
import { compressP256, decompressP256, type P256Point } from "./p256.ts";
import type { CryptoProvider, KeyAlgorithm, RawKeyPair } from "./provider.ts";
import { strictProvider } from "./strict-provider.ts";

interface Jwk {
  readonly x?: string;
  readonly y?: string;
  readonly d?: string;
}

interface NodeAlgorithm {
  readonly digest: string | null;
  readonly importPublic: (bytes: Uint8Array) => KeyObject | undefined;
  readonly importPrivate: (bytes: Uint8Array) => KeyObject;
  readonly publicKeyOf: (privateKey: Uint8Array) => Uint8Array;
  readonly generate: () => RawKeyPair;
}

// DER import is slow on Node 20 (twenty times for public keys, ten for private ones): JWK wherever it serves.
const ALGORITHMS: Readonly<Record<KeyAlgorithm, NodeAlgorithm>> = {
  ed25519: {
    digest: null,
    importPublic: (bytes) =>
      createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x: toBase64Url(bytes) } }),
    importPrivate: (bytes) => importSeed(bytes),
    publicKeyOf: (privateKey) => member(importSeed(privateKey).export({ format: "jwk" }), "x"),
    generate: () => {
      // Exporting a generated KeyObject as JWK can hang Node 20 for ever; asking for JWK at generation does not.
      const pair = generateKeyPairSync("ed25519", JWK_ENCODINGS);
      return { privateKey: member(pair.privateKey, "d"), publicKey: member(pair.publicKey, "x") };
    },
  },
  secp256r1: {
    digest: "sha256",
    importPublic: (bytes) => {
      const point = decompressP256(bytes);
      if (point === undefined) return undefined;
      const key = { kty: "EC", crv: "P-256", x: toBase64Url(point.x), y: toBase64Url(point.y) };
      return createPublicKey({ format: "jwk", key });
    },
    importPrivate: (bytes) => {
      const { x, y } = p256PointOf(bytes);
      const key = { kty: "EC", crv: "P-256", d: toBase64Url(bytes), x: toBase64Url(x), y: toBase64Url(y) };
      return createPrivateKey({ format: "jwk", key });
    },
    publicKeyOf: (privateKey) => compress(p256PointOf(privateKey)),
    generate: () => {
      const pair = generateKeyPairSync("ec", { namedCurve: "P-256", ...JWK_ENCODINGS });
      const point = { x: member(pair.publicKey, "x"), y: member(pair.publicKey, "y") };
      return { privateKey: member(pair.privateKey, "d"), publicKey: compress(point) };
    },
  },
};

const JWK_ENCODINGS = { publicKeyEncoding: { format: "jwk" }, privateKeyEncoding: { format: "jwk" } } as const;

function member(jwk: Jwk, name: keyof Jwk): Uint8Array {
  const bytes = fromBase64Url(jwk[name] ?? "");
  if (bytes?.length !== 32) throw new KeyError("invalid_key", `Cannot read the key: member ${name} is not 32 bytes`);
  return bytes;
}

function p256PointOf(privateKey: Uint8Array): P256Point {
  const ecdh = createECDH("prime256v1");
  ecdh.setPrivateKey(privateKey);
  const point = ecdh.getPublicKey();
  return { x: new Uint8Array(point.subarray(1, 33)), y: new Uint8Array(point.subarray(33)) };
}

function compress(point: P256Point): Uint8Array {
  const bytes = compressP256(point);
  if (bytes === undefined) throw new KeyError("invalid_key", "Cannot use the key of the runtime: not on the curve");
  return bytes;
}

const PKCS8_ED25519 = fromHex("302e020100300506032b657004220420") ?? new Uint8Array();
const ANY_X = toBase64Url(new Uint8Array(32));

/** Three ways to import an Ed25519 seed without knowing its public key, the quickest first. */
const SEED_IMPORTS: readonly ((seed: Uint8Array) => KeyObject)[] = [
  (key) => createPrivateKey({ format: "raw-private", key, asymmetricKeyType: "ed25519" }),
  // Node 20 to 24 derive the public half from d and do not look at x; later ones compare.
  (seed) => createPrivateKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", d: toBase64Url(seed), x: ANY_X } }),
  (seed) => createPrivateKey({ format: "der", type: "pkcs8", key: concatBytes(PKCS8_ED25519, seed) }),
];

// RFC 8032 section 7.1, test 1: what tells an import that derives the public key from one that trusts a given x.
const PROBE_SEED = fromHex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60") ?? new Uint8Array();
const PROBE_X = toBase64Url(
  fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a") ?? new Uint8Array(),
);

function derivesPublicKey(importKey: (seed: Uint8Array) => KeyObject): boolean {
  try {
    return importKey(PROBE_SEED).export({ format: "jwk" }).x === PROBE_X;
  } catch {
    return false;
  }
}

let chosenImport: ((seed: Uint8Array) => KeyObject) | undefined;

function importSeed(seed: Uint8Array): KeyObject {
  chosenImport ??= SEED_IMPORTS.find(derivesPublicKey);
  if (chosenImport === undefined) throw new KeyError("invalid_key", "Cannot import Ed25519 private keys: no way works");
  return chosenImport(seed);
}

/** Imported keys: public ones by content, private ones only as long as the caller holds the very same bytes. */
class KeyCache {
  readonly #public = new LruCache<KeyObject>(256);
  readonly #private = new WeakMap<Uint8Array, { readonly bytes: Uint8Array; readonly key: KeyObject }>();

  publicKey(algorithm: KeyAlgorithm, bytes: Uint8Array): KeyObject | undefined {
    const id = algorithm + toHex(bytes);
    const known = this.#public.get(id);
    if (known !== undefined) return known;
    const key = ALGORITHMS[algorithm].importPublic(bytes);
    if (key !== undefined) this.#public.set(id, key);
    return key;
  }

  privateKey(algorithm: KeyAlgorithm, bytes: Uint8Array): KeyObject {
    const known = this.#private.get(bytes);
    if (known !== undefined && equalBytes(known.bytes, bytes)) return known.key;
    const key = ALGORITHMS[algorithm].importPrivate(bytes);
    this.#private.set(bytes, { bytes: bytes.slice(), key });
    return key;
  }
}

function promisify<Result>(start: (done: (error: Error | null, result: Result) => void) => void): Promise<Result> {
  return new Promise((resolve, reject) => {
    start((error, result) => (error === null || error === undefined ? resolve(result) : reject(error)));
  });
}

/**
 * The provider over node:crypto, for Node, Bun and Deno: synchronous and asynchronous.
 *
 * Asynchronous verification runs on the thread pool, so the signatures of a token are verified at the same time.
 *
 * @example
 * const provider = nodeProvider();
 * const { privateKey } = await provider.generateKeyPair("ed25519");
 */
export function nodeProvider(): CryptoProvider {
  const keys = new KeyCache();
  const provider: Required<CryptoProvider> = {
    verifySync(algorithm, publicKey, message, signature) {
      const key = keys.publicKey(algorithm, publicKey);
      return key !== undefined && verify(ALGORITHMS[algorithm].digest, message, key, signature);
    },
    async verify(algorithm, publicKey, message, signature) {
      const key = keys.publicKey(algorithm, publicKey);
      if (key === undefined) return false;
      return promisify((done) => verify(ALGORITHMS[algorithm].digest, message, key, signature, done));
    },
    signSync: (algorithm, privateKey, message) =>
      new Uint8Array(sign(ALGORITHMS[algorithm].digest, message, keys.privateKey(algorithm, privateKey))),
    sign: async (...call) => provider.signSync(...call),
    generateKeyPairSync: (algorithm) => ALGORITHMS[algorithm].generate(),
    generateKeyPair: async (algorithm) => ALGORITHMS[algorithm].generate(),
    publicKeyOfSync: (algorithm, privateKey) => ALGORITHMS[algorithm].publicKeyOf(privateKey),
    publicKeyOf: async (algorithm, privateKey) => ALGORITHMS[algorithm].publicKeyOf(privateKey),
  };
  return strictProvider(provider);
}

/** The provider used where none is given: node:crypto. */
export const defaultProvider: CryptoProvider = nodeProvider();
