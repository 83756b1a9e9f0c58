import { defaultProvider } from "#crypto";
import { type Action, both, perform, type Steps } from "./action.ts";
import { PrivateKey, type PublicKey } from "./crypto/keys.ts";
import type { CryptoProvider } from "./crypto/provider.ts";
import { type BiscuitError, FormatError, SignatureError } from "./errors.ts";
import { blockPayload, externalPayload, sealPayload } from "./format/signature-payload.ts";
import type { Container, SignedBlock } from "./format/wrapper.ts";
import { SignatureCache } from "./signature-cache.ts";

/** How signatures are made and checked. */
export interface CryptoOptions {
  /** @default the runtime's own: node:crypto where there is one, else WebCrypto */
  readonly crypto?: CryptoProvider | undefined;
}

/** How a token is verified. */
export interface VerifyOptions extends CryptoOptions {
  /** Signatures known to be valid. @default none */
  readonly cache?: SignatureCache | undefined;
}

/** Stands where a signature would, so that a proven secret is never taken for a signature of it. */
const PROOF_MARK = new Uint8Array(0);

interface SignatureJob {
  readonly key: PublicKey;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** The last block of a token. */
export function lastBlock(container: Container): SignedBlock {
  return container.blocks[container.blocks.length - 1] ?? container.blocks[0];
}

/** Every signature of a token in the order in which the reference checks them. */
function signatureJobs(container: Container, root: PublicKey): SignatureJob[] {
  const jobs: SignatureJob[] = [];
  let key = root;
  let previous: Uint8Array | undefined;
  for (const block of container.blocks) {
    jobs.push({ key, payload: blockPayload(block, previous), signature: block.signature });
    if (block.external !== undefined && previous !== undefined) {
      const { publicKey, signature } = block.external;
      jobs.push({ key: publicKey, payload: externalPayload(block.data, previous), signature });
    }
    key = block.nextKey;
    previous = block.signature;
  }
  if (container.proof.kind === "seal") {
    jobs.push({ key, payload: sealPayload(lastBlock(container)), signature: container.proof.signature });
  }
  return jobs;
}

const EQUATION = { ed25519: "signature error: Verification equation was not satisfied", secp256r1: "signature error" };

function signatureFailure(job: SignatureJob): BiscuitError {
  const { algorithm } = job.key;
  if (algorithm === "ed25519" && job.signature.length !== 64) {
    const bytes = Array.from(job.signature).join(", ");
    return new FormatError("block_signature", `block signature deserialization error: [${bytes}]`);
  }
  return new SignatureError("invalid_signature", `Cannot verify the ${algorithm} signature of a block`, {
    Signature: { InvalidSignature: EQUATION[algorithm] },
  });
}

const mismatch = (): SignatureError => {
  const reason = "the last public key does not match the private key";
  return new SignatureError("proof_key", `Cannot verify the proof of the token: ${reason}`, {
    Signature: { InvalidSignature: reason },
  });
};

function verifyAll(jobs: readonly SignatureJob[], crypto: CryptoProvider): Action<boolean[]> {
  return {
    now: () => jobs.map(({ key, payload, signature }) => key.verifySync(payload, signature, crypto)),
    later: () => Promise.all(jobs.map(({ key, payload, signature }) => key.verify(payload, signature, crypto))),
  };
}

/** Asks for the public key of a private key. */
export function publicKeyOf(privateKey: PrivateKey, crypto: CryptoProvider): Action<PublicKey> {
  return { now: () => privateKey.publicKeySync(crypto), later: () => privateKey.publicKey(crypto) };
}

interface PendingJob {
  readonly job: SignatureJob;
  readonly cacheKey: string | undefined;
}

/** The signatures that the cache does not know. */
function pendingJobs(jobs: readonly SignatureJob[], cache: SignatureCache | undefined): PendingJob[] {
  const pending: PendingJob[] = [];
  for (const job of jobs) {
    const cacheKey = cache && SignatureCache.key(job.key, job.payload, job.signature);
    if (cacheKey === undefined || cache?.has(cacheKey) !== true) pending.push({ job, cacheKey });
  }
  return pending;
}

function verifyPending(pending: readonly PendingJob[], crypto: CryptoProvider): Action<boolean[]> {
  return verifyAll(
    pending.map(({ job }) => job),
    crypto,
  );
}

function accept(pending: readonly PendingJob[], verdicts: readonly boolean[], cache: SignatureCache | undefined): void {
  for (const [i, { job, cacheKey }] of pending.entries()) {
    if (verdicts[i] !== true) throw signatureFailure(job);
    if (cacheKey !== undefined) cache?.add(cacheKey);
  }
}

/** The secret at the end of a token that is not sealed, and the public key that it must have. */
interface SecretProof {
  readonly secret: Uint8Array;
  readonly nextKey: PublicKey;
  readonly cacheKey: string | undefined;
}

function pendingProof(container: Container, cache: SignatureCache | undefined): SecretProof | undefined {
  if (container.proof.kind === "seal") return undefined;
  const { secret } = container.proof;
  const { nextKey } = lastBlock(container);
  const cacheKey = cache && SignatureCache.key(nextKey, secret, PROOF_MARK);
  return cacheKey !== undefined && cache?.has(cacheKey) === true ? undefined : { secret, nextKey, cacheKey };
}

function proves({ secret, nextKey }: SecretProof, crypto: CryptoProvider): Action<boolean> {
  const privateKey = (): PrivateKey => PrivateKey.fromBytes(nextKey.algorithm, secret);
  return {
    now: () => privateKey().publicKeySync(crypto).equals(nextKey),
    later: async () => (await privateKey().publicKey(crypto)).equals(nextKey),
  };
}

/**
 * Checks the chain of signatures and the proof at its end.
 *
 * @throws {SignatureError} or {@link FormatError} for the first signature, in order, that does not hold.
 */
export function* verifyChain(container: Container, root: PublicKey, options: VerifyOptions): Steps<void> {
  const { crypto = defaultProvider, cache } = options;
  const pending = pendingJobs(signatureJobs(container, root), cache);
  const proof = pendingProof(container, cache);
  if (proof === undefined) {
    if (pending.length > 0) accept(pending, yield* perform(verifyPending(pending, crypto)), cache);
    return;
  }
  // The proof costs this thread about as much as a signature costs another.
  const [verdicts, isProven] = yield* perform(both(verifyPending(pending, crypto), proves(proof, crypto)));
  accept(pending, verdicts, cache);
  if (!isProven()) throw mismatch();
  if (proof.cacheKey !== undefined) cache?.add(proof.cacheKey);
}

/** Checks the signature of one third-party block against the signature it must follow. */
export function* verifyExternal(
  data: Uint8Array,
  previous: Uint8Array,
  external: { readonly publicKey: PublicKey; readonly signature: Uint8Array },
  crypto: CryptoProvider,
): Steps<void> {
  const job = { key: external.publicKey, payload: externalPayload(data, previous), signature: external.signature };
  const pending = pendingJobs([job], undefined);
  accept(pending, yield* perform(verifyPending(pending, crypto)), undefined);
}
