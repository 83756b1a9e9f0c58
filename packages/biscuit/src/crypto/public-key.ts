import { defaultProvider } from "#crypto";
import { assertBytes, assertText } from "../arguments.ts";
import { KeyError } from "../errors.ts";
import { equalBytes, fromHex, toHex } from "./bytes.ts";
import { decodePublicJwk, encodePublicJwk, type PublicJwk } from "./jwk.ts";
import { decodePem, decodeSpki, encodePem, encodeSpki } from "./key-encoding.ts";
import type { CryptoProvider, KeyAlgorithm } from "./provider.ts";
import { hasPublicKeyForm, isPublicKeyBytes, strictProvider } from "./strict-provider.ts";

/** The length in bytes of a raw public key. */
const PUBLIC_KEY_LENGTH: Readonly<Record<KeyAlgorithm, number>> = { ed25519: 32, secp256r1: 33 };

/** Splits key text into its algorithm and bytes; `kind` is what may follow the algorithm, such as `-private`. */
export function splitKeyText(text: string, kind: string): { algorithm: KeyAlgorithm; bytes: Uint8Array } {
  assertText("reading a key", `key text such as ed25519${kind}/…`, text);
  for (const algorithm of ["ed25519", "secp256r1"] as const) {
    const prefix = `${algorithm}${kind}/`;
    if (!text.startsWith(prefix)) continue;
    const bytes = fromHex(text.slice(prefix.length));
    if (bytes === undefined) throw new KeyError("invalid_key", `Cannot read the key: no hexadecimal after ${prefix}`);
    return { algorithm, bytes };
  }
  const hint = text.startsWith("-----BEGIN") ? "; this is PEM, which fromPem reads" : "";
  throw new KeyError(
    "unsupported_algorithm",
    `Cannot read the key: expected ed25519${kind}/ or secp256r1${kind}/${hint}`,
  );
}

/** Refuses the name of an algorithm that is none. @throws {KeyError} `unsupported_algorithm`. */
export function assertAlgorithm(algorithm: KeyAlgorithm): void {
  if (algorithm === "ed25519" || algorithm === "secp256r1") return;
  throw new KeyError("unsupported_algorithm", 'Cannot use this algorithm: expected "ed25519" or "secp256r1"');
}

function assertPublicKey(algorithm: KeyAlgorithm, bytes: Uint8Array, isKey: typeof isPublicKeyBytes): void {
  const length = PUBLIC_KEY_LENGTH[algorithm];
  if (bytes.length !== length) {
    throw new KeyError("invalid_key_size", `Cannot use the ${algorithm} key: ${bytes.length} bytes, not ${length}`);
  }
  if (isKey(algorithm, bytes)) return;
  throw new KeyError("invalid_key", `Cannot use the ${algorithm} key: not a safe point: ${toHex(bytes)}`);
}

/** The key text of raw bytes, which may be off the curve. @throws {KeyError} for bytes that have not the form of a key. */
export function keyText(algorithm: KeyAlgorithm, bytes: Uint8Array): string {
  assertPublicKey(algorithm, bytes, hasPublicKeyForm);
  return `${algorithm}/${toHex(bytes)}`;
}

/**
 * A public key: it names who signed a block, and verifies that signature.
 *
 * Every way in checks the bytes: the length, for Ed25519 that they are canonical and not of small order, for secp256r1
 * that they are a compressed point of the curve. Instances are immutable.
 *
 * @throws {KeyError} `invalid_key_size`, `invalid_key` or `unsupported_algorithm`, from every way in.
 * @example
 * const key = PublicKey.parse("ed25519/1055c750b1a1505937af1537c626ba3263995c33a64758aaafb1275b0312e284");
 * key.toPem();
 */
export class PublicKey {
  /** The algorithm that the key is for. */
  readonly algorithm: KeyAlgorithm;
  readonly #bytes: Uint8Array;
  #text: string | undefined;

  private constructor(algorithm: KeyAlgorithm, bytes: Uint8Array) {
    this.algorithm = algorithm;
    this.#bytes = bytes;
  }

  /** Takes raw bytes: 32 for Ed25519 (RFC 8032), 33 for secp256r1 (SEC 1, compressed). */
  static fromBytes(algorithm: KeyAlgorithm, bytes: Uint8Array): PublicKey {
    assertAlgorithm(algorithm);
    assertBytes("PublicKey", "the raw bytes of a key", bytes);
    // The very bytes that are checked are kept: the runtime remembers a key of P-256 by them.
    const copy = new Uint8Array(bytes);
    assertPublicKey(algorithm, copy, isPublicKeyBytes);
    return new PublicKey(algorithm, copy);
  }

  /** Reads key text: the algorithm, a slash and hexadecimal bytes. */
  static parse(text: string): PublicKey {
    const { algorithm, bytes } = splitKeyText(text, "");
    return PublicKey.fromBytes(algorithm, bytes);
  }

  /** Reads a SubjectPublicKeyInfo in DER. */
  static fromDer(der: Uint8Array): PublicKey {
    const { algorithm, publicKey } = decodeSpki(der);
    return PublicKey.fromBytes(algorithm, publicKey);
  }

  /** Reads a PEM block `PUBLIC KEY`. */
  static fromPem(pem: string): PublicKey {
    return PublicKey.fromDer(decodePem("PUBLIC KEY", pem));
  }

  /** Reads a public JSON Web Key; members it does not know are ignored. */
  static fromJwk(jwk: unknown): PublicKey {
    const { algorithm, publicKey } = decodePublicJwk(jwk);
    return PublicKey.fromBytes(algorithm, publicKey);
  }

  /** A copy of the raw bytes. */
  toBytes(): Uint8Array {
    return this.#bytes.slice();
  }

  /** Key text, as {@link PublicKey.parse} reads it. */
  toString(): string {
    this.#text ??= `${this.algorithm}/${toHex(this.#bytes)}`;
    return this.#text;
  }

  /** The same as {@link PublicKey.toString}. */
  toJSON(): string {
    return this.toString();
  }

  /** SubjectPublicKeyInfo in DER (RFC 5280 section 4.1), as {@link PublicKey.fromDer} reads it. */
  toDer(): Uint8Array {
    return encodeSpki(this.algorithm, this.#bytes);
  }

  /** The PEM block `PUBLIC KEY` (RFC 7468 section 13), as {@link PublicKey.fromPem} reads it. */
  toPem(): string {
    return encodePem("PUBLIC KEY", this.toDer());
  }

  /** The public JSON Web Key (RFC 7517; RFC 8037 section 2 for Ed25519). */
  toJwk(): PublicJwk {
    return encodePublicJwk(this.algorithm, this.#bytes);
  }

  /** Whether both are the same key. */
  equals(other: PublicKey): boolean {
    return this.algorithm === other.algorithm && equalBytes(this.#bytes, other.#bytes);
  }

  /** Whether `signature` is this key's signature of `message`. */
  verify(message: Uint8Array, signature: Uint8Array, provider: CryptoProvider = defaultProvider): Promise<boolean> {
    return strictProvider(provider).verify(this.algorithm, this.#bytes, message, signature);
  }

  /**
   * The same as {@link PublicKey.verify}, at once.
   *
   * @throws {KeyError} `no_sync_crypto` when the provider has no synchronous form.
   */
  verifySync(message: Uint8Array, signature: Uint8Array, provider: CryptoProvider = defaultProvider): boolean {
    const { verifySync } = strictProvider(provider);
    if (verifySync === undefined) throw noSyncCrypto();
    return verifySync(this.algorithm, this.#bytes, message, signature);
  }
}

/** What a synchronous call meets on a provider that is asynchronous only. */
export function noSyncCrypto(): KeyError {
  return new KeyError("no_sync_crypto", "Cannot use this crypto provider synchronously: call the asynchronous form");
}
