import { createHmac, createPrivateKey, createSecretKey, type KeyObject } from "node:crypto";
import { sha256 } from "@countersign/protocol";
import type { JWK } from "jose";
import { keys } from "../store/keys.ts";
import { type RingAlgorithm, ringAlgorithms } from "../store/records.ts";
import type { Store } from "../store/store.ts";
import {
  type KeySetName,
  type SignatureFunction,
  type SigningPlace,
  signatureFunction,
  signBytesNow,
} from "./algorithms.ts";
import type { KeyEncryptionKey } from "./key-encryption-key.ts";
import { derivationContext, type KeyRow, parseRing, type RingRecord, setOf, signingContext } from "./ring-record.ts";
import { activeKey, scheduleOf } from "./schedule.ts";
import { unseal } from "./sealed.ts";
import { type PublicJwk, publicJwk } from "./signing-key.ts";

/** A set of public keys as it is published, with what HTTP caches need. */
export interface PublishedKeys {
  /** The serialised JWK set. */
  readonly body: string;
  /** A strong ETag, quotes included. */
  readonly etag: string;
  readonly keys: readonly JWK[];
}

/** A key whose private part is at hand. */
export interface OpenKey {
  readonly jwk: PublicJwk;
  readonly sign: SignatureFunction;
  /** Signs bytes that are no token: the certificate of the key. */
  readonly certify: (bytes: Uint8Array) => Promise<Uint8Array>;
  /** The sealed text it came from: another text under the same kid is opened anew. */
  readonly sealedText: string;
}

/** The ring of one version, unsealed: what a node works with until it reads another. */
export interface OpenRing {
  readonly version: number;
  readonly record: RingRecord;
  readonly schedules: ReadonlyMap<RingAlgorithm, readonly KeyRow[]>;
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
    schedules: new Map([...inUse].map((algorithm) => [algorithm, scheduleOf(record.keys, algorithm)])),
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
  const certify = async (bytes: Uint8Array) => signBytesNow(privateKey, row.algorithm, bytes);
  return { jwk, sign: signatureFunction(privateKey, row.algorithm, place), certify, sealedText: row.sealed.text };
}

/** HMAC-SHA-256 of an input under the ring's secret, base64url; each purpose has values of its own. */
export function derive({ derivationKey }: OpenRing, purpose: string, input: string): string {
  return createHmac("sha256", derivationKey).update(`${purpose}\n${input}`).digest("base64url");
}

/** The public sets of a ring, and until when their order holds. */
export interface Publication {
  readonly ring: OpenRing;
  readonly sets: Readonly<Record<KeySetName, PublishedKeys>>;
  readonly validUntil: number;
}

/**
 * What a ring publishes at `now`: all of its keys. Algorithm by algorithm the signing key stands first, for verifiers
 * that take the first key of a set or try one after the other.
 */
export function publish(ring: OpenRing, now: number): Publication {
  const rows = ringAlgorithms.flatMap((algorithm) => {
    const schedule = ring.schedules.get(algorithm) ?? [];
    const active = activeKey(schedule, now);
    const others = schedule.filter((row) => row !== active).reverse();
    return active === undefined ? others : [active, ...others];
  });
  const set = (name: KeySetName) =>
    serialise(rows.filter((row) => setOf(row) === name).map((row) => ring.keys.get(row.kid)?.jwk));
  return {
    ring,
    sets: { jwks: set("jwks"), pqc: set("pqc"), roots: set("roots"), signoffs: set("signoffs") },
    validUntil: Math.min(...rows.map((row) => row.activeAt).filter((activeAt) => activeAt > now)),
  };
}

function serialise(jwks: readonly (PublicJwk | undefined)[]): PublishedKeys {
  const keys = Object.freeze(jwks.filter((jwk) => jwk !== undefined).map((jwk) => Object.freeze({ ...jwk })));
  const body = JSON.stringify({ keys });
  return Object.freeze({ body, etag: `"${sha256(body)}"`, keys });
}
