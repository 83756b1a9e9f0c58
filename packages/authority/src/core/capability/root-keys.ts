import {
  type PublicKey,
  publicKeyOf,
  type RemoteKey,
  type RootKeyProvider,
  SignatureCache,
  type VerificationOptions,
} from "@countersign/protocol/capability";
import type { JWK } from "jose";
import type { KeyRing } from "../../keys/ring.ts";
import type { Signer } from "../../keys/signers.ts";
import type { Services } from "../../services.ts";
import type { CapabilityAlgorithm } from "../../store/records.ts";

/** A key of the ring that signs blocks of capability tokens. */
export interface BlockSigner {
  readonly key: RemoteKey;
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  /** By which a token names its root key. */
  readonly rootKeyId: number;
}

/** A public key with the id by which tokens name it. */
export interface PublishedRoot {
  readonly kid: string;
  readonly rootKeyId: number;
  readonly publicKey: PublicKey;
}

/**
 * The root key that new tokens are signed with. After a change of `capability.root_key` the key of the other curve signs on
 * until the first one of the new curve is known to all.
 */
export function rootSigner({ keys, config }: Pick<Services, "keys" | "config">): Promise<BlockSigner> {
  const wanted: CapabilityAlgorithm = `biscuit-${config.capability.root_key}`;
  const other = wanted === "biscuit-ed25519" ? "biscuit-secp256r1" : "biscuit-ed25519";
  const waits = keys.signsFrom(wanted) !== undefined && keys.signsFrom(other) === undefined;
  const hasOther = waits && keys.published("roots").keys.some(({ alg }) => alg === other);
  return blockSigner(keys, hasOther ? other : wanted);
}

/** The key that this authority signs off with. */
export function signoffSigner({ keys }: Pick<Services, "keys">): Promise<BlockSigner> {
  return blockSigner(keys, "signoff-ed25519");
}

const known = new WeakMap<Signer, BlockSigner>();

async function blockSigner(keys: KeyRing, algorithm: CapabilityAlgorithm): Promise<BlockSigner> {
  const signer = await keys.signer(algorithm);
  const found = known.get(signer) ?? makeBlockSigner(signer, keys);
  known.set(signer, found);
  return found;
}

function makeBlockSigner(signer: Signer, keys: KeyRing): BlockSigner {
  const set = signer.algorithm === "signoff-ed25519" ? "signoffs" : "roots";
  const jwk = keys.published(set).keys.find(({ kid }) => kid === signer.kid);
  if (jwk === undefined) throw new Error(`Cannot find the public key of ${signer.kid}`);
  const sign = async (message: Uint8Array) => {
    const input = Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString("base64url");
    return new Uint8Array(Buffer.from(await signer.sign(input), "base64url"));
  };
  return { key: { publicKey: publicKeyOfJwk(jwk), sign }, kid: signer.kid, rootKeyId: rootKeyIdOf(signer.kid) };
}

/** The first 32 bits of a key's thumbprint: two keys of one ring that share them are not to be expected. */
function rootKeyIdOf(kid: string): number {
  return Buffer.from(kid, "base64url").readUInt32BE(0);
}

/** Key text: the bytes of Ed25519, the compressed point of P-256 (SEC 1 section 2.3.3). */
function publicKeyOfJwk({ crv, x = "", y = "" }: JWK): PublicKey {
  const hex = (member: string) => Buffer.from(member, "base64url").toString("hex");
  if (crv === "Ed25519") return publicKeyOf(`ed25519/${hex(x)}`);
  const isOdd = ((Buffer.from(y, "base64url").at(-1) ?? 0) & 1) === 1;
  return publicKeyOf(`secp256r1/${isOdd ? "03" : "02"}${hex(x)}`);
}

const publications = new WeakMap<object, readonly PublishedRoot[]>();

/** The keys of a set, those that sign first, read once for each state of the ring. */
export function publishedRoots(keys: Pick<KeyRing, "published">, set: "roots" | "signoffs" = "roots") {
  const published = keys.published(set);
  const found = publications.get(published) ?? published.keys.map(rootOf);
  publications.set(published, found);
  return found;
}

function rootOf(jwk: JWK): PublishedRoot {
  const kid = jwk.kid ?? "";
  return { kid, rootKeyId: rootKeyIdOf(kid), publicKey: publicKeyOfJwk(jwk) };
}

/** What is remembered of the tokens of one ring. */
interface Remembered {
  readonly cache: SignatureCache;
  /** When the ring was last read for a key that it did not have. */
  reloadedAt: number;
}

const remembered = new WeakMap<object, Remembered>();

/** Anybody can name a key that there is not. */
const RELOAD_EVERY_MS = 5000;

/**
 * What tokens of this authority are verified with: the root keys of its ring, by their ids, until they are erased. A token
 * without an id is taken to be of the key that signs now. For one that names a key which is not known the ring is read again:
 * another node may have just made it.
 */
export function ownTokens({
  keys,
  clock,
  config,
  revocations,
}: Pick<Services, "keys" | "clock" | "config" | "revocations">): VerificationOptions {
  const state = remembered.get(keys) ?? { cache: new SignatureCache(), reloadedAt: Number.NEGATIVE_INFINITY };
  remembered.set(keys, state);
  const byId = (id: number) => publishedRoots(keys).find(({ rootKeyId }) => rootKeyId === id)?.publicKey;
  const rootKey: RootKeyProvider = async (id) => {
    // Before the key is given: what another node has revoked counts here at once.
    await revocations.current();
    if (id === undefined) {
      return publishedRoots(keys).find(({ publicKey }) => publicKey.algorithm === config.capability.root_key)
        ?.publicKey;
    }
    const found = byId(id);
    const now = clock.monotonic();
    if (found !== undefined || now - state.reloadedAt < RELOAD_EVERY_MS) return found;
    state.reloadedAt = now;
    await keys.reload();
    return byId(id);
  };
  return { rootKey, clock, cache: state.cache, revoked: revocations };
}
