import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Biscuit,
  type CryptoProvider,
  KeyPair,
  SignatureError,
  strictProvider,
  ThirdPartyBlock,
} from "@countersign/biscuit";
import { nodeProvider } from "../src/crypto/node.ts";

/** Cryptography that counts what it is asked for. */
function counting(): { readonly crypto: CryptoProvider; readonly calls: string[] } {
  const { verifySync, signSync, generateKeyPairSync, publicKeyOfSync, ...later } =
    nodeProvider() as Required<CryptoProvider>;
  const calls: string[] = [];
  const counted = <Args extends readonly unknown[], Result>(name: string, run: (...args: Args) => Result) => {
    return (...args: Args): Result => {
      calls.push(name);
      return run(...args);
    };
  };
  const crypto = strictProvider({
    ...later,
    verifySync: counted("verify", verifySync),
    signSync: counted("sign", signSync),
    generateKeyPairSync: counted("generate", generateKeyPairSync),
    publicKeyOfSync: counted("derive", publicKeyOfSync),
  });
  return { crypto, calls };
}

function setUp() {
  const { crypto, calls } = counting();
  const [root, third] = [KeyPair.generateSync("ed25519", crypto), KeyPair.generateSync("secp256r1", crypto)];
  const [token, other] = [1, 2].map((id) => Biscuit.builder().code(`a(${id});`).buildSync(root, { crypto }));
  assert.ok(token !== undefined && other !== undefined);
  const block = token.thirdPartyRequest().createBlockSync(third, "b(1);", { crypto });
  calls.length = 0;
  return { crypto, calls, third, token, other, block };
}

/** The same block with one byte of a part changed in place. */
function changed(block: ThirdPartyBlock, part: (block: ThirdPartyBlock) => Uint8Array): ThirdPartyBlock {
  const bytes = part(block);
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
  return block;
}

const refused = (append: () => unknown): void => assert.throws(append, SignatureError);

describe("a block of a third party that this process signed", () => {
  it("is not verified again", () => {
    const { crypto, calls, third, token, block } = setUp();
    const extended = token.appendThirdPartySync(third.publicKey, block, { crypto });
    assert.equal(extended.blockCount, 2);
    assert.deepEqual(calls, ["generate", "sign"]);
  });

  it("is verified once it has crossed a wire", () => {
    const { crypto, calls, third, token, block } = setUp();
    token.appendThirdPartySync(third.publicKey, ThirdPartyBlock.parse(block.toBytes()), { crypto });
    assert.ok(calls.includes("verify"));
  });

  it("is verified with other cryptography than it was signed with", () => {
    const { third, token, block } = setUp();
    const { crypto, calls } = counting();
    token.appendThirdPartySync(third.publicKey, block, { crypto });
    assert.ok(calls.includes("verify"));
  });

  it("is refused on another token", () => {
    const { crypto, third, other, block } = setUp();
    refused(() => other.appendThirdPartySync(third.publicKey, block, { crypto }));
  });

  it("is refused once its content or its signature was changed", () => {
    for (const part of [({ data }: ThirdPartyBlock) => data, ({ external }: ThirdPartyBlock) => external.signature]) {
      const { crypto, third, token, block } = setUp();
      refused(() => token.appendThirdPartySync(third.publicKey, changed(block, part), { crypto }));
    }
  });

  it("is refused as that of another key", () => {
    const { crypto, token, block } = setUp();
    const { publicKey } = KeyPair.generateSync("secp256r1", crypto);
    const stolen = new ThirdPartyBlock(block.data, { ...block.external, publicKey });
    refused(() => token.appendThirdPartySync(publicKey, stolen, { crypto }));
    Object.assign(block, { external: { ...block.external, publicKey } });
    refused(() => token.appendThirdPartySync(publicKey, block, { crypto }));
  });
});

describe("a generated key pair", () => {
  it("does not derive its public key again when it signs a block", () => {
    const { crypto, calls, third, token } = setUp();
    const block = token.thirdPartyRequest().createBlockSync(third, "b(1);", { crypto });
    assert.equal(block.external.publicKey.toString(), third.publicKey.toString());
    assert.deepEqual(calls, ["sign"]);
  });
});
