import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { KeyError } from "../errors.ts";
import { concatBytes, equalBytes, fromBase64Url, fromHex, toBase64Url, toHex } from "./bytes.ts";
import { LruCache } from "./lru.ts";
import { askForPoints, compressP256, decompressP256, isCompressed, type P256Point } from "./p256.ts";
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
  readonly generateLater: () => Promise<RawKeyPair>;
}

/** An import of private keys that can be told of one which was made here. */
interface PrivateImport {
  (bytes: Uint8Array): KeyObject;
  readonly keep: (bytes: Uint8Array, key: KeyObject) => void;
}

/** An import that remembers the key as long as the caller holds the very same bytes. */
function remembering<Key extends KeyObject | undefined>(importKey: (bytes: Uint8Array) => Key) {
  const keys = new WeakMap<Uint8Array, { readonly bytes: Uint8Array; readonly key: Key }>();
  const keep = (bytes: Uint8Array, key: Key): void => void keys.set(bytes, { bytes: bytes.slice(), key });
  const importOnce = (bytes: Uint8Array): Key => {
    const known = keys.get(bytes);
    if (known !== undefined && equalBytes(known.bytes, bytes)) return known.key;
    const key = importKey(bytes);
    keep(bytes, key);
    return key;
  };
  return Object.assign(importOnce, { keep });
}

// Exporting a generated KeyObject as JWK can hang Node 20 for ever; asking for JWK at generation does not.
const JWK_ENCODINGS = { publicKeyEncoding: { format: "jwk" }, privateKeyEncoding: { format: "jwk" } } as const;
const P256_OPTIONS = { namedCurve: "P-256", ...JWK_ENCODINGS } as const;

const importSeedOnce: PrivateImport = remembering(importSeed);

// DER import is slow on Node 20 (twenty times for public keys, ten for private ones): JWK wherever it serves.
const ALGORITHMS: Readonly<Record<KeyAlgorithm, NodeAlgorithm>> = {
  ed25519: {
    digest: null,
    // Nothing is remembered: importing takes a fiftieth of a verification, and next keys are seen once.
    importPublic: (bytes) =>
      createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x: toBase64Url(bytes) } }),
    importPrivate: importSeedOnce,
    publicKeyOf: (privateKey) => member(importSeed(privateKey).export({ format: "jwk" }), "x"),
    generate: () => {
      if (!exportsRaw()) return ed25519Pair(generateKeyPairSync("ed25519", JWK_ENCODINGS));
      return keptPair(generateKeyPairSync("ed25519"));
    },
    generateLater: async () => {
      if (!exportsRaw())
        return ed25519Pair(pairOf(await promisify((done) => generateKeyPair("ed25519", JWK_ENCODINGS, done))));
      return keptPair(pairOf(await promisify((done) => generateKeyPair("ed25519", {}, done))));
    },
  },
  secp256r1: {
    digest: "sha256",
    importPublic: remembering(importPoint),
    importPrivate: remembering((bytes) => {
      const { x, y } = p256PointOf(bytes);
      const key = { kty: "EC", crv: "P-256", d: toBase64Url(bytes), x: toBase64Url(x), y: toBase64Url(y) };
      return createPrivateKey({ format: "jwk", key });
    }),
    publicKeyOf: (privateKey) => compress(p256PointOf(privateKey)),
    generate: () => p256Pair(generateKeyPairSync("ec", P256_OPTIONS)),
    generateLater: async () => p256Pair(pairOf(await promisify((done) => generateKeyPair("ec", P256_OPTIONS, done)))),
  },
};

/** Imports a compressed point at once, in less time than its square root alone takes in p256.ts; older runtimes cannot. */
function importCompressed(key: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ format: "raw-public", key, asymmetricKeyType: "ec", namedCurve: "P-256" });
  } catch {
    return undefined;
  }
}

function importDecompressed(bytes: Uint8Array): KeyObject | undefined {
  const point = decompressP256(bytes);
  if (point === undefined) return undefined;
  const key = { kty: "EC", crv: "P-256", x: toBase64Url(point.x), y: toBase64Url(point.y) };
  return createPublicKey({ format: "jwk", key });
}

// The base point (SEC 2 section 2.4.2), and a coordinate of no point: what tells an import that looks at the curve.
const BASE_POINT = fromHex("036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296") ?? new Uint8Array();
const NO_POINT = fromHex(`02${"4".padStart(64, "0")}`) ?? new Uint8Array();

let chosenPointImport: typeof importCompressed | undefined;

/** Keys are imported when they are read, and those of issuers and third parties are read again and again. */
const points = new LruCache<KeyObject>(256);

function importPoint(bytes: Uint8Array): KeyObject | undefined {
  if (!isCompressed(bytes)) return undefined;
  const id = toHex(bytes);
  const known = points.get(id);
  if (known !== undefined) return known;
  chosenPointImport ??=
    importCompressed(BASE_POINT) && !importCompressed(NO_POINT) ? importCompressed : importDecompressed;
  const key = chosenPointImport(bytes);
  if (key !== undefined) points.set(id, key);
  return key;
}

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

interface Pair<Key> {
  readonly publicKey: Key;
  readonly privateKey: Key;
}

const pairOf = <Key>([publicKey, privateKey]: readonly [Key, Key]): Pair<Key> => ({ publicKey, privateKey });

const ed25519Pair = ({ publicKey, privateKey }: Pair<Jwk>): RawKeyPair => {
  return { privateKey: member(privateKey, "d"), publicKey: member(publicKey, "x") };
};

const p256Pair = ({ publicKey, privateKey }: Pair<Jwk>): RawKeyPair => {
  const point = { x: member(publicKey, "x"), y: member(publicKey, "y") };
  return { privateKey: member(privateKey, "d"), publicKey: compress(point) };
};

/** The bytes of a pair whose private key signs without being imported: that takes as long as a signature. */
function keptPair({ publicKey, privateKey }: Pair<KeyObject>): RawKeyPair {
  const bytes = new Uint8Array(privateKey.export({ format: "raw-private" }));
  importSeedOnce.keep(bytes, privateKey);
  return { privateKey: bytes, publicKey: new Uint8Array(publicKey.export({ format: "raw-public" })) };
}

let canExportRaw: boolean | undefined;

/** Whether keys show their bytes without a detour through JWK; older runtimes know no such format. */
function exportsRaw(): boolean {
  canExportRaw ??= showsRawBytes();
  return canExportRaw;
}

function showsRawBytes(): boolean {
  try {
    const key = importSeed(PROBE_SEED);
    return equalBytes(new Uint8Array(key.export({ format: "raw-private" })), PROBE_SEED);
  } catch {
    return false;
  }
}

type Done<Results extends readonly unknown[]> = (error: Error | null, ...results: Results) => void;

function promisify<Results extends readonly unknown[]>(start: (done: Done<Results>) => void): Promise<Results> {
  return new Promise((resolve, reject) => {
    start((error, ...results) => (error === null || error === undefined ? resolve(results) : reject(error)));
  });
}

/** Pairs that are kept ready at most. */
const MAX_READY = 8;

/**
 * Makes pairs before they are asked for: while a token is signed on this thread, the pool makes the key of the next one.
 * The stock grows by one with each call, so that whoever makes one key makes one too many and no more.
 */
export function madeAhead<Pair>(make: () => Promise<Pair>): () => Promise<Pair> {
  const ready: Promise<Pair>[] = [];
  let size = 0;
  return () => {
    const made = ready.shift() ?? make();
    if (size < MAX_READY) size++;
    while (ready.length < size) {
      const pair = make();
      // A failure is for the caller who takes this pair; until then it is nobody's.
      pair.catch(() => {});
      ready.push(pair);
    }
    return made;
  };
}

/**
 * The provider over node:crypto, for Node, Bun and Deno: synchronous and asynchronous.
 *
 * Asynchronous verification and generation run on the thread pool: the signatures of a token are verified at the same
 * time, and up to eight key pairs are kept ready once pairs are asked for.
 *
 * @example
 * const provider = nodeProvider();
 * const { privateKey } = await provider.generateKeyPair("ed25519");
 */
export function nodeProvider(): CryptoProvider {
  const generateLater = (algorithm: KeyAlgorithm): (() => Promise<RawKeyPair>) =>
    madeAhead(ALGORITHMS[algorithm].generateLater);
  const ready = { ed25519: generateLater("ed25519"), secp256r1: generateLater("secp256r1") };
  const provider: Required<CryptoProvider> = {
    verifySync(algorithm, publicKey, message, signature) {
      const { digest, importPublic } = ALGORITHMS[algorithm];
      const key = importPublic(publicKey);
      return key !== undefined && verify(digest, message, key, signature);
    },
    async verify(algorithm, publicKey, message, signature) {
      const { digest, importPublic } = ALGORITHMS[algorithm];
      const key = importPublic(publicKey);
      if (key === undefined) return false;
      const [valid] = await promisify<[boolean]>((done) => verify(digest, message, key, signature, done));
      return valid;
    },
    signSync(algorithm, privateKey, message) {
      const { digest, importPrivate } = ALGORITHMS[algorithm];
      return new Uint8Array(sign(digest, message, importPrivate(privateKey)));
    },
    sign: async (...call) => provider.signSync(...call),
    generateKeyPairSync: (algorithm) => ALGORITHMS[algorithm].generate(),
    generateKeyPair: (algorithm) => ready[algorithm](),
    publicKeyOfSync: (algorithm, privateKey) => ALGORITHMS[algorithm].publicKeyOf(privateKey),
    publicKeyOf: async (algorithm, privateKey) => ALGORITHMS[algorithm].publicKeyOf(privateKey),
  };
  return strictProvider(provider);
}

askForPoints((bytes) => ALGORITHMS.secp256r1.importPublic(bytes) !== undefined);

/** The provider used where none is given: node:crypto. */
export const defaultProvider: CryptoProvider = nodeProvider();
