import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CryptoProvider } from "@countersign/biscuit";
import { warmUp } from "@countersign/biscuit/warm-up";
import { defaultProvider } from "../src/crypto/node.ts";

describe("warmUp", () => {
  it("judges a good token of every kind of statement, over the provider it is given", async () => {
    let verified = 0;
    const { sign, generateKeyPair, publicKeyOf } = defaultProvider;
    const verify: CryptoProvider["verify"] = (...call) => {
      verified++;
      return defaultProvider.verify(...call);
    };
    await warmUp({ crypto: { verify, sign, generateKeyPair, publicKeyOf } });
    assert.ok(verified >= 2);
  });

  it("warms the synchronous form where there is one", async () => {
    let verified = 0;
    const { verifySync = () => assert.fail("node:crypto is synchronous too") } = defaultProvider;
    await warmUp({ crypto: { ...defaultProvider, verifySync: (...call) => ++verified > 0 && verifySync(...call) } });
    assert.ok(verified >= 3);
  });
});
