import { createHmac, createPrivateKey, createSecretKey, type KeyObject } from "node:crypto";
import { keys } from "../store/keys.ts";
import type { SigningAlgorithm } from "../store/records.ts";
import type { Store } from "../store/store.ts";
import type { KeyEncryptionKey } from "./key-encryption-key.ts";
import { type PublicJwk, publicJwk } from "./public-jwk.ts";
import { derivationContext, type KeyRow, parseRing, type RingRecord, signingContext } from "./ring-record.ts";
import { lineOf } from "./rotation.ts";
import { unseal } from "./sealed.ts";
import { type SignatureFunction, type SigningPlace, signatureFunction } from "./sign.ts";

/** A key whose private part is at hand. */
export interface OpenKey {
  readonly jwk: PublicJwk;
  readonly sign: SignatureFunction;
  /** The sealed text it came from: another text under the same kid is opened anew. */
  readonly sealedText: string;
}

/** The ring of one version, unsealed: what a node works with until it reads another. */
export interface OpenRing {
  readonly version: number;
  readonly record: RingRecord;
  readonly lines: ReadonlyMap<SigningAlgorithm, readonly KeyRow[]>;
  readonly rows: ReadonlyMap<string, KeyRow>;
  readonly keys: ReadonlyMap<string, OpenKey>;
  readonly derivationKey: KeyObject;
}

/** How to open a ring. */
export interface OpenOptions {
  readonly keyEncryptionKey: KeyEncryptionKey;
  readonly place: SigningPlace;
  /** The version before: keys that did not change are taken from it. */
  readonly before?: OpenRing;
}

/**
 * Reads the ring from the store, or returns the one before when the store holds no other.
 *
 * @throws {Error} when it is gone, is not a ring, or cannot be unsealed.
 */
export async function readRing(store: Pick<Store, "get">, options: OpenOptions): Promise<OpenRing> {
  const item = await store.get(keys.ring());
  if (item === undefined) throw new Error("Cannot find the key ring in the store: it was removed; restore a backup");
  if (item.version === options.before?.version) return options.before;
  return openRing(item.version, parseRing(item.value), options);
}

/**
 * Unseals what the store holds.
 *
 * @throws {Error} when one key cannot be unsealed.
 */
export async function openRing(version: number, record: RingRecord, options: OpenOptions): Promise<OpenRing> {
  const { before, keyEncryptionKey } = options;
  const derivationKey =
    before?.record.derivation.text === record.derivation.text
      ? before.derivationKey
      : createSecretKey(await unseal(record.derivation, derivationContext, keyEncryptionKey));
  const opened = await Promise.all(record.keys.map((row) => openKey(row, options)));
  const inUse = new Set(record.keys.map((row) => row.algorithm));
  return {
    version,
    record,
    derivationKey,
    lines: new Map([...inUse].map((algorithm) => [algorithm, lineOf(record.keys, algorithm)])),
    rows: new Map(record.keys.map((row) => [row.kid, row])),
    keys: new Map(opened.map((key) => [key.jwk.kid, key])),
  };
}

async function openKey(row: KeyRow, { before, keyEncryptionKey, place }: OpenOptions): Promise<OpenKey> {
  const known = before?.keys.get(row.kid);
  if (known?.sealedText === row.sealed.text && known.jwk.alg === row.algorithm) return known;
  const pkcs8 = await unseal(row.sealed, signingContext(row), keyEncryptionKey);
  const privateKey = createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
  pkcs8.fill(0);
  const jwk = publicJwk(privateKey, row.algorithm);
  return { jwk, sign: signatureFunction(privateKey, row.algorithm, place), sealedText: row.sealed.text };
}

/** HMAC-SHA-256 of an input under the ring's secret, base64url; each purpose has values of its own. */
export function derive({ derivationKey }: OpenRing, purpose: string, input: string): string {
  return createHmac("sha256", derivationKey).update(`${purpose}\n${input}`).digest("base64url");
}
