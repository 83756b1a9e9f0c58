import { createPrivateKey, createPublicKey, type KeyObject, verify } from "node:crypto";
import type { PublicKey } from "@countersign/biscuit";
import { blockPayload, externalPayload } from "../../packages/biscuit/src/format/signature-payload.ts";
import { readContainer } from "../../packages/biscuit/src/format/wrapper.ts";

interface BareSignature {
  readonly jwk: { readonly kty: string; readonly crv: string; readonly x: string };
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** The signatures of a token from one block on, those of third parties too, and the secret at its end. */
export interface Bare {
  readonly signatures: readonly BareSignature[];
  readonly secret: Uint8Array;
}

function bareSignature(key: PublicKey, payload: Uint8Array, signature: Uint8Array): BareSignature {
  const { kty, crv, x } = key.toJwk();
  return { jwk: { kty, crv, x }, payload, signature };
}

export function bareOf(token: Uint8Array, root: PublicKey, from = 0): Bare {
  const { blocks, proof } = readContainer(token);
  const signatures = blocks.flatMap((block, i) => {
    const last = blocks[i - 1];
    const own = bareSignature(last?.nextKey ?? root, blockPayload(block, last?.signature), block.signature);
    if (i < from) return [];
    if (block.external === undefined || last === undefined) return [own];
    const { publicKey, signature } = block.external;
    return [own, bareSignature(publicKey, externalPayload(block.data, last.signature), signature)];
  });
  return { signatures, secret: proof.kind === "secret" ? proof.secret : new Uint8Array() };
}

const importKey = ({ jwk }: BareSignature): KeyObject => createPublicKey({ format: "jwk", key: jwk });
const publicPart = (key: Uint8Array): unknown =>
  createPrivateKey({ format: "raw-private", key, asymmetricKeyType: "ed25519" }).export({ format: "jwk" }).x;

/** What no implementation can leave out: the signatures, and the public key of the secret. */
export function checkBare({ signatures, secret }: Bare): unknown {
  return signatures.every((bare) => verify(null, bare.payload, importKey(bare), bare.signature)) && publicPart(secret);
}
