import {
  instantiateReference,
  type ReferenceModule,
  type ReferenceToken,
} from "../../packages/biscuit/test/differential/reference-module.ts";
import { ATTENUATION, AUTHORITY, POLICY, REQUEST } from "./tokens.ts";

/** The reference in the same roles; everything it hands out is freed, as its memory is not collected. */
export interface ReferenceBench {
  mint(root: "ed25519" | "secp256r1"): void;
  attenuate(): void;
  verify(token: Uint8Array, root: "ed25519" | "secp256r1"): void;
  decide(token: Uint8Array, root: "ed25519" | "secp256r1"): void;
  authorize(): void;
}

/** A run limit of one millisecond refuses good tokens now and then; a refusal is asked again, as an application must. */
const ATTEMPTS = 50;

function authorize(reference: ReferenceModule, token: ReferenceToken): void {
  for (let attempt = 1; ; attempt++) {
    const builder = new reference.AuthorizerBuilder();
    builder.addCode(`${REQUEST}${POLICY}`);
    const authorizer = builder.buildAuthenticated(token);
    try {
      authorizer.authorize();
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !JSON.stringify(error).includes("Timeout")) throw error;
    } finally {
      authorizer.free();
    }
  }
}

export async function openReference(
  secrets: Readonly<Record<"ed25519" | "secp256r1", string>>,
): Promise<ReferenceBench> {
  const reference = await instantiateReference();
  const keys = {
    ed25519: reference.PrivateKey.fromString(secrets.ed25519),
    secp256r1: reference.PrivateKey.fromString(secrets.secp256r1),
  };
  const publicKeys = {
    ed25519: reference.PublicKey.fromString(publicHex(reference, secrets.ed25519), 0),
    secp256r1: reference.PublicKey.fromString(publicHex(reference, secrets.secp256r1), 1),
  };
  const build = (root: "ed25519" | "secp256r1"): ReferenceToken => {
    const builder = reference.Biscuit.builder();
    builder.addCode(AUTHORITY);
    return builder.build(keys[root]);
  };
  const kept = build("ed25519");
  return {
    mint: (root) => build(root).free(),
    attenuate() {
      const block = new reference.BlockBuilder();
      block.addCode(ATTENUATION);
      kept.appendBlock(block).free();
      block.free();
    },
    verify: (token, root) => reference.Biscuit.fromBytes(token, publicKeys[root]).free(),
    decide(token, root) {
      const verified = reference.Biscuit.fromBytes(token, publicKeys[root]);
      authorize(reference, verified);
      verified.free();
    },
    authorize: () => authorize(reference, kept),
  };
}

function publicHex(reference: ReferenceModule, secret: string): string {
  const pair = reference.KeyPair.fromPrivateKey(reference.PrivateKey.fromString(secret));
  return pair.getPublicKey().toString().replace(/^.*\//, "");
}
