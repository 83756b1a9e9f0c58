import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Biscuit, KeyPair, type RemoteKey } from "@countersign/biscuit";

/** A key that is kept elsewhere: all that is seen of it are its signatures. */
function remote({ publicKey, privateKey }: KeyPair): RemoteKey {
  return { publicKey, sign: (message) => privateKey.sign(message) };
}

for (const algorithm of ["ed25519", "secp256r1"] as const) {
  describe(`a remote ${algorithm} key`, () => {
    const pair = KeyPair.generateSync(algorithm);
    const key = remote(pair);

    it("signs tokens that verify under its public key", async () => {
      const token = await Biscuit.builder().code("a(1);").build(key);
      const read = Biscuit.parse(token.toBase64());
      assert.equal((await read.verify(pair.publicKey)).blockCount, 1);
    });

    it("signs blocks as a third party", async () => {
      const token = await Biscuit.builder().code("a(1);").build(key);
      const block = await token.thirdPartyRequest().createBlock(key, "b(1);");
      const extended = await token.appendThirdParty(pair.publicKey, block);
      assert.equal((await Biscuit.parse(extended.toBase64()).verify(pair.publicKey)).blockCount, 2);
    });

    it("is refused in a synchronous call", () => {
      assert.throws(() => Biscuit.builder().code("a(1);").buildSync(key), { code: "no_sync_crypto" });
    });

    it("is not used as the next key too", async () => {
      const build = Biscuit.builder().code("a(1);").build(key, { nextKeyPair: pair });
      await assert.rejects(build, { code: "invalid_key" });
    });
  });
}

describe("a remote key that signs wrongly", () => {
  const [pair, other] = [KeyPair.generateSync(), KeyPair.generateSync()];
  const wrong: RemoteKey = { publicKey: pair.publicKey, sign: (message) => other.privateKey.sign(message) };

  it("makes no block that can be appended", async () => {
    const token = await Biscuit.builder().code("a(1);").build(pair);
    const block = await token.thirdPartyRequest().createBlock(wrong, "b(1);");
    await assert.rejects(token.appendThirdParty(pair.publicKey, block), { name: "SignatureError" });
  });

  it("is told as it failed", async () => {
    const failing: RemoteKey = {
      publicKey: pair.publicKey,
      sign: () => Promise.reject(new Error("the module is off")),
    };
    await assert.rejects(Biscuit.builder().code("a(1);").build(failing), /the module is off/);
  });
});
