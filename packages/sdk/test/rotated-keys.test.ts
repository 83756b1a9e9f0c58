import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KeyPair } from "@countersign/biscuit";
import { systemClock } from "@countersign/protocol";
import { mintIdentity } from "@countersign/protocol/capability";
import { Countersign, SdkError } from "../src/index.ts";
import type { Transport } from "../src/transport/transport.ts";
import { alice, testTls } from "./support/tls.ts";

const [before, now, stranger] = await Promise.all([1, 2, 3].map(() => KeyPair.generate()));

/** An authority whose key has rotated: tokens of the key before are good until they expire. */
function rotated(keys: readonly (readonly [rootKeyId: number, key: KeyPair])[]): Transport {
  const message = {
    response_msg: "Public key provided",
    public_key: now?.publicKey.toPem(),
    public_keys: keys.map(([root_key_id, key]) => ({ root_key_id, public_key: key.publicKey.toString() })),
  };
  const body = new TextEncoder().encode(JSON.stringify(message));
  return { send: async () => ({ status: 200, body }), close() {} };
}

async function tokenOf(key: KeyPair | undefined, rootKeyId?: number): Promise<string> {
  assert.ok(key);
  return (await mintIdentity(key, { subject: alice }, { clock: systemClock, rootKeyId })).toBase64();
}

describe("a client of an authority whose root keys rotate", () => {
  assert.ok(before && now);
  const transport = rotated([
    [2, now],
    [1, before],
  ]);
  const aClient = async () => {
    const client = new Countersign({ baseUrl: "id.example.com", serverCa: testTls().ca }, { transport });
    await client.setup();
    return client;
  };

  const rows: readonly (readonly [name: string, token: Promise<string>, refusal?: string])[] = [
    ["of the key that signs now", tokenOf(now, 2)],
    ["of the key before", tokenOf(before, 1)],
    ["that names no key, of the one that signs now", tokenOf(now)],
    ["that names no key, of the key before", tokenOf(before), "token_signature"],
    ["that names another key than it is of", tokenOf(before, 2), "token_signature"],
    ["of a stranger under the id of a key", tokenOf(stranger, 1), "token_signature"],
    ["of a key that the authority does not name", tokenOf(stranger, 3), "unknown_root_key"],
  ];
  for (const [name, minted, refusal] of rows) {
    it(`${refusal === undefined ? "takes" : "refuses"} a token ${name}`, async () => {
      const judged = (await aClient()).verifyIdentityTokenLocal(await minted, alice);
      if (refusal === undefined) return judged;
      await assert.rejects(judged, (error) => error instanceof SdkError && error.code === refusal);
    });
  }

  it("hands the keys on to the client that withSetup makes", async () => {
    const client = new Countersign({ baseUrl: "id.example.com", serverCa: testTls().ca }, { transport });
    const ready = await client.withSetup();
    await ready.verifyIdentityTokenLocal(await tokenOf(before, 1), alice);
    assert.equal(client.tokens.canVerify, false);
  });
});
