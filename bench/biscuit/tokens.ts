import { createPublicKey, type KeyObject, verify } from "node:crypto";
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

/** Signatures of a token made ready, to measure what checking them alone costs. */
export interface BareSignature {
  readonly jwk: { readonly kty: string; readonly crv: string; readonly x: string };
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

export function bareSignatures(token: Uint8Array, root: KeyPair): BareSignature[] {
  let key = root.publicKey;
  let previous: Uint8Array | undefined;
  return readContainer(token).blocks.map((block) => {
    const { kty, crv, x } = key.toJwk();
    const bare = { jwk: { kty, crv, x }, payload: blockPayload(block, previous), signature: block.signature };
    key = block.nextKey;
    previous = block.signature;
    return bare;
  });
}

const importKey = ({ jwk }: BareSignature): KeyObject => createPublicKey({ format: "jwk", key: jwk });

export const floorSync = (signatures: readonly BareSignature[]): boolean =>
  signatures.every((bare) => verify(null, bare.payload, importKey(bare), bare.signature));

export const floorAsync = (signatures: readonly BareSignature[]): Promise<boolean[]> =>
  Promise.all(
    signatures.map(
      (bare) =>
        new Promise<boolean>((resolve, reject) => {
          verify(null, bare.payload, importKey(bare), bare.signature, (error, valid) =>
            error === null ? resolve(valid) : reject(error),
          );
        }),
    ),
  );
