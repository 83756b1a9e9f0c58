import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { defined, fromBase64url } from "@countersign/protocol";
import type { JWK } from "jose";
import type { RingAlgorithm } from "../store/records.ts";
import { algorithmNames } from "./algorithms.ts";
import { acceptPrivateKey, importPrivateJwk, type PrivateSigningKey, publicJwk, unusable } from "./signing-key.ts";

/** How to read a key. */
export interface ReadKeyOptions {
  /** What the key is for. @default its JWK's `alg`; without one RS256 for RSA, and the only choice for other types */
  readonly algorithm?: RingAlgorithm;
  /** Of an encrypted PEM block. */
  readonly passphrase?: string;
}

/** Longer than any key, also of a set. */
const MAX_INPUT = 256 * 1024;

/**
 * Every private key of a text or file: PEM (PKCS #8, PKCS #1, SEC 1 with or without its EC PARAMETERS), DER of the
 * same, a private JWK, or a JWK set.
 *
 * @throws {CountersignError} `invalid_request` when there is none, or one is malformed, weak or of no use for signing.
 * @example
 * ```ts
 * import { generateKeyPairSync } from "node:crypto";
 * import { readSigningKeys, writeKey } from "@countersign/authority";
 * const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
 * const [key] = readSigningKeys(privateKey.export({ format: "pem", type: "sec1" }));
 * if (key) writeKey(key, "jwks"); // {"keys":[{"kty":"EC",…,"kid":…,"alg":"ES256","use":"sig"}]}
 * ```
 */
export function readSigningKeys(
  input: string | Uint8Array,
  options: ReadKeyOptions = {},
): readonly PrivateSigningKey[] {
  if (input.length > MAX_INPUT) throw unusable("the input is too long");
  if (typeof input !== "string" && input[0] === DER_SEQUENCE) return [readDer(input, options)];
  const text = (typeof input === "string" ? input : decodeUtf8(input)).trim();
  if (text.startsWith("{")) return readJson(text, options);
  if (text.includes("-----BEGIN ")) return readPem(text, options);
  throw unusable("it is neither PEM, nor DER, nor JSON");
}

/** The one private key of a text or file. Like `readSigningKeys`, and refuses several. */
export function readSigningKey(
  input: string | Uint8Array,
  algorithm?: RingAlgorithm,
  { passphrase }: Pick<ReadKeyOptions, "passphrase"> = {},
): PrivateSigningKey {
  const [key, ...more] = readSigningKeys(input, {
    ...(algorithm !== undefined && { algorithm }),
    ...(passphrase !== undefined && { passphrase }),
  });
  if (key === undefined) throw unusable("there is none");
  if (more.length > 0) throw unusable(`there are ${more.length + 1}, and one is wanted`);
  return key;
}

const DER_SEQUENCE = 0x30;
const derTypes = ["pkcs8", "sec1", "pkcs1"] as const;

function readDer(bytes: Uint8Array, { algorithm }: ReadKeyOptions): PrivateSigningKey {
  for (const type of derTypes) {
    const key = tryCreate(() => createPrivateKey({ key: Buffer.from(bytes), format: "der", type }));
    if (key !== undefined) return acceptPrivateKey(key, algorithm);
  }
  throw unusable("its DER is neither PKCS #8, nor SEC 1, nor PKCS #1");
}

function tryCreate(create: () => KeyObject): KeyObject | undefined {
  try {
    return create();
  } catch {
    return undefined;
  }
}

function readPem(text: string, options: ReadKeyOptions): readonly PrivateSigningKey[] {
  const blocks = [...pemBlocks(text)].filter(({ label }) => label !== "EC PARAMETERS");
  return blocks.map(({ label, block }) => {
    if (!label.endsWith("PRIVATE KEY")) throw unusable(`it is a ${label}, and a private key is wanted`);
    return acceptPrivateKey(decodePem(block, label, options.passphrase), options.algorithm);
  });
}

const PEM_BEGIN = "-----BEGIN ";
const PEM_DASHES = "-----";

/** The blocks of a PEM text (RFC 7468 section 2), whatever stands between them. */
function* pemBlocks(text: string): Generator<{ readonly label: string; readonly block: string }> {
  for (let from = text.indexOf(PEM_BEGIN); from >= 0; from = text.indexOf(PEM_BEGIN, from)) {
    const label = text.slice(from + PEM_BEGIN.length, text.indexOf(PEM_DASHES, from + PEM_BEGIN.length));
    const last = `-----END ${label}-----`;
    const end = text.indexOf(last, from);
    if (end < 0) throw unusable("its PEM block is truncated");
    yield { label, block: `${text.slice(from, end)}${last}\n` };
    from = end + last.length;
  }
}

function decodePem(block: string, label: string, passphrase: string | undefined): KeyObject {
  const isEncrypted = label.startsWith("ENCRYPTED") || /^Proc-Type: 4,ENCRYPTED/m.test(block);
  if (isEncrypted && passphrase === undefined) throw unusable("it is encrypted; give its passphrase");
  try {
    return createPrivateKey({ key: block, format: "pem", ...defined({ passphrase }) });
  } catch (cause) {
    throw unusable(isEncrypted ? "the passphrase is wrong, or the block is damaged" : `its ${label} is damaged`, cause);
  }
}

function readJson(text: string, options: ReadKeyOptions): readonly PrivateSigningKey[] {
  const value = parseJson(text);
  if (!("keys" in value)) return [readJwk(value, options)];
  if (!Array.isArray(value.keys)) throw unusable("keys must be an array (RFC 7517 section 5)");
  return value.keys.map((jwk: unknown) => readJwk(jwk, options));
}

/** The members of private keys of the types that sign, all of them text (RFC 7518 section 6, RFC 8037, RFC 9964). */
const jwkMembers = ["kty", "crv", "x", "y", "d", "n", "e", "p", "q", "dp", "dq", "qi", "alg", "pub", "priv"] as const;
const namedMembers = new Set<string>(["kty", "crv", "alg"]);

function readJwk(value: unknown, { algorithm }: ReadKeyOptions): PrivateSigningKey {
  if (!isObject(value)) throw unusable("a JWK must be an object");
  refusePurpose(value);
  const jwk: JWK = {};
  for (const member of jwkMembers) {
    const text = value[member];
    if (text === undefined) continue;
    if (typeof text !== "string") throw unusable(`its member ${member} must be text`);
    if (!namedMembers.has(member) && fromBase64url(text) === undefined) {
      throw unusable(`its member ${member} must be base64url without padding (RFC 7515 section 2)`);
    }
    jwk[member] = text;
  }
  if (jwk.kty === "oct") throw unusable("it is a symmetric key, which every verifier could sign with");
  if (jwk.d === undefined && jwk.priv === undefined) throw unusable("it is a public key, and a private key is wanted");
  return acceptPrivateKey(importPrivateJwk(jwk), algorithm ?? algorithmNamed(jwk.alg));
}

/** A key made for something else must not sign tokens (RFC 7517 sections 4.2 and 4.3). */
function refusePurpose({ use, key_ops: operations, oth }: Readonly<Record<string, unknown>>): void {
  if (use !== undefined && use !== "sig") throw unusable("its use is not sig");
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("sign"))) {
    throw unusable("its key_ops do not include sign");
  }
  if (oth !== undefined) throw unusable("RSA keys of more than two primes are not supported");
}

function algorithmNamed(alg: string | undefined): RingAlgorithm | undefined {
  if (alg === undefined) return undefined;
  const name = algorithmNames.find((candidate) => candidate === (alg === "Ed25519" ? "EdDSA" : alg));
  if (name === undefined) throw unusable(`its alg is none of ${algorithmNames.join(", ")}`);
  return name;
}

function parseJson(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {}
  throw unusable("its JSON is malformed");
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw unusable("it is neither text nor DER", cause);
  }
}

const writers = {
  /** PKCS #8 PEM: what most programs read. */
  pem: ({ privateKey }: PrivateSigningKey) => pemText(privateKey.export({ format: "pem", type: "pkcs8" })),
  /** SEC 1 PEM, as `openssl ecparam -genkey -noout` writes it; EC keys only. */
  sec1: ({ algorithm, privateKey }: PrivateSigningKey) => {
    if (algorithm !== "ES256") throw unusable("only an EC key has a SEC 1 form");
    return pemText(privateKey.export({ format: "pem", type: "sec1" }));
  },
  /** The private JWK. */
  jwk: (key: PrivateSigningKey) => json({ ...key.privateKey.export({ format: "jwk" }), ...described(key) }),
  /** The public key as PEM (SubjectPublicKeyInfo). */
  "public-pem": ({ privateKey }: PrivateSigningKey) =>
    pemText(createPublicKey(privateKey).export({ format: "pem", type: "spki" })),
  /** The public JWK. */
  "public-jwk": ({ algorithm, privateKey }: PrivateSigningKey) => json(publicJwk(privateKey, algorithm)),
  /** A JWK set with the public key. */
  jwks: ({ algorithm, privateKey }: PrivateSigningKey) => json({ keys: [publicJwk(privateKey, algorithm)] }),
} as const;

/** A form a key can be written in. */
export type KeyForm = keyof typeof writers;

/** The forms a key can be written in. */
export const keyForms: readonly KeyForm[] = ["pem", "sec1", "jwk", "public-pem", "public-jwk", "jwks"];

/**
 * A key in one of its forms, with a line feed at the end. `pem`, `sec1` and `jwk` hold the private key.
 *
 * @throws {CountersignError} `invalid_request` for the SEC 1 form of a key that has none.
 */
export function writeKey(key: PrivateSigningKey, form: KeyForm): string {
  return writers[form](key);
}

function described({ kid, algorithm }: PrivateSigningKey) {
  return { kid, alg: algorithm, use: "sig" };
}

function pemText(pem: string | Buffer): string {
  return pem.toString();
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
