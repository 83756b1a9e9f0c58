import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  Authorizer,
  Biscuit,
  BiscuitError,
  PrivateKey,
  PublicKey,
  restoreSnapshot,
  ThirdPartyRequest,
} from "@countersign/biscuit";

const folder = join(import.meta.dirname, "../../../vectors/biscuit");
const vectors = JSON.parse(readFileSync(join(folder, "vectors.json"), "utf8"));
const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
const read = (file: string): Uint8Array => new Uint8Array(readFileSync(join(folder, file)));

describe("own Biscuit vectors", () => {
  it("name every file in the folder", () => {
    const named = vectors.tokens.map(({ file }: { file: string }) => file).sort();
    assert.deepEqual(
      readdirSync(folder)
        .filter((name) => name.endsWith(".bc"))
        .sort(),
      named,
    );
  });

  for (const vector of vectors.tokens) {
    const root = PublicKey.parse(vector.root_public_key);

    it(`${vector.id}: ${vector.reason}`, () => {
      const bytes = read(vector.file);
      if (vector.refused !== undefined) {
        assert.throws(
          () => Biscuit.parse(bytes).verifySync(root),
          (error) => error instanceof BiscuitError && error.code === vector.refused,
        );
        return;
      }
      const token = Biscuit.parse(bytes).verifySync(root);
      assert.deepEqual(token.toBytes(), bytes);
      assert.deepEqual(
        token.blocks.map(({ source }) => source),
        vector.blocks,
      );
      assert.deepEqual(token.revocationIds, vector.revocation_ids);
      assert.deepEqual(token.normalizedRevocationIds, vector.normalized_revocation_ids);
      const decision = new Authorizer(vector.authorizer, { limits: vector.limits ?? {} }).authorize(token);
      assert.deepEqual(decision.toRustJson(), vector.result);
    });
  }

  it("the twins of an ECDSA signature have one normalized revocation id", () => {
    const [one, two] = ["p256-signature", "p256-signature-twin"].map((id) =>
      vectors.tokens.find((vector: { id: string }) => vector.id === id),
    );
    assert.notDeepEqual(one.revocation_ids, two.revocation_ids);
    assert.deepEqual(one.normalized_revocation_ids, two.normalized_revocation_ids);
  });

  it(`third-party-messages: ${vectors.third_party.reason}`, () => {
    const vector = vectors.third_party;
    const token = Biscuit.parse(bytesOf(vector.token)).verifySync(PublicKey.parse(vector.root_public_key));
    assert.deepEqual(token.thirdPartyRequest().toBytes(), bytesOf(vector.request));
    const key = PrivateKey.parse(vector.third_party_private_key);
    const block = ThirdPartyRequest.parse(bytesOf(vector.request)).createBlockSync(key, vector.code);
    assert.deepEqual(block.toBytes(), bytesOf(vector.block));
    const extended = token.appendThirdPartySync(PublicKey.parse(vector.third_party_public_key), bytesOf(vector.block));
    const received = Biscuit.parse(extended.toBytes()).verifySync(PublicKey.parse(vector.root_public_key));
    assert.equal(received.blocks[1]?.source, vector.code);
    assert.equal(received.blocks[1]?.externalKey?.toString(), vector.third_party_public_key);
  });

  it(`snapshot: ${vectors.snapshot.reason}`, () => {
    const evaluation = restoreSnapshot(bytesOf(vectors.snapshot.snapshot));
    assert.deepEqual(evaluation.decide().toRustJson(), vectors.snapshot.result);
    const facts = evaluation
      .dump()
      .facts.map(({ origin, facts }) => ({ origin: origin.map((block) => block ?? null), facts }));
    assert.deepEqual(facts, vectors.snapshot.facts);
  });
});
