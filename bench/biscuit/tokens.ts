import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { Biscuit, type KeyAlgorithm, KeyPair, PrivateKey } from "@countersign/biscuit";
import { blockPayload } from "../../packages/biscuit/src/format/signature-payload.ts";
import { readContainer } from "../../packages/biscuit/src/format/wrapper.ts";

/** The authority block of every token. */
export const AUTHORITY = `
  user("alice");
  right("/reports/2026.pdf", "read");
  right("/reports/2026.pdf", "write");
  check if time($now), $now < 2030-01-01T00:00:00Z;
`;
/** What every further block says. */
export const ATTENUATION = `check if operation("read");`;
/** The service. */
export const POLICY = `allow if operation($op), resource($file), right($file, $op);`;
/** The request. */
export const REQUEST = `time(2026-11-22T00:00:00Z); resource("/reports/2026.pdf"); operation("read");`;

export const rootOf = (algorithm: KeyAlgorithm): KeyPair =>
  KeyPair.fromSync(PrivateKey.parse(`${algorithm}-private/${"2a".repeat(32)}`));

/** So many tokens of so many blocks, no key twice, so that nothing can be remembered from call to call. */
export function distinctTokens(count: number, blocks: number, root: KeyPair): Uint8Array[] {
  return Array.from({ length: count }, () => {
    let token = Biscuit.builder().code(AUTHORITY).buildSync(root);
    for (let i = 1; i < blocks; i++) token = token.attenuateSync(ATTENUATION);
    return token.toBytes();
  });
}

/** A signature made ready, to measure what checking it alone costs. */
interface BareSignature {
  readonly jwk: { readonly kty: string; readonly crv: string; readonly x: string };
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** The cryptography of a token: its signatures, and the secret at its end. */
export interface BareToken {
  readonly signatures: readonly BareSignature[];
  readonly secret: Uint8Array;
}

export function bareToken(token: Uint8Array, root: KeyPair): BareToken {
  const { blocks, proof } = readContainer(token);
  let key = root.publicKey;
  let previous: Uint8Array | undefined;
  const signatures = blocks.map((block) => {
    const { kty, crv, x } = key.toJwk();
    const bare = { jwk: { kty, crv, x }, payload: blockPayload(block, previous), signature: block.signature };
    key = block.nextKey;
    previous = block.signature;
    return bare;
  });
  return { signatures, secret: proof.kind === "secret" ? proof.secret : new Uint8Array() };
}

const importKey = ({ jwk }: BareSignature): KeyObject => createPublicKey({ format: "jwk", key: jwk });
const publicPart = (key: Uint8Array): unknown =>
  createPrivateKey({ format: "raw-private", key, asymmetricKeyType: "ed25519" }).export({ format: "jwk" }).x;

/** What no implementation over node:crypto can leave out: the signatures, and the public key of the secret. */
export function floorSync({ signatures, secret }: BareToken): unknown {
  return signatures.every((bare) => verify(null, bare.payload, importKey(bare), bare.signature)) && publicPart(secret);
}

/** The same, the signatures on the thread pool. */
export async function floorAsync({ signatures, secret }: BareToken): Promise<unknown> {
  const verdicts = signatures.map(
    (bare) =>
      new Promise<boolean>((resolve, reject) => {
        verify(null, bare.payload, importKey(bare), bare.signature, (error, valid) =>
          error === null ? resolve(valid) : reject(error),
        );
      }),
  );
  const key = publicPart(secret);
  return (await Promise.all(verdicts)).every((valid) => valid) && key;
}

const JWK = { publicKeyEncoding: { format: "jwk" }, privateKeyEncoding: { format: "jwk" } } as const;
const MESSAGE = new Uint8Array(180);

/** What signing a block cannot do without: the next key, and one signature. */
export function signingFloor(algorithm: KeyAlgorithm): () => unknown {
  const { privateKey } =
    algorithm === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const digest = algorithm === "ed25519" ? null : "sha256";
  return () => [generateKeyPairSync("ed25519", JWK), sign(digest, MESSAGE, privateKey)];
}
