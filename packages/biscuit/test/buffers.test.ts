import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Authorizer,
  Biscuit,
  fact,
  PrivateKey,
  PublicKey,
  restoreSnapshot,
  ThirdPartyBlock,
  ThirdPartyRequest,
  takeSnapshot,
} from "@countersign/biscuit";
import { NAMES, provider } from "./crypto/providers.ts";
import { rootKey, thirdKey } from "./forge.ts";

const token = Biscuit.builder().code("a(-1, 9007199254740993, hex:0102);").buildSync(rootKey);

/** The `slice` of a Buffer is a view on the same memory, which its owner goes on writing to. */
function overwritten<T>(bytes: Uint8Array, read: (buffer: Uint8Array) => T): T {
  const buffer = Buffer.from(bytes);
  const value = read(buffer);
  assert.deepEqual(new Uint8Array(buffer), new Uint8Array(bytes), "reading writes to nothing");
  buffer.fill(0);
  return value;
}

describe("a Buffer that is overwritten later", () => {
  it("does not change a token that was parsed from it", () => {
    const parsed = overwritten(token.toBytes(), (buffer) => Biscuit.parse(buffer));
    assert.deepEqual(parsed.verifySync(rootKey.publicKey).toBytes(), token.toBytes());
  });

  it("does not change keys", () => {
    const publicBytes = rootKey.publicKey.toBytes();
    const privateBytes = rootKey.privateKey.revealBytes();
    const publicKey = overwritten(publicBytes, (buffer) => PublicKey.fromBytes("ed25519", buffer));
    const privateKey = overwritten(privateBytes, (buffer) => PrivateKey.fromBytes("ed25519", buffer));
    const fromDer = overwritten(rootKey.privateKey.revealDer(), (buffer) => PrivateKey.fromDer(buffer));
    assert.deepEqual(publicKey.toBytes(), publicBytes);
    assert.deepEqual(privateKey.revealBytes(), privateBytes);
    assert.deepEqual(fromDer.revealBytes(), privateBytes);
  });

  it("does not change what crosses the wire to a third party", () => {
    const request = overwritten(token.thirdPartyRequest().toBytes(), (buffer) => ThirdPartyRequest.parse(buffer));
    const signed = request.createBlockSync(thirdKey, "b(1);").toBytes();
    const block = overwritten(signed, (buffer) => ThirdPartyBlock.parse(buffer));
    assert.equal(token.appendThirdPartySync(thirdKey.publicKey, block).blockCount, 2);
  });

  it("does not change facts and snapshots", () => {
    const made = overwritten(Uint8Array.of(1, 2), (buffer) => fact("b", buffer));
    assert.deepEqual(made.terms, [Uint8Array.of(1, 2)]);
    const evaluation = new Authorizer("allow if a($x, $y, $z);").evaluate(token);
    const restored = overwritten(takeSnapshot(evaluation), (buffer) => restoreSnapshot(buffer));
    assert.deepEqual(restored.dump(), evaluation.dump());
  });

  it("was given out by a query or to an extern function, and is not that of the token", () => {
    const authorizer = new Authorizer("check if a($x, $y, $z), $z.extern::wipe(); allow if a($x, $y, hex:0102);", {
      externs: { wipe: (bytes) => bytes instanceof Uint8Array && bytes.fill(0).length === 2 },
    });
    const found = authorizer.evaluate(token).query("f($z) <- a($x, $y, $z)")[0]?.terms[0];
    assert.ok(found instanceof Uint8Array);
    found.fill(0);
    assert.equal(authorizer.authorize(token).allowed, true);
    assert.equal(authorizer.authorize(token).allowed, true);
  });

  for (const name of NAMES) {
    it(`is left alone by the provider ${name}`, async () => {
      const message = Uint8Array.of(1, 2, 3);
      for (const algorithm of ["ed25519", "secp256r1"] as const) {
        const { privateKey, publicKey } = await provider(name).generateKeyPair(algorithm);
        const signature = Buffer.from(await provider(name).sign(algorithm, Buffer.from(privateKey), message));
        const before = signature.toString("hex");
        for (const expected of [true, true]) {
          assert.equal(await provider(name).verify(algorithm, Buffer.from(publicKey), message, signature), expected);
        }
        assert.equal(signature.toString("hex"), before);
      }
    });
  }
});
