import { defaultProvider } from "#crypto";
import { type Action, both, perform, type Steps } from "./action.ts";
import { PrivateKey, type PublicKey } from "./crypto/keys.ts";
import type { CryptoProvider, KeyAlgorithm } from "./crypto/provider.ts";
import { type BiscuitError, FormatError, SignatureError } from "./errors.ts";
import { blockPayload, externalPayload, sealPayload } from "./format/signature-payload.ts";
import { type Container, countBlocks } from "./format/wrapper.ts";
import type { Limits } from "./limits.ts";
import { chooseRoot, type RootKey } from "./root-key.ts";
import { holdsFor, type SignatureCache } from "./signature-cache.ts";
import { type Chain, type CryptoOptions, type DecodedBlocks, decodeBlocks, lastBlock } from "./token-model.ts";

/** How a token is verified. */
export interface VerifyOptions extends CryptoOptions {
  /** Signatures known to be valid. @default none */
  readonly cache?: SignatureCache | undefined;
}

/** Stands where the message of a signature would: no signature is of nothing, so none is taken for a proven secret. */
const PROOF_MESSAGE = new Uint8Array(0);

interface SignatureJob {
  /** The place of the block that it signs; of the seal, the number of blocks. */
  readonly block: number;
  readonly key: PublicKey;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** The signatures of a token from one block on, in the order in which the reference checks them. */
function signatureJobs(container: Container, root: PublicKey, from: number): SignatureJob[] {
  const { blocks, proof } = container;
  const jobs: SignatureJob[] = [];
  let last = blocks[from - 1];
  let key = last?.nextKey ?? root;
  for (const [i, block] of blocks.slice(from).entries()) {
    const place = from + i;
    jobs.push({ block: place, key, payload: blockPayload(block, last?.signature), signature: block.signature });
    if (block.external !== undefined && last !== undefined) {
      const { publicKey, signature } = block.external;
      jobs.push({ block: place, key: publicKey, payload: externalPayload(block.data, last.signature), signature });
    }
    key = block.nextKey;
    last = block;
  }
  if (proof.kind === "seal") {
    jobs.push({ block: blocks.length, key, payload: sealPayload(lastBlock(container)), signature: proof.signature });
  }
  return jobs;
}

const EQUATION = { ed25519: "signature error: Verification equation was not satisfied", secp256r1: "signature error" };

/** A signature can be as long as a token, and its bytes take five characters each in the message. */
const MAX_SHOWN = 64;

function signatureFailure(job: SignatureJob): BiscuitError {
  const { algorithm } = job.key;
  if (algorithm === "ed25519" && job.signature.length !== 64) {
    const bytes = Array.from(job.signature.subarray(0, MAX_SHOWN)).join(", ");
    const rest = job.signature.length > MAX_SHOWN ? ", …" : "";
    return new FormatError("block_signature", `block signature deserialization error: [${bytes}${rest}]`);
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
    now: () => {
      const verdicts: boolean[] = [];
      // One after the other, so what follows a false signature need not be looked at.
      for (const { key, payload, signature } of jobs) {
        verdicts.push(key.verifySync(payload, signature, crypto));
        if (verdicts.includes(false)) break;
      }
      return verdicts;
    },
    later: () => Promise.all(jobs.map(({ key, payload, signature }) => key.verify(payload, signature, crypto))),
  };
}

function accept(jobs: readonly SignatureJob[], verdicts: readonly boolean[], cache?: SignatureCache): void {
  for (const [i, job] of jobs.entries()) {
    if (verdicts[i] !== true) throw signatureFailure(job);
    cache?.add(job.key, job.payload, job.signature);
  }
}

/** Whether the secret at the end of a token has the public key that the last block names. */
function proves(secret: Uint8Array, nextKey: PublicKey, crypto: CryptoProvider): Action<boolean> {
  const privateKey = (): PrivateKey => PrivateKey.fromBytes(nextKey.algorithm, secret);
  return {
    now: () => privateKey().publicKeySync(crypto).equals(nextKey),
    later: async () => (await privateKey().publicKey(crypto)).equals(nextKey),
  };
}

const PROVEN: Action<boolean> = { now: () => true, later: async () => true };

/** What was known of a token before. */
interface Seen {
  /** The blocks, from the authority on, whose signatures were known to be valid. */
  readonly blocks: number;
  /** Whether all of it was, its proof included. */
  readonly whole: boolean;
}

/**
 * Checks the chain of signatures, from the block on that is not known to be valid, and the proof at its end.
 *
 * Asynchronously the proof is derived, and `meanwhile` done, on this thread while signatures are checked on others.
 *
 * @throws {SignatureError} or {@link FormatError} for the first signature, in order, that does not hold; then what
 * `meanwhile` throws.
 */
function* checkSignatures(
  container: Container,
  root: PublicKey,
  from: number,
  { crypto = defaultProvider, cache }: VerifyOptions,
  meanwhile: Action<unknown>,
): Steps<Seen> {
  const jobs = signatureJobs(container, root, from).filter((job) => !cache?.has(job.key, job.payload, job.signature));
  const { proof } = container;
  const { nextKey } = lastBlock(container);
  const isProven = proof.kind === "seal" || cache?.has(nextKey, PROOF_MESSAGE, proof.secret) === true;
  const proving = isProven ? PROVEN : proves(proof.secret, nextKey, crypto);
  const [verdicts, rest] = yield* perform(both(verifyAll(jobs, crypto), both(proving, meanwhile)));
  accept(jobs, verdicts, cache);
  const [holds, done] = rest();
  if (!holds) throw mismatch();
  if (!isProven) cache?.add(nextKey, PROOF_MESSAGE, proof.secret);
  done();
  return { blocks: jobs[0]?.block ?? container.blocks.length, whole: isProven && jobs.length === 0 };
}

/** Bytes made ready to run while their signatures are checked: so few that a forged token costs no more than checking it. */
const MAX_AHEAD = 4096;

const isShort = ({ blocks }: Container): boolean =>
  blocks.reduce((length, { data }) => length + data.length, 0) <= MAX_AHEAD;

/** A token that was read and is to be verified. */
export interface ReadToken {
  readonly container: Container;
  /** The bytes it was read from, if it was. */
  readonly bytes: Uint8Array | undefined;
  readonly limits: Limits;
  /** Decodes its blocks once, from the first that is not known. @throws {FormatError}; {@link LimitError} `text`. */
  readonly decode: (known?: DecodedBlocks) => Chain;
}

/** A token that was verified. */
export interface VerifiedToken {
  readonly chain: Chain;
  readonly rootAlgorithm: KeyAlgorithm;
}

function findWhole(
  { bytes, limits }: ReadToken,
  root: PublicKey,
  cache: SignatureCache | undefined,
): Chain | undefined {
  const known = bytes && cache?.find(bytes);
  return known !== undefined && holdsFor(known, root, limits) ? known.chain : undefined;
}

/** Most narrowed tokens come once: only what comes again, a whole token or its first blocks, is worth its place. */
function remember(
  token: ReadToken,
  root: PublicKey,
  seen: Seen,
  from: number,
  cache: SignatureCache | undefined,
): void {
  const { container, bytes, limits } = token;
  if (seen.whole && bytes !== undefined) {
    const chain = token.decode();
    const weight = { blocks: countBlocks(container), text: chain.table.textRead };
    cache?.addToken({ kind: "token", rootKey: root, bytes, chain, ...weight });
  }
  if (!seen.whole && seen.blocks > from && cache !== undefined) {
    const signed = container.blocks.slice(0, seen.blocks);
    cache.addBeginning({ kind: "beginning", rootKey: root, signed, decoded: decodeBlocks(signed, limits) });
  }
}

/**
 * Verifies a token: chooses its root key, looks for what is known of it, checks the signatures and the proof, decodes its
 * blocks, and remembers what was seen before.
 *
 * @throws {SignatureError}, {@link FormatError} or {@link LimitError} `text`; {@link UsageError} for what is no root key.
 */
export function* verifySteps(token: ReadToken, root: RootKey, options: VerifyOptions): Steps<VerifiedToken> {
  const { container, limits } = token;
  const { cache } = options;
  const rootKey = yield* perform(chooseRoot(root, container.rootKeyId));
  const rootAlgorithm = rootKey.algorithm;
  const whole = findWhole(token, rootKey, cache);
  if (whole !== undefined) return { chain: whole, rootAlgorithm };
  const beginning = cache?.findBeginning(container.blocks, rootKey, limits);
  const decode = (): Chain => token.decode(beginning?.decoded);
  const from = beginning?.signed.length ?? 0;
  const seen = yield* checkSignatures(container, rootKey, from, options, {
    now: decode,
    later: async () => isShort(container) && decode().compiled(),
  });
  const chain = decode();
  remember(token, rootKey, seen, from, cache);
  return { chain, rootAlgorithm };
}

/** Checks the signature of one third-party block against the signature it must follow. */
export function* verifyExternal(
  data: Uint8Array,
  previous: Uint8Array,
  external: { readonly publicKey: PublicKey; readonly signature: Uint8Array },
  crypto: CryptoProvider,
): Steps<void> {
  const jobs = [
    { block: 0, key: external.publicKey, payload: externalPayload(data, previous), signature: external.signature },
  ];
  accept(jobs, yield* perform(verifyAll(jobs, crypto)));
}
